import { claimsOfRules } from './auth/session-claims.ts';
import type { PublicUrls } from './auth/public-urls.ts';
import type { Config } from './config/config.ts';
import { AttemptCookie } from './cookie/attempt-cookie.ts';
import { CookieCodec } from './cookie/cookie-codec.ts';
import { HintCookie } from './cookie/hint-cookie.ts';
import { KeyRing } from './cookie/key-ring.ts';
import { SessionCookie } from './cookie/session-cookie.ts';
import { TicketWrap } from './cookie/ticket-wrap.ts';
import { createHeads } from './frontend-heads.ts';
import type { Clock } from './kernel/clock.ts';
import type { Logger } from './kernel/logger.ts';
import { systemTimer } from './kernel/timer.ts';
import type { IdentityProvider } from './oidc/identity-provider.ts';
import type { TokenIssuer } from './oidc/token-issuer.ts';
import type { RedisLink } from './redis/redis-link.ts';
import { CookieSessionStore } from './session/cookie-session-store.ts';
import { LiveConnections } from './session/live-connections.ts';
import { LocalRevocations } from './session/local-revocations.ts';
import { SessionActivity } from './session/session-activity.ts';
import { SessionResolver } from './session/session-resolver.ts';
import { TicketDelivery } from './session/ticket-delivery.ts';
import { RouteTokens } from './tokens/route-tokens.ts';
import { TokenRefresher } from './tokens/token-refresher.ts';

export type Cookies = ReturnType<typeof createCookies>;
export type Sessions = ReturnType<typeof createSessions>;

/** The cookies of one frontend and what seals them. */
export function createCookies({ cookie, provider, login }: Config, urls: PublicUrls) {
  const { issuer, clientId } = provider;
  const keyRing = new KeyRing({ keys: cookie.keys, activeKey: cookie.activeKey, app: cookie.name, issuer, clientId });
  const codec = new CookieCodec({ keyRing });
  const { name, devCookies, maxChunks, budget } = cookie;
  const hintPath = `${urls.base}/logout`;
  const session = new SessionCookie({ name, devCookies, maxChunks, budget, hintPath });
  const attempt = new AttemptCookie({ name, devCookies, formPost: provider.responseMode === 'form_post' });
  const hint = new HintCookie({ name, devCookies, path: hintPath });
  return { keyRing, codec, session, attempt, hint, attemptTtl: login.attemptTtl };
}

/** The sessions of one frontend, from the ticket in the cookie to a fresh token. */
export function createSessions(
  config: Config,
  cookies: Cookies,
  provider: IdentityProvider & TokenIssuer,
  { clock, logger, redis }: { readonly clock: Clock; readonly logger: Logger; readonly redis: RedisLink | undefined },
) {
  const { handover, confirmAfter } = config.refresh;
  const { idle, idleStep } = config.session;
  const cookie = cookies.session;
  const store = new CookieSessionStore({ codec: cookies.codec });
  const heads = createHeads(config, { clock, logger, redis, wrap: new TicketWrap({ keyRing: cookies.keyRing }) });
  const { head, rotation } = heads;
  const grants = new Map<string, number>();
  const revocations = new LocalRevocations({ clock });
  const refresher = new TokenRefresher({
    provider,
    store,
    head,
    heads: head,
    revocations,
    clock,
    logger,
    policy: config.refresh,
    rotation,
    onGrant: (outcome) => grants.set(outcome, (grants.get(outcome) ?? 0) + 1),
    providerTimeout: config.provider.timeout,
    claims: keptClaims(config),
    fits: (value) => cookie.fits(value),
  });
  return {
    store,
    head,
    closeHeads: () => heads.close(),
    headCounts: () => heads.counts(),
    grants,
    revocations,
    live: new LiveConnections({ clock, timer: systemTimer, revocations }),
    resolver: new SessionResolver({ store, heads: head, revocations, clock, logger, idle, confirmAfter }),
    activity: new SessionActivity({ store, clock, idleStep, handover }),
    delivery: new TicketDelivery({ cookie, heads: head, revocations, clock, handover }),
    refresher,
    routeTokens: new RouteTokens({ provider, refresher, revocations, policy: config.refresh, clock, logger }),
  };
}

/** Claims that access rules ask for. */
export const ruleClaims = ({ access, routes }: Config): readonly string[] =>
  claimsOfRules([...access.allow, ...routes.flatMap((route) => route.access.allow)]);

/** Claims that a session keeps. */
export const keptClaims = (config: Config): readonly string[] => [...new Set([...config.session.claims, ...ruleClaims(config)])];

/** What a user's grant must cover besides the provider's default, so that routes can have tokens for it (RFC 8707 §2.1). */
export const userResources = ({ routes }: Config): readonly string[] => [
  ...new Set(routes.flatMap(({ token, resource }) => (token === 'user' && resource !== undefined ? [resource] : []))),
];
