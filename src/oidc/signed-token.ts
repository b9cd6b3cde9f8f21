import { compactVerify, createLocalJWKSet, errors, type CompactVerifyGetKey, type JWK, type LocalJWKSet } from 'jose';
import type { Claims } from '../kernel/claims.ts';
import { isJsonObject, parseJsonObject, stringIn, type JsonObject } from './json-object.ts';

/** Asymmetric signatures only: never `none`, never an HMAC keyed with something public. */
export const ID_TOKEN_ALGORITHMS: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** A token without `kid`, or with one that many keys have, is tried with this many and not more. */
const MOST_TRIED = 100;

export interface KeySet {
  readonly size: number;
  readonly find: CompactVerifyGetKey;
}

/** `unknown-key`: none of the keys fits the header; newer keys may. `check` is a word for the log. */
export type SignatureVerdict =
  /** `alg`: the algorithm of the signature, as its header names it. */
  | { readonly kind: 'verified'; readonly claims: Claims; readonly alg: string }
  | { readonly kind: 'unknown-key' }
  | { readonly kind: 'invalid'; readonly check: string };

const KEY_MEMBERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['RSA', ['n', 'e']],
  ['EC', ['crv', 'x', 'y']],
  ['OKP', ['crv', 'x']],
]);

/**
 * Takes the public signature keys of a JWKS (RFC 7517 §5) and leaves out what it cannot use. `undefined` when it is no JWKS.
 * Nothing is imported before a token asks for it: however many keys there are, reading them keeps nobody waiting.
 */
export function readKeySet(jwks: JsonObject): KeySet | undefined {
  const { keys } = jwks;
  if (!Array.isArray(keys)) return undefined;
  const usable = (keys as readonly JsonObject[string][]).flatMap(toPublicKey);
  const byId = Map.groupBy(usable, ({ kid }) => kid);
  const candidates = (alg: string, kid: string | undefined): JWK[] =>
    kid === undefined ? fitting(usable, alg) : (byId.get(kid) ?? []).slice(0, MOST_TRIED);
  const prepared = new Map<string, LocalJWKSet>(); // keeps what was imported
  const find: CompactVerifyGetKey = (header, token) => {
    const { alg, kid } = header;
    const name = kid === undefined ? `alg ${alg}` : `kid ${kid}`;
    const known = prepared.get(name) ?? createLocalJWKSet({ keys: candidates(alg, kid) });
    if (kid === undefined || byId.has(kid)) prepared.set(name, known);
    return known(header, token);
  };
  return { size: usable.length, find };
}

/** Those that may have signed a token that names none. */
function fitting(keys: readonly JWK[], alg: string): JWK[] {
  const kty = { R: 'RSA', P: 'RSA' }[alg[0] ?? ''] ?? (alg.startsWith('ES') ? 'EC' : 'OKP');
  return keys.filter((key) => key.kty === kty && (key.alg ?? alg) === alg).slice(0, MOST_TRIED);
}

/** Only what makes the key goes on: `x5u`, `jku`, `x5c` and private members are never looked at. */
function toPublicKey(key: JsonObject[string]): JWK[] {
  if (!isJsonObject(key) || (key['use'] ?? 'sig') !== 'sig') return [];
  const kty = stringIn(key, 'kty');
  if (kty === undefined) return [];
  const members = KEY_MEMBERS.get(kty) ?? [];
  if (members.length === 0 || members.some((name) => stringIn(key, name) === undefined)) return [];
  const picked: Record<string, string> = { kty };
  for (const name of [...members, 'kid', 'alg', 'use']) {
    const value = stringIn(key, name);
    if (value !== undefined) picked[name] = value;
  }
  return [picked];
}

/** Checks a compact JWS (RFC 7515) and gives its claims. The claims themselves are not judged. */
export async function verifySignature(token: string, keys: KeySet, algorithms: readonly string[]): Promise<SignatureVerdict> {
  try {
    return await verifyWithEveryKey(token, keys, [...algorithms]);
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return { kind: 'unknown-key' };
    return { kind: 'invalid', check: checkOf(error) };
  }
}

async function verifyWithEveryKey(token: string, keys: KeySet, algorithms: string[]): Promise<SignatureVerdict> {
  try {
    return readVerified(await compactVerify(token, keys.find, { algorithms }));
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    // No `kid`, or one used twice: whichever key verifies is the right one. Those that cannot be imported are left out.
    let check = 'key';
    for await (const key of error) {
      const verified = await compactVerify(token, key, { algorithms }).catch(() => undefined);
      if (verified !== undefined) return readVerified(verified);
      check = 'signature';
    }
    return { kind: 'invalid', check };
  }
}

function readVerified({ payload, protectedHeader }: Awaited<ReturnType<typeof compactVerify>>): SignatureVerdict {
  if (protectedHeader.crit !== undefined || protectedHeader.b64 === false) return { kind: 'invalid', check: 'crit' };
  const claims = parseJsonObject(new TextDecoder().decode(payload));
  if (claims === undefined) return { kind: 'invalid', check: 'malformed' };
  const type = protectedHeader.typ?.toLowerCase().replace(/^application\//, '');
  if (type === 'at+jwt' || type === 'logout+jwt') return { kind: 'invalid', check: 'typ' };
  return { kind: 'verified', claims: claims as Claims, alg: protectedHeader.alg };
}

function checkOf(error: unknown): string {
  if (error instanceof errors.JOSEAlgNotAllowed) return 'alg';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  if (error instanceof errors.JOSEError) return 'malformed';
  return 'key'; // a key that cannot be imported or is too weak (RSA below 2,048 bits)
}

/** `exp` of a token that looks like a JWT, in seconds, unverified. For scheduling only: it proves nothing. */
export function unverifiedExpiry(token: string): number | undefined {
  const parts = token.split('.');
  const payload = parts.length === 3 ? parts[1] : undefined;
  if (payload === undefined) return undefined;
  const exp = parseJsonObject(Buffer.from(payload, 'base64url').toString('utf8'))?.['exp'];
  return typeof exp === 'number' ? exp : undefined;
}
