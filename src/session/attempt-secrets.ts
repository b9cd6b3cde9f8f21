import { hkdfSync, timingSafeEqual } from 'node:crypto';

/** The values that protect one login (OIDC Core §3.1.2.1, RFC 7636), all derived from one secret in the attempt cookie. */
export interface AttemptSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

const BYTES = 32;

const derive = (secret: Buffer, use: string): string => Buffer.from(hkdfSync('sha256', secret, '', use, BYTES)).toString('base64url');

/** `id` is the attempt's cookie id: it leads from the state back to the cookie, and the rest of the state is bound to it. */
export function attemptSecrets(secret: Buffer, id: string): AttemptSecrets {
  return { state: `${id}.${derive(secret, `state ${id}`)}`, nonce: derive(secret, 'nonce'), codeVerifier: derive(secret, 'code_verifier') };
}

const STATE = /^(?<id>[\w-]{11})\.[\w-]{43}$/;

/** The cookie id in a state of ours. */
export const idOfState = (state: string): string | undefined => STATE.exec(state)?.groups?.['id'];

/** In constant time. */
export function sameState(expected: string, presented: string): boolean {
  const a = Buffer.from(expected);
  const b = Buffer.from(presented);
  return a.length === b.length && timingSafeEqual(a, b);
}
