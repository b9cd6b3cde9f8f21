import type { Session } from './session.ts';

/** Milliseconds since a moment, never negative: a clock that was set back makes nothing old and ends no session. */
export const ageSince = (moment: number, now: number): number => Math.max(0, now - moment);

/** Past its absolute limit, or idle for `idle` ms. */
export const isExpired = (session: Session, now: number, idle: number): boolean =>
  now >= session.endsAt || ageSince(session.lastSeenAt, now) >= idle;
