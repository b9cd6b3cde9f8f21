import type { AuthParts } from './auth/auth-parts.ts';
import { loginUrlOf, type PublicUrls } from './auth/public-urls.ts';
import { TokenRevocation } from './auth/token-revocation.ts';
import type { Config } from './config/config.ts';
import { keepCookies } from './cookie/cookie-header.ts';
import { SessionIdMac } from './cookie/session-id-mac.ts';
import { frontendMetrics } from './frontend-metrics.ts';
import { createFrontDoor, type FrontDoor } from './front-door.ts';
import { createCookies, createSessions, keptClaims, ruleClaims, userResources, type Cookies, type Sessions } from './frontend-sessions.ts';
import { endpointOf } from './inner-paths.ts';
import type { Clock } from './kernel/clock.ts';
import type { Logger } from './kernel/logger.ts';
import { PassedBytes, youngCollection } from './kernel/passed-bytes.ts';
import { systemTimer } from './kernel/timer.ts';
import type { OnAnswered } from './kernel/request-fact.ts';
import { RequestIds } from './kernel/request-id.ts';
import type { Metric } from './ops/prometheus.ts';
import { takeAll } from './ops/shutdown.ts';
import { RedisLink } from './redis/redis-link.ts';
import { OpenIdIdentityProvider } from './oidc/openid-identity-provider.ts';
import { ApiProxy } from './proxy/api-proxy.ts';
import { ApiRoutes } from './proxy/api-routes.ts';
import { ForwardedHeaders } from './proxy/forwarded.ts';
import { HostCheck } from './proxy/host-check.ts';
import { RequestHead } from './proxy/request-head.ts';
import { TrustedProxies } from './proxy/trusted-proxies.ts';
import { openUpstream, type Upstream } from './proxy/upstream.ts';
import { Upstreams } from './proxy/upstreams.ts';
import { IdTokenHints } from './session/id-token-hint.ts';
import { LoginAttempts } from './session/login-attempt.ts';

/** What a frontend gets from its process. */
export interface Surroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told once for every answered request. */
  readonly onAnswered?: OnAnswered;
}

/** One app's objects, wired. Several may live in one process and share nothing. */
export interface Frontend {
  readonly door: FrontDoor;
  readonly auth: AuthParts;
  readonly loginUrl: string;
  readonly requestIds: RequestIds;
  /** Set-Cookie lines that clear every cookie of this frontend. */
  clearAll(): readonly string[];
  providerStatus(): 'up' | 'down' | 'unknown';
  redisStatus(): 'up' | 'down' | 'off';
  metrics(): readonly Metric[];
  /** Begins background discovery, and to connect to Redis. */
  start(): void;
  /** Ends WebSockets (1012) and event streams in order, and admits no new ones: their clients come back to another process. */
  endLive(): void;
  /** Waits for grants under way, hands back what is still to be revoked, closes connections. */
  close(): Promise<void>;
}

export function createFrontend(config: Config, surroundings: Surroundings): Frontend {
  const { clock, logger } = surroundings;
  const urls: PublicUrls = { origin: config.publicUrl.origin, path: config.publicUrl.path, base: config.publicUrl.path + config.basePath };
  const cookies = createCookies(config, urls);
  const provider = createProvider(config, urls, surroundings);
  const redis = config.redis === undefined ? undefined : new RedisLink({ settings: config.redis, logger });
  const sessions = createSessions(config, cookies, provider, { clock, logger, redis });
  const tokenRevocation = new TokenRevocation({ provider, timer: systemTimer, logger, wait: config.provider.timeout });
  const { basePath, access } = config;
  const routes = new ApiRoutes({ routes: config.routes, basePath, publicPath: urls.path, access: access.allow });
  const passed = new PassedBytes(youngCollection());
  const upstreams = new Upstreams(routes.all, (options) => openUpstream(options, { ping: config.websocket.ping, logger, passed }));
  const requestIds = new RequestIds();
  return {
    door: createDoor(config, { urls, cookies, sessions, routes, upstreams, requestIds }, surroundings),
    auth: authParts(config, urls, cookies, sessions, { provider, tokenRevocation, routes, clock, logger }),
    loginUrl: loginUrlOf(urls),
    requestIds,
    clearAll: () => cookies.session.clearAll(),
    providerStatus: () => provider.status(),
    redisStatus: () => (redis === undefined ? 'off' : redis.status === 'up' ? 'up' : 'down'),
    metrics: () => frontendMetrics({ provider: provider.status(), redis, heads: sessions.headCounts(), grants: sessions.grants }),
    start: () => {
      provider.start();
      void redis?.start();
    },
    endLive: () => sessions.live.close(),
    close: () =>
      takeAll([
        () => sessions.refresher.close(),
        () => sessions.routeTokens.close(),
        () => tokenRevocation.flush(),
        () => provider.close(),
        () => upstreams.close(),
        () => sessions.closeHeads().finally(() => redis?.close()),
      ]),
  };
}

