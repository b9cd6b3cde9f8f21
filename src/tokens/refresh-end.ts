import type { RevocationCause } from '../session/revocations.ts';
import type { Session, Ticket } from '../session/session.ts';
import type { Freshness } from './freshness.ts';
import type { HeldToken } from './held-token.ts';

type Rejected = Extract<Freshness, { kind: 'rejected' }>;
export type Unavailable = Extract<Freshness, { kind: 'unavailable' }>;

/** A refresh that got no new tokens and did not end the session. */
export interface RefreshFailure {
  readonly code: Unavailable['code'];
  /** How long the provider, or our own guard, asked us to wait. Seconds. */
  readonly retryAfter?: number;
  /** The provider may have spent the refresh token without our learning the new one. */
  readonly ambiguous?: boolean;
  /** The provider gives no token for the target with this key. It says nothing about the session. */
  readonly unfit?: { readonly key: string; readonly error: string };
}

/** A token for another target than the session's own, which is as old as before. */
export interface TokenAside {
  /** Of the target. */
  readonly key: string;
  readonly token: HeldToken;
}

/** How a flight ended, for everybody who waited for it. */
export type RefreshEnd =
  /** New tokens, at least a refresh token. `from` tells whether this process got them or found them at the head. No `ticket`: it cannot go into cookies. */
  | {
      readonly kind: 'refreshed';
      readonly from: 'grant' | 'head';
      readonly session: Session;
      readonly ticket?: Ticket;
      readonly at: number;
      readonly aside?: TokenAside;
    }
  /** `newest`: tokens that were granted after the session had ended, and are published nowhere. */
  | { readonly kind: 'ended'; readonly answer: Rejected; readonly newest?: Session }
  | { readonly kind: 'failed'; readonly failure: RefreshFailure };

/** When nobody said how long to wait. Seconds. */
export const USUAL_RETRY_AFTER_S = 5;

export const ended = (cause: RevocationCause): RefreshEnd => ({ kind: 'ended', answer: rejectedFor(cause) });

export const rejected = (reason: Rejected['reason']): RefreshEnd => ({ kind: 'ended', answer: { kind: 'rejected', reason } });

export const failed = (failure: RefreshFailure): RefreshEnd => ({ kind: 'failed', failure });

/** The answer for a session on the list of ended ones. */
export function rejectedFor(cause: RevocationCause): Rejected {
  if (cause === 'refresh_abandoned') return { kind: 'rejected', reason: 'expired', cause };
  return cause === 'refresh_expired' ? { kind: 'rejected', reason: 'expired' } : { kind: 'rejected', reason: 'revoked', cause };
}

/** What the end of a flight means for a request that has no other token to use. */
export function freshnessOf(end: RefreshEnd): Freshness {
  if (end.kind === 'ended') return end.answer;
  if (end.kind === 'failed') return unavailable(end.failure.code, end.failure.retryAfter);
  if (end.ticket === undefined) return { kind: 'usable', session: end.session };
  return { kind: 'usable', session: end.session, taken: { ticket: end.ticket, takenAt: end.at } };
}

export function unavailable(code: RefreshFailure['code'], retryAfter = USUAL_RETRY_AFTER_S): Unavailable {
  return { kind: 'unavailable', code, retryAfter };
}
