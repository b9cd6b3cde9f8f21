import { mayEnter, type AccessRule } from '../access/access-policy.ts';
import type { ErrorCode, Failure } from '../kernel/errors.ts';
import type { ActiveSession, SessionLookup } from '../session/session-lookup.ts';
import type { SignedOutReason } from './session-view.ts';

/** What a session is worth to an endpoint, before any token is looked at. */
export type SessionVerdict =
  | { readonly kind: 'admitted'; readonly active: ActiveSession }
  /** `lookup` is what the decision about clearing the cookie is made from. */
  | { readonly kind: 'signed-out'; readonly reason: SignedOutReason; readonly lookup: SessionLookup }
  | { readonly kind: 'unavailable'; readonly retryAfter: number };

const CODES = {
  none: 'not_logged_in',
  expired: 'session_expired',
  revoked: 'session_revoked',
  superseded: 'session_superseded',
  forbidden: 'forbidden',
} as const satisfies Record<SignedOutReason, ErrorCode>;

/** Pure. The same words for GET session, POST refresh and continue. */
export function judgeSession(lookup: SessionLookup, now: number, rules: readonly AccessRule[]): SessionVerdict {
  if (lookup.kind === 'unavailable') return lookup;
  // A cookie that is not ours to read is no session; whether it may be cleared is another question.
  if (lookup.kind === 'none' || lookup.kind === 'unreadable') return { kind: 'signed-out', reason: 'none', lookup };
  if (lookup.kind !== 'active') return { kind: 'signed-out', reason: lookup.kind, lookup };
  const { session } = lookup;
  if (session.refreshToken === undefined && session.accessTokenExpiresAt <= now) {
    return { kind: 'signed-out', reason: 'expired', lookup: { kind: 'expired', session } };
  }
  if (!mayEnter(rules, session.claims)) return { kind: 'signed-out', reason: 'forbidden', lookup };
  return { kind: 'admitted', active: lookup };
}

export function signedOutFailure(reason: SignedOutReason): Failure {
  return { code: CODES[reason] };
}
