import { claimsOfRules } from './auth/session-claims.ts';
import type { AuthParts } from './auth/auth-parts.ts';
import { loginUrlOf, type PublicUrls } from './auth/public-urls.ts';
import { TokenRevocation } from './auth/token-revocation.ts';
import type { Config } from './config/config.ts';
import { AttemptCookie } from './cookie/attempt-cookie.ts';
import { CookieCodec } from './cookie/cookie-codec.ts';
import { keepCookies } from './cookie/cookie-header.ts';
import { HintCookie } from './cookie/hint-cookie.ts';
import { KeyRing } from './cookie/key-ring.ts';
import { SessionCookie } from './cookie/session-cookie.ts';
import { SessionIdMac } from './cookie/session-id-mac.ts';
import { createFrontDoor, type FrontDoor } from './front-door.ts';
import type { Clock } from './kernel/clock.ts';
import type { Logger } from './kernel/logger.ts';
import { systemTimer } from './kernel/timer.ts';
import type { OnAnswered } from './kernel/request-fact.ts';
import { RequestIds } from './kernel/request-id.ts';
import { OpenIdIdentityProvider } from './oidc/openid-identity-provider.ts';
import { ApiProxy, type ApiProxyOptions } from './proxy/api-proxy.ts';
import { ApiRoutes, type ApiRoute } from './proxy/api-routes.ts';
import { ForwardedHeaders } from './proxy/forwarded.ts';
import type { Forwarder } from './proxy/forwarder.ts';
import { HostCheck } from './proxy/host-check.ts';
import { RequestHead } from './proxy/request-head.ts';
import { TrustedProxies } from './proxy/trusted-proxies.ts';
import { UndiciForwarder } from './proxy/undici-forwarder.ts';
import { CookieSessionStore } from './session/cookie-session-store.ts';
import { IdTokenHints } from './session/id-token-hint.ts';
import { LocalRevocations } from './session/local-revocations.ts';
import { LoginAttempts } from './session/login-attempt.ts';
import { MemorySessionHead } from './session/memory-session-head.ts';
import { SessionActivity } from './session/session-activity.ts';
import { SessionResolver } from './session/session-resolver.ts';
import { TicketDelivery } from './session/ticket-delivery.ts';
import { TokenRefresher } from './tokens/token-refresher.ts';

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
  /** Begins background discovery. */
  start(): void;
  /** Waits for grants under way, hands back what is still to be revoked, closes connections. */
  close(): Promise<void>;
}

export function createFrontend(config: Config, { clock, logger, onAnswered }: Surroundings): Frontend {
  const urls: PublicUrls = { origin: config.publicUrl.origin, path: config.publicUrl.path, base: config.publicUrl.path + config.basePath };
  const loginUrl = loginUrlOf(urls);
  const cookies = createCookies(config, urls);
  const provider = createProvider(config, urls, { clock, logger });
  const sessions = createSessions(config, cookies, provider, { clock, logger });
  const tokenRevocation = new TokenRevocation({ provider, timer: systemTimer, logger, wait: config.provider.timeout });
  const routes = new ApiRoutes({ routes: config.routes, basePath: config.basePath, publicPath: urls.path });
  const auth = authParts(config, urls, cookies, sessions, { provider, tokenRevocation, routes, clock, logger });
  const trustedProxies = new TrustedProxies(config.trustedProxies);
  const forwarders = createForwarders(routes.all);
  const forwarded = new ForwardedHeaders({ publicOrigin: urls.origin, trustedProxies });
  const owns = (name: string): boolean => cookies.session.owns(name);
  const desk = { publicUrl: urls, loginUrl, owns, clock, logger, ...(onAnswered !== undefined && { onAnswered }) };
  const proxyOptions: ApiProxyOptions = {
    ...desk,
    ...sessions,
    routes: routes.all,
    forwarderOf: (route) => forwarders.of(route),
    requestHead: new RequestHead({ routes: routes.all, forwarded, keepCookies, owns }),
    csrf: config.csrf,
    access: config.access.allow,
    cookie: cookies.session,
  };
  const hostCheck = new HostCheck({ publicOrigin: urls.origin, trustedProxies });
  const requestIds = new RequestIds();
  const { ingressStripsPath } = config;
  const door = createFrontDoor({
    ...desk,
    ingressStripsPath,
    hostCheck,
    trustedProxies,
    routes,
    proxy: new ApiProxy(proxyOptions),
    requestIds,
  });
  return {
    door,
    auth,
    loginUrl,
    requestIds,
    clearAll: () => cookies.session.clearAll(),
    providerStatus: () => provider.status(),
    start: () => provider.start(),
    async close() {
      await sessions.refresher.idle();
      await tokenRevocation.flush();
      await provider.close();
      await forwarders.close();
    },
  };
}

