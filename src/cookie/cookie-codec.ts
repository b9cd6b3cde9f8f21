import { sealData, unsealData, type UnsealErrorReason } from 'iron-session';

import { SingleFlight } from '../kernel/single-flight.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { deepFreeze } from './deep-freeze.ts';
import type { KeyRing, Purpose } from './key-ring.ts';
import { enclose, open } from './payload-envelope.ts';
import { fingerprintOf, mayBeSealed, sealedFingerprint } from './sealed-form.ts';
import { UnsealCache, type Sealed } from './unseal-cache.ts';

export type { Purpose } from './key-ring.ts';

/**
 * Why a value does not unseal. Only `tampered` (the MAC failed under a key we know, or an authentic seal holds what we never
 * write) says that the value is ours and worthless; every other reason means that it is not ours to judge.
 */
export type UnreadableReason = 'tampered' | 'foreign' | 'unknown-key' | 'unknown-version';

export type Unsealed = Sealed | { readonly kind: 'unreadable'; readonly reason: UnreadableReason };

export interface CookieCodecOptions {
  readonly keyRing: KeyRing;
  /** Estimated bytes of unsealed sessions kept. */
  readonly cacheBytes?: number;
  /** Unseals at once: each costs about 0.3 ms of CPU, and a flood of them would hold up everybody. */
  readonly maxUnseals?: number;
}

const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024;
const DEFAULT_MAX_UNSEALS = 8;
/** iron appends it outside its MAC. */
const VERSION_SUFFIX = '~';

const unreadable = (reason: UnreadableReason): Unsealed => Object.freeze({ kind: 'unreadable', reason });
const FOREIGN = unreadable('foreign');
const UNKNOWN_KEY = unreadable('unknown-key');
const UNKNOWN_VERSION = unreadable('unknown-version');
const TAMPERED = unreadable('tampered');

/** Iron's reasons. It looks at an expiry, which we never write, before the MAC: that one proves nothing. */
const IRON_REASONS: Readonly<Record<UnsealErrorReason, Unsealed>> = {
  'unknown-password': UNKNOWN_KEY,
  invalid: TAMPERED,
  expired: FOREIGN,
};

/** Seals JSON into cookie values and back (iron's format), with a reason for every failure. Never throws for a value it is given. */
export class CookieCodec {
  readonly #keyRing: KeyRing;
  readonly #cache: UnsealCache;
  readonly #limit: ConcurrencyLimit;
  readonly #flights = new SingleFlight<Unsealed>();

  constructor({ keyRing, cacheBytes = DEFAULT_CACHE_BYTES, maxUnseals = DEFAULT_MAX_UNSEALS }: CookieCodecOptions) {
    this.#keyRing = keyRing;
    this.#cache = new UnsealCache(cacheBytes);
    this.#limit = new ConcurrencyLimit(maxUnseals);
  }

  /** `payload` must be plain JSON. The value is the seal in its canonical form, all cookie-safe ASCII. */
  async seal(purpose: Purpose, payload: object): Promise<string> {
    const json = JSON.stringify(payload);
    const { fingerprint, password } = this.#keyRing.sealKey(purpose);
    const sealed = await sealData(enclose(json), { password: { [fingerprint]: password }, ttl: 0 });
    const value = sealed.slice(0, sealed.indexOf(VERSION_SUFFIX));
    if (fingerprintOf(value) !== fingerprint) throw new Error('iron no longer seals in the form that we accept');
    this.#remember(purpose, value, JSON.parse(json) as unknown, json.length);
    return value;
  }

  /** The plain value when the answer is at hand, which it is for a cached session. The payload is shared and frozen. */
  unseal(purpose: Purpose, value: string): Unsealed | Promise<Unsealed> {
    if (!mayBeSealed(value)) return FOREIGN;
    const cached = purpose === 'session' ? this.#cache.get(value) : undefined;
    if (cached !== undefined) return cached;
    const fingerprint = sealedFingerprint(value);
    if (fingerprint === undefined) return FOREIGN;
    const passwords = this.#keyRing.passwords(purpose);
    if (passwords[fingerprint] === undefined) return UNKNOWN_KEY;
    return this.#flights.run(value, () => this.#limit.run(() => this.#unsealNow(purpose, value, passwords)));
  }

  async #unsealNow(purpose: Purpose, value: string, password: Readonly<Record<string, string>>): Promise<Unsealed> {
    const failures: UnsealErrorReason[] = [];
    const envelope = await unsealData<unknown>(value, { password, ttl: 0, onUnsealError: (reason) => failures.push(reason) });
    const [failure] = failures;
    if (failure !== undefined) return IRON_REASONS[failure];
    const opened = open(envelope, value.length);
    if (opened.kind === 'opened') return this.#remember(purpose, value, opened.payload, opened.bytes);
    return opened.kind === 'broken' ? TAMPERED : UNKNOWN_VERSION;
  }

  // Only sessions: everything else is read once, and /login, which anybody may call, must not push sessions out.
  #remember(purpose: Purpose, value: string, payload: unknown, bytes: number): Sealed {
    const sealed: Sealed = Object.freeze({ kind: 'sealed', payload: deepFreeze(payload) });
    if (purpose === 'session') this.#cache.add(value, sealed, bytes);
    return sealed;
  }
}
