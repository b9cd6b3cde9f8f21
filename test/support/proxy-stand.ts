import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AccessRule } from '../../src/access/access-policy.ts';
import { keepCookies } from '../../src/cookie/cookie-header.ts';
import { SessionCookie } from '../../src/cookie/session-cookie.ts';
import { createFrontDoor } from '../../src/front-door.ts';
import { createHttpServer, type HttpServerOptions } from '../../src/server/http-server.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { systemTimer } from '../../src/kernel/timer.ts';
import { RequestIds } from '../../src/kernel/request-id.ts';
import { ApiProxy, type ApiProxyOptions } from '../../src/proxy/api-proxy.ts';
import { ApiRoutes, type RouteOptions } from '../../src/proxy/api-routes.ts';
import { ForwardedHeaders } from '../../src/proxy/forwarded.ts';
import type { Forwarder } from '../../src/proxy/forwarder.ts';
import { HostCheck } from '../../src/proxy/host-check.ts';
import type { OnAnswered } from '../../src/kernel/request-fact.ts';
import { RequestHead } from '../../src/proxy/request-head.ts';
import type { WebSocketLimits } from '../../src/proxy/traffic.ts';
import { TrustedProxies } from '../../src/proxy/trusted-proxies.ts';
import { openUpstream } from '../../src/proxy/upstream.ts';
import { LiveConnections } from '../../src/session/live-connections.ts';
import { LocalRevocations } from '../../src/session/local-revocations.ts';
import type { ActiveSession, SessionLookup } from '../../src/session/session-lookup.ts';
import type { Session } from '../../src/session/session.ts';
import { RecordingLogger } from './recording-logger.ts';

export const PUBLIC = 'https://app.example.com';
export const SESSION_COOKIE = '__Host-Http-cloakroom';
export const SIGNED_IN = `${SESSION_COOKIE}=ticket`;

export const session = (more: Partial<Session> = {}): Session => ({
  sid: 'sid',
  generation: 1,
  sub: 'alice',
  idTokenIssuedAt: 0,
  accessToken: 'access-token',
  accessTokenExpiresAt: Date.now() + 300_000,
  scope: [],
  claims: { sub: 'alice' },
  createdAt: 0,
  refreshedAt: 0,
  lastSeenAt: 0,
  endsAt: Date.now() + 3_600_000,
  ...more,
});

export const active = (more: Partial<Session> = {}): ActiveSession => {
  const one = session(more);
  return { kind: 'active', session: one, ticket: { value: 'ticket', session: one } };
};

export const routeOptions = (more: Partial<RouteOptions> & Pick<RouteOptions, 'upstream'>): RouteOptions => ({
  path: '/api',
  stripPrefix: false,
  token: 'user',
  access: { allow: [] },
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'],
  csrf: true,
  navigation: 'button',
  clientAuthorization: 'remove',
  cookies: [],
  setCookie: [],
  identityHeaders: {},
  preserveHost: false,
  forwarded: true,
  redirects: 'same-origin',
  allowEncodedSlash: false,
  connectTimeout: 2_000,
  headersTimeout: 5_000,
  idleTimeout: 5_000,
  maxInFlight: 100,
  maxAge: 3_600_000,
  retryOn401: false,
  activity: true,
  ...more,
});

export interface StandOptions {
  readonly upstream: string;
  readonly routes?: readonly (Partial<RouteOptions> & Pick<RouteOptions, 'path'>)[];
  readonly route?: Partial<RouteOptions>;
  readonly publicUrl?: { readonly origin: string; readonly path: string };
  readonly ingressStripsPath?: boolean;
  readonly trustedProxies?: readonly string[];
  readonly access?: readonly AccessRule[];
  readonly requireHeader?: boolean;
  /** What the session cookie of this stand amounts to. */
  readonly lookup?: SessionLookup | (() => SessionLookup | Promise<SessionLookup>);
  readonly fresh?: ApiProxyOptions['refresher']['fresh'];
  readonly touch?: ApiProxyOptions['activity']['touch'];
  readonly setCookies?: ApiProxyOptions['delivery']['setCookies'];
  readonly clearing?: ApiProxyOptions['delivery']['clearing'];
  readonly refreshNow?: ApiProxyOptions['refresher']['refreshNow'];
  /** What routes with a token policy of their own get. */
  readonly routeTokens?: Partial<ApiProxyOptions['routeTokens']>;
  readonly websocket?: Partial<WebSocketLimits>;
  /** Instead of the undici forwarder's. */
  readonly forward?: Forwarder['forward'];
  readonly onAnswered?: OnAnswered;
  readonly server?: Partial<HttpServerOptions>;
  readonly next?: RequestListener;
}

/** The front door, the data path and the forwarder on a real port; sessions are as told. */
export interface Stand {
  readonly server: Server;
  readonly port: number;
  readonly logger: RecordingLogger;
  close(): Promise<void>;
}

