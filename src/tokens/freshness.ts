import type { Session } from '../session/session.ts';
import type { TakenTicket } from '../session/session-lookup.ts';
import type { RevocationCause } from '../session/revocations.ts';

/** What a request may do with its session's access token. */
export type Freshness =
  /** Use `session.accessToken`, or this one where there is one. `taken` is set when a newer ticket came out of it. */
  | { readonly kind: 'usable'; readonly session: Session; readonly accessToken?: string; readonly taken?: TakenTicket }
  /** The session is over: 401 `session_expired`, `session_revoked` or `session_superseded`. `cause` belongs to `revoked`, and to `expired` where that may have a successor. */
  | { readonly kind: 'rejected'; readonly reason: 'expired' | 'revoked' | 'superseded'; readonly cause?: RevocationCause }
  /** The session is kept, but there is no usable access token now: 503 with this code. Seconds. */
  | {
      readonly kind: 'unavailable';
      readonly code: 'provider_unavailable' | 'store_unavailable' | 'overloaded';
      readonly retryAfter: number;
      readonly taken?: TakenTicket;
    };
