import type { TakenTicket } from '../session/session-lookup.ts';
import type { Freshness } from './freshness.ts';
import type { Unavailable } from './refresh-end.ts';

/** There is no token for this user on this route, and asking again will not change that: 403. */
export interface RefusedToken {
  readonly kind: 'refused';
  /** For the developer who reads the answer. */
  readonly detail: string;
  readonly taken?: TakenTicket;
}

/** What a request gets on a route that asks for more than the session's own token. */
export type RouteToken = Freshness | RefusedToken;

/** A token without a session. */
export interface GrantedToken {
  readonly kind: 'granted';
  readonly accessToken: string;
}

/** How a grant ended, for everybody who waited for it. */
export type RouteGrantEnd = GrantedToken | RefusedToken | Exclude<Freshness, { kind: 'usable' }>;

/** Our own token. */
export type OwnToken = GrantedToken | Unavailable;

/** The provider says no. */
export const NOT_FOR_ACCOUNT: RefusedToken = {
  kind: 'refused',
  detail: 'The identity provider gives this account no token for this route.',
};

export const NO_REFRESH_TOKEN: RefusedToken = {
  kind: 'refused',
  detail: 'The session has no refresh token, so there is no token for the audience of this route.',
};

export const scopeMissing = (words: readonly string[]): RefusedToken => ({
  kind: 'refused',
  detail: `The session was not granted the scope that this route needs: ${words.join(' ')}.`,
});
