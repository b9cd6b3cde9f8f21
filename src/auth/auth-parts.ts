import type { AccessRule } from '../access/access-policy.ts';
import type { CookieCodec } from '../cookie/cookie-codec.ts';
import type { SessionCookie } from '../cookie/session-cookie.ts';
import type { SessionIdMac } from '../cookie/session-id-mac.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { IdentityProvider } from '../oidc/identity-provider.ts';
import type { IdTokenHints } from '../session/id-token-hint.ts';
import type { LoginAttempts } from '../session/login-attempt.ts';
import type { Revocations } from '../session/revocations.ts';
import type { SessionHead } from '../session/session-head.ts';
import type { SessionResolver } from '../session/session-resolver.ts';
import type { SessionStore } from '../session/session-store.ts';
import type { TicketDelivery } from '../session/ticket-delivery.ts';
import type { TokenRefresher } from '../tokens/token-refresher.ts';
import type { PublicUrls } from './public-urls.ts';
import type { TokenRevocation } from './token-revocation.ts';
import type { GoesOnByItself } from './way-back.ts';

/** Times in milliseconds, sizes in bytes. */
export interface AuthOptions {
  /** Query parameters of the login endpoint that go to the provider. */
  readonly loginParams: readonly string[];
  /** Names the failure of a silent login in returnTo's query. */
  readonly silentErrorParam: string;
  readonly responseMode: 'query' | 'form_post';
  /** `provider.scope`: what a token answer without `scope` means (RFC 6749 §5.1). */
  readonly requestedScope: readonly string[];
  readonly idle: number;
  readonly absolute: number;
  /** Claims that the page may see; `sub` is always among them. */
  readonly shownClaims: readonly string[];
  /** Claims that are kept only because a route needs them (access rules, identity headers). See `claimsOfRules`. */
  readonly routeClaims: readonly string[];
  /** `cookie.budget`, for the words of the error page only: the cookie itself judges. */
  readonly cookieBudget: number;
  readonly passwordLogin: { readonly enabled: boolean; readonly perMinute: number };
  readonly logout: { readonly revoke: 'before' | 'after' | 'off'; readonly endSession: boolean };
}

/** Everything the endpoints of one frontend need, and nothing else. Built by the wiring page. */
export interface AuthParts {
  readonly urls: PublicUrls;
  /** Says of a page whether it may be opened without a click. */
  readonly goesOnByItself: GoesOnByItself;
  /** Where a request comes from, given its peer and its X-Forwarded-For, of which only trusted proxies' entries count. */
  readonly clientAddress: (peer: string | undefined, forwardedFor: string | undefined) => string;
  readonly identityProvider: IdentityProvider;
  readonly attempts: Pick<LoginAttempts, 'begin' | 'find' | 'finish' | 'clearAll'>;
  readonly store: Pick<SessionStore, 'save' | 'remove'>;
  readonly head: Pick<SessionHead, 'forget'>;
  readonly revocations: Revocations;
  readonly sessionCookie: Pick<SessionCookie, 'baseName' | 'read' | 'size' | 'fits' | 'write' | 'clear'>;
  readonly resolver: Pick<SessionResolver, 'resolve'>;
  readonly refresher: Pick<TokenRefresher, 'refreshNow' | 'settle'>;
  readonly delivery: Pick<TicketDelivery, 'setCookies' | 'clearing'>;
  readonly hints: Pick<IdTokenHints, 'seal' | 'read' | 'clear'>;
  readonly sessionIdMac: Pick<SessionIdMac, 'id' | 'matches'>;
  /** Seals the `state` of a logout (purpose `logout`). */
  readonly logoutSeal: Pick<CookieCodec, 'seal' | 'unseal'>;
  /** Its owner flushes it at shutdown. */
  readonly tokenRevocation: Pick<TokenRevocation, 'now' | 'later' | 'spend'>;
  /** The app's own access rules (`access.allow`). */
  readonly accessRules: readonly AccessRule[];
  readonly options: AuthOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}
