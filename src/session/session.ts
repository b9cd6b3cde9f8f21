import type { Claims } from '../kernel/claims.ts';

/**
 * One user's session, as the seal holds it. All times are milliseconds since the epoch except `idTokenIssuedAt`,
 * which stays in the provider's seconds because it is only ever compared with the provider's own clock.
 */
export interface Session {
  /** Our own session id, new at every login. Never the provider's `sid`. */
  readonly sid: string;
  /** 1 at login, one more with every refresh. The newest one wins. */
  readonly generation: number;
  readonly sub: string;
  /** The provider's `sid`, when it sends one. */
  readonly providerSid?: string;
  /** `iat` of the ID token that began the session, in seconds. */
  readonly idTokenIssuedAt: number;
  readonly accessToken: string;
  readonly accessTokenExpiresAt: number;
  readonly refreshToken?: string;
  readonly scope: readonly string[];
  readonly claims: Claims;
  readonly createdAt: number;
  /** When the tokens in here were granted (login or refresh). */
  readonly refreshedAt: number;
  /** Last activity, coarse: moves only in steps of `session.idleStep`. */
  readonly lastSeenAt: number;
  /** The absolute limit. */
  readonly endsAt: number;
}

/** A session together with the sealed value that the browser carries for it. */
export interface Ticket {
  /** The cookie value, whole: chunking is the cookie's concern. */
  readonly value: string;
  readonly session: Session;
}

/** One generation's name. */
export const generationKey = ({ sid, generation }: Pick<Session, 'sid' | 'generation'>): string => `${sid}:${String(generation)}`;
