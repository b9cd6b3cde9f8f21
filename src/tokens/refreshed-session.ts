import type { Claims } from '../kernel/claims.ts';
import type { TokenSet } from '../oidc/identity-provider.ts';
import type { Session } from '../session/session.ts';

export interface Refreshed {
  readonly tokens: TokenSet;
  readonly claims?: Claims;
  /** Names of the claims that sessions keep; without it, those this session has. */
  readonly kept?: readonly string[];
  readonly now: number;
  /** Whether the refresh counts as activity of the user. */
  readonly activity: boolean;
}

/**
 * The next generation of a session. What the answer does not name stays: the refresh token (RFC 6749 §6), the scope (§5.1), and
 * claims that only userinfo gave at login (a refreshed ID token may hold little more than `sub`). `endsAt` never moves.
 */
export function refreshedSession(session: Session, { tokens, claims, kept, now, activity }: Refreshed): Session {
  return {
    ...session,
    generation: session.generation + 1,
    accessToken: tokens.accessToken,
    accessTokenExpiresAt: tokens.accessTokenExpiresAt,
    ...(tokens.refreshToken === undefined ? {} : { refreshToken: tokens.refreshToken }),
    scope: tokens.scope ?? session.scope,
    claims: claims === undefined ? session.claims : { ...session.claims, ...only(kept ?? Object.keys(session.claims), claims) },
    refreshedAt: now,
    lastSeenAt: activity ? now : session.lastSeenAt,
  };
}

/** The next generation after a refresh for another target: the session's own access token stays, and so does what belongs to it. */
export function withOwnToken(next: Session, { accessToken, accessTokenExpiresAt, scope, refreshedAt }: Session): Session {
  return { ...next, accessToken, accessTokenExpiresAt, scope, refreshedAt };
}

/** The ID token also holds what is no claim about the user, and more than fits into a cookie. */
function only(names: readonly string[], claims: Claims): Claims {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => names.includes(name)));
}
