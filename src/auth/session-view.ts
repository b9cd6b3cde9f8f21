import type { Claims } from '../kernel/claims.ts';
import { loginLink } from '../kernel/login-link.ts';
import type { Session } from '../session/session.ts';
import type { AuthParts } from './auth-parts.ts';
import { selectClaims } from './session-claims.ts';

/** What a page learns of its session: no token, no id of ours or the provider's. Whole seconds, never negative. */
export interface SessionView {
  readonly authenticated: true;
  readonly user: Claims;
  /** Until the absolute limit, or until the access token's end when nothing can renew it. */
  readonly expiresIn: number;
  readonly idleExpiresIn: number;
  readonly accessTokenExpiresIn: number;
  readonly logoutUrl: string;
}

export type SignedOutReason = 'none' | 'expired' | 'revoked' | 'superseded' | 'forbidden';

export interface SignedOutView {
  readonly authenticated: false;
  readonly reason: SignedOutReason;
  readonly loginUrl: string;
}

/** The provider's session id is a key to its logout: no page sees it, whatever is configured. */
const PROVIDER_SESSION = 'sid';

/** The session as a page of this frontend may see it. */
export function sessionView(
  session: Session,
  { urls, sessionIdMac, options, clock }: Pick<AuthParts, 'urls' | 'sessionIdMac' | 'options' | 'clock'>,
): SessionView {
  const now = clock.now();
  const left = (at: number): number => Math.max(0, Math.floor((at - now) / 1000));
  const endsAt = session.refreshToken === undefined ? Math.min(session.endsAt, session.accessTokenExpiresAt) : session.endsAt;
  return {
    authenticated: true,
    user: selectClaims(
      { ...session.claims, sub: session.sub },
      options.shownClaims.filter((name) => name !== PROVIDER_SESSION),
    ),
    expiresIn: left(endsAt),
    idleExpiresIn: left(session.lastSeenAt + options.idle),
    accessTokenExpiresIn: left(session.accessTokenExpiresAt),
    logoutUrl: `${urls.base}/logout?id=${sessionIdMac.id(session.sid)}`,
  };
}

export function signedOutView(reason: SignedOutReason, loginUrl: string): SignedOutView {
  return { authenticated: false, reason, loginUrl: loginLink(loginUrl, { otherAccount: reason === 'forbidden' }) };
}
