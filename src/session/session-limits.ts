import type { Session } from './session.ts';

/** Milliseconds since a moment, never negative: a clock that was set back makes nothing old and ends no session. */
export const ageSince = (moment: number, now: number): number => Math.max(0, now - moment);

/** Seconds. Cookies stay an hour longer than their session, so that a late request is told "expired" and not "not logged in". */
const COOKIE_AFTERLIFE = 3600;

/** What a cookie of this session says as Max-Age. Seconds. */
export const cookieMaxAge = ({ endsAt }: Session, now: number): number => Math.ceil((endsAt - now) / 1000) + COOKIE_AFTERLIFE;

/** Past its absolute limit, or idle for `idle` ms. */
export const isExpired = (session: Session, now: number, idle: number): boolean =>
  now >= session.endsAt || ageSince(session.lastSeenAt, now) >= idle;
