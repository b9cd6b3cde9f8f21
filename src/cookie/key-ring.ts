import { createHash, hkdfSync } from 'node:crypto';

import type { Secret } from '../kernel/secret.ts';

/** What a sealed value is for. Each purpose has keys of its own, so that no seal can be passed off as another. */
export type Purpose = 'session' | 'login' | 'hint' | 'logout';

export interface CookieKey {
  readonly id: number;
  /** The configured text: base64 or base64url of at least 32 bytes, otherwise taken as UTF-8. */
  readonly secret: Secret;
}

export interface KeyRingOptions {
  readonly keys: readonly CookieKey[];
  /** The id of the key that seals. All others only unseal. */
  readonly activeKey: number;
  readonly app: string;
  readonly issuer: string;
  readonly clientId: string;
}

/** A key of one purpose as iron takes it. The fingerprint stands in the seal and tells a known key from a foreign one. */
export interface SealKey {
  readonly fingerprint: string;
  readonly password: string;
}

/** A key for AES-256, and the name by which what it sealed is recognised. */
export interface WrapKey {
  readonly name: string;
  readonly key: Buffer;
}

interface PurposeKeys {
  readonly active: SealKey;
  readonly passwords: Readonly<Record<string, string>>;
}

const KEY_BYTES = 32;
const FINGERPRINT_BYTES = 6;
const BASE64 = /^[\w+/-]+={0,2}$/;

function secretBytes(secret: Secret): Buffer {
  const text = secret.reveal();
  const decoded = BASE64.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0);
  const bytes = decoded.length >= KEY_BYTES ? decoded : Buffer.from(text, 'utf8');
  if (bytes.length < KEY_BYTES) throw new Error(`a cookie key needs at least ${KEY_BYTES} bytes`);
  return bytes;
}

// Hashed, because HKDF takes at most 1,024 bytes of info and an issuer may be long. RFC 5869 §3.2: info binds a key to its context.
function derived(secret: Buffer, context: readonly string[], bytes: number): Buffer {
  const info = createHash('sha256')
    .update(JSON.stringify(['cloakroom', ...context]))
    .digest();
  return Buffer.from(hkdfSync('sha256', secret, '', info, bytes));
}

function sealKey(secret: Buffer, context: readonly string[]): SealKey {
  const bytes = derived(secret, context, KEY_BYTES + FINGERPRINT_BYTES);
  return {
    password: bytes.subarray(0, KEY_BYTES).toString('base64url'),
    fingerprint: String(bytes.readUIntBE(KEY_BYTES, FINGERPRINT_BYTES)),
  };
}

function purposeKeys(secrets: readonly Buffer[], active: Buffer, context: readonly string[]): PurposeKeys {
  const passwords = Object.create(null) as Record<string, string>;
  for (const secret of secrets) {
    const key = sealKey(secret, context);
    passwords[key.fingerprint] = key.password;
  }
  return { active: sealKey(active, context), passwords };
}

/**
 * The configured cookie keys, derived (HKDF, RFC 5869) per app, issuer, client id and purpose.
 * A seal of another app, issuer, client or purpose is therefore one with an *unknown* key, never a tampered one.
 */
export class KeyRing {
  readonly #purposes: Readonly<Record<Purpose, PurposeKeys>>;
  readonly #macKeys: readonly Buffer[];
  readonly #wrapKeys: readonly WrapKey[];

  /** Throws when the active key is not there or a secret is too short: the configuration has checked both. */
  constructor({ keys, activeKey, app, issuer, clientId }: KeyRingOptions) {
    const activeEntry = keys.find(({ id }) => id === activeKey);
    if (activeEntry === undefined) throw new Error('the active cookie key is not among the keys');
    const active = secretBytes(activeEntry.secret);
    const secrets = [active, ...keys.filter((key) => key !== activeEntry).map(({ secret }) => secretBytes(secret))];
    const keysOf = (purpose: Purpose): PurposeKeys => purposeKeys(secrets, active, [app, issuer, clientId, purpose]);
    this.#purposes = { session: keysOf('session'), login: keysOf('login'), hint: keysOf('hint'), logout: keysOf('logout') };
    this.#wrapKeys = secrets.map((secret) => {
      const bytes = derived(secret, [app, issuer, clientId, 'shared-ticket'], KEY_BYTES + FINGERPRINT_BYTES);
      return { key: bytes.subarray(0, KEY_BYTES), name: bytes.subarray(KEY_BYTES).toString('base64url') };
    });
    this.#macKeys = secrets.map((secret) => derived(secret, [app, issuer, clientId, 'session-id'], KEY_BYTES));
  }

  sealKey(purpose: Purpose): SealKey {
    return this.#purposes[purpose].active;
  }

  /** Fingerprint → password of every key of a purpose. Without prototype: a fingerprint is attacker-chosen text. */
  passwords(purpose: Purpose): Readonly<Record<string, string>> {
    return this.#purposes[purpose].passwords;
  }

  /** Keys for tickets in a store that others can read, the active one first. */
  get wrapKeys(): readonly WrapKey[] {
    return this.#wrapKeys;
  }

  /** Keys for the public ids of sessions, the active one first. */
  get macKeys(): readonly Buffer[] {
    return this.#macKeys;
  }
}
