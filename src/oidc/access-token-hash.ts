import { createHash } from 'node:crypto';
import type { ClaimValue } from '../kernel/claims.ts';

/**
 * Whether `at_hash` of an ID token signed with `alg` belongs to this access token (OIDC Core §3.1.3.6): the left half of its hash, by
 * the size in the algorithm's name. The EdDSA of Ed25519 has none there; providers use the hash it signs with.
 */
export function fitsAccessToken(atHash: ClaimValue, accessToken: string, alg: string): boolean {
  const size = /(?:256|384|512)$/.exec(alg)?.[0] ?? '512';
  const digest = createHash(`sha${size}`).update(accessToken).digest();
  return atHash === digest.subarray(0, digest.length / 2).toString('base64url');
}
