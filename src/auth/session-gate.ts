import { mayEnter, NOT_ADMITTED, type AccessRule } from '../access/access-policy.ts';
import type { Failure } from '../kernel/errors.ts';
import { sessionFailure, type EndedLookup } from '../session/session-failure.ts';
import type { ActiveSession, SessionLookup } from '../session/session-lookup.ts';
import type { SignedOutReason } from './session-view.ts';

/** What a session is worth to an endpoint, before any token is looked at. */
export type SessionVerdict =
  | { readonly kind: 'admitted'; readonly active: ActiveSession }
  /** `lookup` is what the decision about clearing the cookie is made from. */
  | { readonly kind: 'signed-out'; readonly reason: SignedOutReason; readonly failure: Failure; readonly lookup: SessionLookup }
  | { readonly kind: 'unavailable'; readonly retryAfter: number };

/** The session that a new login takes the place of. */
export function sidOf(lookup: SessionLookup): string | undefined {
  return lookup.kind === 'active' || lookup.kind === 'superseded' || lookup.kind === 'expired' ? lookup.session.sid : undefined;
}

/** Pure. The same words for GET session, POST refresh and a route. */
export function judgeSession(lookup: SessionLookup, now: number, rules: readonly AccessRule[]): SessionVerdict {
  if (lookup.kind === 'unavailable') return lookup;
  if (lookup.kind !== 'active') return signedOut(lookup);
  const { session } = lookup;
  if (session.refreshToken === undefined && session.accessTokenExpiresAt <= now) return signedOut({ kind: 'expired', session });
  if (!mayEnter(rules, session.claims)) return { kind: 'signed-out', reason: 'forbidden', failure: NOT_ADMITTED, lookup };
  return { kind: 'admitted', active: lookup };
}

function signedOut(lookup: EndedLookup): SessionVerdict {
  // A cookie that is not ours to read is no session; whether it may be cleared is another question.
  const reason = lookup.kind === 'unreadable' ? 'none' : lookup.kind;
  return { kind: 'signed-out', reason, failure: sessionFailure(lookup), lookup };
}
