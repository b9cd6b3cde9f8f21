import type { UnreadableReason } from '../cookie/cookie-codec.ts';
import type { RevocationCause } from './revocations.ts';
import type { Session, Ticket } from './session.ts';

/** A ticket that this request sealed or took from the head, and may give to the browser when its response head is written. */
export interface TakenTicket {
  readonly ticket: Ticket;
  readonly takenAt: number;
}

export interface ActiveSession {
  readonly kind: 'active';
  readonly session: Session;
  /** The ticket of `session`: as presented, or the head's when a newer one was handed over. */
  readonly ticket: Ticket;
  /** Set when the request carried an older generation and took the head's ticket. */
  readonly taken?: TakenTicket;
}

/** What the cookies of a request amount to, limits, revocations and newer generations already judged. */
export type SessionLookup =
  | ActiveSession
  | { readonly kind: 'none' }
  /** `mayHaveSuccessor`: the browser may hold a newer cookie that is good, so none is cleared. */
  | { readonly kind: 'expired'; readonly session: Session; readonly mayHaveSuccessor?: true }
  | { readonly kind: 'revoked'; readonly session: Session; readonly cause: RevocationCause }
  | { readonly kind: 'superseded'; readonly session: Session }
  | { readonly kind: 'unreadable'; readonly reason: UnreadableReason }
  | { readonly kind: 'unavailable'; readonly retryAfter: number };