type Cookies = ReturnType<typeof createCookies>;
type Sessions = ReturnType<typeof createSessions>;

function createCookies({ cookie, provider, login }: Config, urls: PublicUrls) {
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

function createProvider(config: Config, urls: PublicUrls, { clock, logger }: Surroundings): OpenIdIdentityProvider {
  return new OpenIdIdentityProvider({
    provider: config.provider,
    redirectUri: `${urls.origin}${urls.base}/callback`,
    refresh: config.refresh,
    logout: config.logout,
    wantedClaims: keptClaims(config),
    clock,
    logger,
  });
}

function createSessions(config: Config, cookies: Cookies, provider: OpenIdIdentityProvider, { clock, logger }: Surroundings) {
  const { handover, confirmAfter, headMemory } = config.refresh;
  const { idle, idleStep } = config.session;
  const cookie = cookies.session;
  const store = new CookieSessionStore({ codec: cookies.codec });
  const head = new MemorySessionHead({ clock, handover, confirmAfter, idle, memory: headMemory });
  const revocations = new LocalRevocations({ clock });
  const shared = { cookie, store, head, heads: head, revocations, clock, logger };
  const policy = config.refresh;
  const providerTimeout = config.provider.timeout;
  const fits = (value: string): boolean => cookie.fits(value);
  return {
    store,
    head,
    revocations,
    resolver: new SessionResolver({ ...shared, idle, confirmAfter }),
    activity: new SessionActivity({ store, clock, idleStep, handover }),
    delivery: new TicketDelivery({ ...shared, handover }),
    refresher: new TokenRefresher({ ...shared, provider, policy, providerTimeout, claims: keptClaims(config), fits }),
  };
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
  return {
    ...sessions,
    urls,
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
    logout: config.logout,
  };
}

const ruleClaims = ({ access, routes }: Config): readonly string[] =>
  claimsOfRules([...access.allow, ...routes.flatMap((route) => route.access.allow)]);

const keptClaims = (config: Config): readonly string[] => [...new Set([...config.session.claims, ...ruleClaims(config)])];

/** One pool of connections for each upstream and connect timeout, shared by the routes that lead there. */
function createForwarders(routes: readonly ApiRoute[]) {
  const pools = new Map<string, Forwarder>();
  const keyOf = ({ upstream, connectTimeout }: ApiRoute): string => `${upstream.origin} ${String(connectTimeout)}`;
  const connections = (key: string): number => routes.filter((it) => keyOf(it) === key).reduce((sum, it) => sum + it.maxInFlight, 0);
  const of = (route: ApiRoute): Forwarder => {
    const key = keyOf(route);
    const { origin } = route.upstream;
    const known = pools.get(key);
    const pool = known ?? new UndiciForwarder({ origin, connections: connections(key), connectTimeout: route.connectTimeout });
    pools.set(key, pool);
    return pool;
  };
  const close = async (): Promise<void> => {
    await Promise.all([...pools.values()].map((pool) => pool.close()));
  };
  return { of, close };
}
