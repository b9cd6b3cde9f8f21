import type { Claims, ClaimValue } from '../kernel/claims.ts';

/** The year 9999 in seconds. A later date is a mistake or an attack, whatever its number type. */
const LAST_DATE_S = 253_402_300_799;

export interface IdTokenExpectation {
  readonly issuer: string;
  readonly clientId: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds. */
  readonly clockTolerance: number;
  /** The login's nonce. Absent at refresh, where nobody remembers it (OIDC Core §12.2: it need not be there). */
  readonly nonce?: string;
  /** Seconds, when the authorization request had `max_age`. */
  readonly maxAge?: number;
}

export type IdTokenVerdict =
  | { readonly kind: 'valid'; readonly claims: Claims; readonly sub: string; readonly issuedAt: number; readonly sid?: string }
  /** Which check failed, as a word. */
  | { readonly kind: 'invalid'; readonly check: string };

/** Judges the claims of an ID token whose signature was verified (OIDC Core §3.1.3.7). */
export function checkIdToken(claims: Claims, expected: IdTokenExpectation): IdTokenVerdict {
  const { sub, iat, sid } = claims;
  const check = failedCheck(claims, expected);
  if (check !== undefined) return { kind: 'invalid', check };
  if (typeof sub !== 'string' || sub === '') return { kind: 'invalid', check: 'sub' };
  if (!isDate(iat)) return { kind: 'invalid', check: 'iat' };
  return { kind: 'valid', claims, sub, issuedAt: iat, ...(typeof sid === 'string' && sid !== '' ? { sid } : {}) };
}

function failedCheck(claims: Claims, expected: IdTokenExpectation): string | undefined {
  if (claims['iss'] !== expected.issuer) return 'iss';
  return audienceCheck(claims, expected.clientId) ?? timeCheck(claims, expected) ?? loginCheck(claims, expected);
}

function audienceCheck({ aud, azp }: Claims, clientId: string): string | undefined {
  const audiences = Array.isArray(aud) ? (aud as readonly ClaimValue[]) : [aud];
  if (!audiences.includes(clientId)) return 'aud';
  if (azp === undefined) return audiences.length > 1 ? 'azp' : undefined;
  return azp === clientId ? undefined : 'azp';
}

function timeCheck({ exp, iat, nbf }: Claims, { now, clockTolerance }: IdTokenExpectation): string | undefined {
  const earliest = (now - clockTolerance) / 1000;
  const latest = (now + clockTolerance) / 1000;
  if (!isDate(exp) || exp <= earliest) return 'exp';
  if (!isDate(iat) || iat > latest) return 'iat';
  return nbf === undefined || (isDate(nbf) && nbf <= latest) ? undefined : 'nbf';
}

function loginCheck({ nonce, auth_time: authTime }: Claims, expected: IdTokenExpectation): string | undefined {
  if (expected.nonce !== undefined && nonce !== expected.nonce) return 'nonce';
  if (expected.maxAge === undefined) return undefined;
  const latest = (expected.now + expected.clockTolerance) / 1000;
  const earliest = (expected.now - expected.clockTolerance) / 1000 - expected.maxAge;
  return isDate(authTime) && authTime >= earliest && authTime <= latest ? undefined : 'auth_time';
}

function isDate(value: ClaimValue | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= LAST_DATE_S;
}