const LIMITS: HttpServerOptions = {
  maxHeaderSize: 32_768,
  headersTimeout: 15_000,
  bodyIdleTimeout: 60_000,
  keepAliveTimeout: 75_000,
  maxConnections: 1_000,
};

export async function openStand(options: StandOptions): Promise<Stand> {
  const logger = new RecordingLogger();
  const publicUrl = options.publicUrl ?? { origin: PUBLIC, path: '' };
  const trustedProxies = new TrustedProxies(options.trustedProxies ?? []);
  const upstream = { origin: options.upstream, path: '' };
  const list = (options.routes ?? [options.route ?? {}]).map((it) => routeOptions({ upstream, ...it }));
  const routes = new ApiRoutes({ routes: list, basePath: '/bff', publicPath: publicUrl.path });
  const upstreams = new Map(
    routes.all.map((it) => {
      const {
        upstream: { origin },
        connectTimeout,
        tls,
      } = it;
      return [it, openUpstream({ origin, connections: 50, connectTimeout, tls }, { ping: 25_000, logger })];
    }),
  );
  const cookie = new SessionCookie({ name: 'cloakroom', devCookies: false, maxChunks: 4, budget: 6_144 });
  const loginUrl = `${publicUrl.path}/bff/login`;
  const live = new LiveConnections({ clock: systemClock, timer: systemTimer, revocations: new LocalRevocations({ clock: systemClock }) });
  const owns = (name: string): boolean => cookie.owns(name);
  const forwarded = new ForwardedHeaders({ publicOrigin: publicUrl.origin, trustedProxies });
  const proxy = new ApiProxy({
    publicUrl,
    loginUrl,
    routes: routes.all,
    forwarderOf: (route) => {
      const { requests } = upstreams.get(route) ?? neverHere();
      return options.forward === undefined ? requests : { forward: options.forward, close: () => requests.close() };
    },
    tunnelOf: (route) => (upstreams.get(route) ?? neverHere()).webSockets,
    websocket: { maxAge: 3_600_000, perSession: 20, total: 100, ...options.websocket },
    requestHead: new RequestHead({ routes: routes.all, forwarded, keepCookies, owns }),
    csrf: { requireHeader: options.requireHeader ?? false },
    access: options.access ?? [],
    owns,
    live,
    cookie,
    resolver: { resolve: ({ candidates }) => (candidates.length === 0 ? { kind: 'none' } : lookupOf(options)) },
    refresher: {
      fresh: options.fresh ?? (({ session: it }) => ({ kind: 'usable', session: it })),
      refreshNow: options.refreshNow ?? (({ session: it }) => Promise.resolve({ kind: 'usable', session: it })),
    },
    routeTokens: { own: neverHere, ownRenewed: neverHere, token: neverHere, renewed: neverHere, ...options.routeTokens },
    activity: { touch: options.touch ?? (() => undefined) },
    delivery: {
      setCookies: options.setCookies ?? ((taken) => (taken === undefined ? [] : [`${SESSION_COOKIE}=${taken.ticket.value}; Path=/`])),
      clearing: options.clearing ?? ((lookup) => (lookup.kind === 'expired' ? [`${SESSION_COOKIE}=; Path=/; Max-Age=0`] : [])),
    },
    clock: systemClock,
    logger,
    ...(options.onAnswered === undefined ? {} : { onAnswered: options.onAnswered }),
  });
  const door = createFrontDoor({
    publicUrl,
    ingressStripsPath: options.ingressStripsPath ?? false,
    loginUrl,
    hostCheck: new HostCheck({ publicOrigin: publicUrl.origin, trustedProxies }),
    trustedProxies,
    routes,
    proxy,
    requestIds: new RequestIds(),
    endpointOf: (path) => `inside ${path}`,
    clock: systemClock,
    logger,
    ...(options.onAnswered === undefined ? {} : { onAnswered: options.onAnswered }),
  });
  const server = createHttpServer(
    { ...LIMITS, ...options.server },
    {
      listener: door.listener(options.next ?? echoInside),
      upgrade: (request, early) => door.upgrade(request, early),
      onBodyLost: (request, response, failure) => door.bodyLost(request, response, failure),
      loginUrl,
      nextRequestId: () => 'unreadable',
      clearAll: () => cookie.clearAll(),
      ...(options.onAnswered === undefined ? {} : { onAnswered: options.onAnswered }),
    },
  );
  await listening(server);
  const close = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    await Promise.all([...upstreams.values()].map((it) => it.close()));
  };
  return { server, port: (server.address() as AddressInfo).port, logger, close };
}

/** Stands for everything that is no route: says what it was handed. */
const echoInside: RequestListener = (request, response) => {
  response.end(JSON.stringify({ inside: request.url, requestId: request.headers['x-request-id'] }));
};

function lookupOf({ lookup }: StandOptions): SessionLookup | Promise<SessionLookup> {
  if (lookup === undefined) return active();
  return typeof lookup === 'function' ? lookup() : lookup;
}

function neverHere(): never {
  throw new Error('nothing of the kind was set up');
}

async function listening(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}
