import type { Failure } from '../kernel/errors.ts';
import type { RevocationCause } from './revocations.ts';
import type { ActiveSession, SessionLookup } from './session-lookup.ts';

/** Cookies that amount to no active session. */
export type EndedLookup = Exclude<SessionLookup, { kind: 'active' } | { kind: 'unavailable' }>;

/** How a refused refresh ends an active session. `cause` belongs to `revoked`, and to `expired` where that may have a successor. */
export interface RefreshRejection {
  readonly reason: 'expired' | 'revoked' | 'superseded';
  readonly cause?: RevocationCause;
}

const EXPIRED: Failure = {
  code: 'session_expired',
  detail: 'The session has ended: it was idle or old, or its tokens can no longer be renewed.',
};
const REVOKED: Failure = { code: 'session_revoked', detail: 'The session was ended.' };
const SUPERSEDED: Failure = { code: 'session_superseded', detail: 'The session cookie was replaced by a newer one long ago.' };
const NONE: Failure = { code: 'not_logged_in', detail: 'No session cookie was sent.' };
const UNREADABLE: Failure = { code: 'not_logged_in', detail: 'The session cookie cannot be read.' };

/** The 401 for cookies that amount to no active session: the same on a route and on an endpoint. */
export function sessionFailure(lookup: EndedLookup): Failure {
  switch (lookup.kind) {
    case 'none':
      return NONE;
    case 'unreadable':
      return UNREADABLE;
    case 'expired':
      return EXPIRED;
    case 'revoked':
      return REVOKED;
    case 'superseded':
      return SUPERSEDED;
  }
}

/** What a refused refresh makes of an active session: as the next request would find it. */
export function endedBy({ reason, cause }: RefreshRejection, { session }: ActiveSession): EndedLookup {
  if (cause === 'refresh_abandoned') return { kind: 'expired', session, mayHaveSuccessor: true };
  return reason === 'revoked' ? { kind: 'revoked', session, cause: cause ?? 'refresh_refused' } : { kind: reason, session };
}