interface DoorParts {
  readonly urls: PublicUrls;
  readonly cookies: Cookies;
  readonly sessions: Sessions;
  readonly routes: ApiRoutes;
  readonly upstreams: Upstreams<Upstream>;
  readonly requestIds: RequestIds;
}

function createDoor(config: Config, parts: DoorParts, surroundings: Surroundings): FrontDoor {
  const { clock, logger, onAnswered } = surroundings;
  const { urls, routes, requestIds } = parts;
  const trustedProxies = new TrustedProxies(config.trustedProxies);
  return createFrontDoor({
    publicUrl: urls,
    ingressStripsPath: config.ingressStripsPath,
    loginUrl: loginUrlOf(urls),
    hostCheck: new HostCheck({ publicOrigin: urls.origin, trustedProxies }),
    trustedProxies,
    routes,
    proxy: createProxy(config, parts, trustedProxies, surroundings),
    requestIds,
    endpointOf: (path) => endpointOf(path, { basePath: config.basePath, hasPages: config.spa?.directory !== undefined }),
    clock,
    logger,
    ...(onAnswered !== undefined && { onAnswered }),
  });
}

function createProxy(config: Config, parts: DoorParts, trustedProxies: TrustedProxies, surroundings: Surroundings): ApiProxy {
  const { urls, cookies, sessions, routes, upstreams } = parts;
  const owns = (name: string): boolean => cookies.session.owns(name);
  const forwarded = new ForwardedHeaders({ publicOrigin: urls.origin, trustedProxies });
  return new ApiProxy({
    publicUrl: urls,
    loginUrl: loginUrlOf(urls),
    routes: routes.all,
    forwarderOf: (route) => upstreams.of(route).requests,
    tunnelOf: (route) => upstreams.of(route).webSockets,
    websocket: config.websocket,
    requestHead: new RequestHead({ routes: routes.all, forwarded, keepCookies, owns }),
    csrf: config.csrf,
    access: config.access.allow,
    cookie: cookies.session,
    resolver: sessions.resolver,
    refresher: sessions.refresher,
    routeTokens: sessions.routeTokens,
    activity: sessions.activity,
    delivery: sessions.delivery,
    live: sessions.live,
    owns,
    ...surroundings,
  });
}

function createProvider(config: Config, urls: PublicUrls, { clock, logger }: Surroundings): OpenIdIdentityProvider {
  return new OpenIdIdentityProvider({
    provider: config.provider,
    redirectUri: `${urls.origin}${urls.base}/callback`,
    refresh: config.refresh,
    logout: config.logout,
    wantedClaims: keptClaims(config),
    resources: userResources(config),
    clock,
    logger,
  });
}

interface AuthExtras {
  readonly provider: OpenIdIdentityProvider;
  readonly tokenRevocation: TokenRevocation;
  readonly routes: ApiRoutes;
  readonly clock: Clock;
  readonly logger: Logger;
}

function authParts(config: Config, urls: PublicUrls, cookies: Cookies, sessions: Sessions, extras: AuthExtras): AuthParts {
  const { provider, tokenRevocation, routes, clock, logger } = extras;
  const proxies = new TrustedProxies(config.trustedProxies);
  return {
    store: sessions.store,
    head: sessions.head,
    revocations: sessions.revocations,
    resolver: sessions.resolver,
    refresher: sessions.refresher,
    delivery: sessions.delivery,
    urls,
    clientAddress: (peer, forwardedFor) => proxies.chain(peer, forwardedFor)[0] ?? 'unknown',
    goesOnByItself: (path) => routes.goesOnByItself(path),
    identityProvider: provider,
    attempts: new LoginAttempts({ codec: cookies.codec, clock, ttl: cookies.attemptTtl, cookie: cookies.attempt }),
    sessionCookie: cookies.session,
    hints: new IdTokenHints({ codec: cookies.codec, cookie: cookies.hint }),
    sessionIdMac: new SessionIdMac({ keyRing: cookies.keyRing }),
    logoutSeal: cookies.codec,
    tokenRevocation,
    accessRules: config.access.allow,
    options: authOptions(config),
    clock,
    logger,
  };
}

function authOptions(config: Config): AuthParts['options'] {
  return {
    loginParams: config.login.params,
    silentErrorParam: config.login.silentErrorParam,
    responseMode: config.provider.responseMode,
    requestedScope: config.provider.scope,
    idle: config.session.idle,
    absolute: config.session.absolute,
    shownClaims: config.session.claims,
    routeClaims: ruleClaims(config),
    cookieBudget: config.cookie.budget,
    passwordLogin: config.passwordLogin,
    logout: config.logout,
  };
}
