import type { IncomingMessage, ServerResponse } from 'node:http';
import { mayEnter, NOT_ADMITTED, type AccessRule } from '../access/access-policy.ts';
import type { SessionCookie } from '../cookie/session-cookie.ts';
import { checkCsrf, checkUpgradeOrigin, isCrossSiteNavigation } from '../csrf/csrf-policy.ts';
import { continuingPage } from '../kernel/continuing-page.ts';
import type { CanonicalTarget } from '../kernel/request-target.ts';
import type { SessionActivity } from '../session/session-activity.ts';
import { endedBy, sessionFailure, type EndedLookup } from '../session/session-failure.ts';
import type { ActiveSession, SessionLookup, TakenTicket } from '../session/session-lookup.ts';
import type { SessionResolver } from '../session/session-resolver.ts';
import type { RouteToken } from '../tokens/route-token.ts';
import type { RouteTokens } from '../tokens/route-tokens.ts';
import type { TokenRefresher } from '../tokens/token-refresher.ts';
import type { ApiRoute } from './api-routes.ts';
import type { ExchangeContext } from './exchange-context.ts';
import { SessionlessExchanges } from './exchange-own-token.ts';
import { isRepeatable, later } from './exchange-steps.ts';
import type { Forwarder } from './forwarder.ts';
import { ProxyExchange, type ExchangeOwner } from './proxy-exchange.ts';
import { isTooLarge, methodNotAllowed } from './refusals.ts';
import type { RequestHead } from './request-head.ts';
import { SecondTry, type Remedy } from './second-try.ts';
import { RequestTraffic, WebSocketPlaces, WebSocketTraffic, type Traffic, type WebSocketLimits } from './traffic.ts';
import { upgradeResponse } from './upgrade-response.ts';

export interface ApiProxyOptions extends ExchangeContext {
  readonly routes: readonly ApiRoute[];
  readonly forwarderOf: (route: ApiRoute) => Forwarder;
  /** Carries the WebSockets of a route. */
  readonly tunnelOf: (route: ApiRoute) => Forwarder;
  readonly websocket: WebSocketLimits;
  readonly requestHead: RequestHead;
  readonly csrf: { readonly requireHeader: boolean };
  /** The application's rules; a route's own are judged besides them. */
  readonly access: readonly AccessRule[];
  readonly cookie: Pick<SessionCookie, 'read'>;
  readonly resolver: Pick<SessionResolver, 'resolve'>;
  readonly refresher: Pick<TokenRefresher, 'fresh' | 'refreshNow'>;
  readonly routeTokens: Pick<RouteTokens, 'own' | 'ownRenewed' | 'token' | 'renewed'>;
  readonly activity: Pick<SessionActivity, 'touch'>;
}

const TOO_LARGE = { code: 'payload_too_large', detail: 'The request body is larger than this route admits.' } as const;
const OVERLOADED = { code: 'overloaded', detail: 'Too many requests are on their way to this upstream.', retryAfter: 1 } as const;

/** The data path: every request on a route passes these checks in this order, and the common one waits for nothing before it goes upstream. */
export class ApiProxy implements ExchangeOwner {
  readonly #options: ApiProxyOptions;
  readonly #requests: ReadonlyMap<ApiRoute, Traffic>;
  readonly #webSockets: ReadonlyMap<ApiRoute, Traffic>;
  readonly #sessionless: SessionlessExchanges;

  constructor(options: ApiProxyOptions) {
    this.#options = options;
    const { routes, live } = options;
    const places = new WebSocketPlaces(options.websocket);
    this.#requests = new Map(routes.map((it) => [it, new RequestTraffic(options.forwarderOf(it), it)]));
    this.#sessionless = new SessionlessExchanges(options.routeTokens, (exchange, accessToken) => this.#forward(exchange, accessToken));
    this.#webSockets = new Map(routes.map((it) => [it, new WebSocketTraffic(options.tunnelOf(it), places, () => live.isClosed)]));
  }

  /** Answers the request. Never throws, never rejects. `route` is one of those that this was made for. */
  handle(request: IncomingMessage, response: ServerResponse, target: CanonicalTarget, route: ApiRoute, requestId: string): void {
    const traffic = trafficOf(this.#requests, route);
    this.#begin(new ProxyExchange(this.#options, this, request, response, target, route, requestId, traffic));
  }

  /** Answers a WebSocket handshake, or makes a tunnel of its connection: the same checks in the same order. `early`: bytes behind it. */
  upgrade(request: IncomingMessage, early: Buffer, target: CanonicalTarget, route: ApiRoute, requestId: string): void {
    const traffic = trafficOf(this.#webSockets, route);
    const response = upgradeResponse(request, early);
    this.#begin(new ProxyExchange(this.#options, this, request, response, target, route, requestId, traffic, true));
  }

  #begin(exchange: ProxyExchange): void {
    try {
      this.#admit(exchange);
    } catch (error) {
      exchange.crash(error);
    }
  }

  #admit(exchange: ProxyExchange): void {
    const { request, route, method } = exchange;
    if (!route.methodSet.has(method)) return exchange.fail(methodNotAllowed(route));
    if (route.csrf && !this.#passesCsrf(exchange)) return;
    if (isTooLarge(request, route)) return exchange.fail(TOO_LARGE);
    if (!route.readsSession) return this.#sessionless.begin(exchange);
    exchange.cookies.presented = this.#options.cookie.read(request.headers.cookie);
    const lookup = this.#options.resolver.resolve(exchange.cookies.presented);
    if (lookup instanceof Promise) return later(exchange, lookup, (it) => this.#judge(exchange, it));
    this.#judge(exchange, lookup);
  }

  #judge(exchange: ProxyExchange, lookup: SessionLookup): void {
    const { route } = exchange;
    if (lookup.kind === 'unavailable') return exchange.fail({ code: 'store_unavailable', retryAfter: lookup.retryAfter });
    if (lookup.kind !== 'active') return this.signedOut(exchange, lookup);
    exchange.cookies.taken = lookup.taken;
    const { claims } = lookup.session;
    if (!mayEnter(this.#options.access, claims) || !mayEnter(route.access.allow, claims)) {
      return exchange.fail(NOT_ADMITTED);
    }
    const { policy, activity } = route;
    const { refresher, routeTokens } = this.#options;
    const fresh = policy === undefined ? refresher.fresh(lookup, activity) : routeTokens.token(policy, lookup, activity);
    if (fresh instanceof Promise) return later(exchange, fresh, (it) => this.#withToken(exchange, lookup, it));
    this.#withToken(exchange, lookup, fresh);
  }

  #withToken(exchange: ProxyExchange, active: ActiveSession, fresh: RouteToken): void {
    if (fresh.kind === 'rejected') return this.signedOut(exchange, endedBy(fresh, active));
    exchange.cookies.taken = fresh.taken ?? active.taken;
    if (fresh.kind === 'unavailable') return exchange.fail({ code: fresh.code, retryAfter: fresh.retryAfter });
    if (fresh.kind === 'refused') return exchange.fail({ code: 'forbidden', detail: fresh.detail });
    exchange.session = fresh.session;
    const accessToken = fresh.accessToken ?? fresh.session.accessToken;
    if (exchange.secondTry !== undefined) return this.#forward(exchange, accessToken);
    if (exchange.route.retryOn401 && isRepeatable(exchange.request)) {
      exchange.secondTry = new SecondTry(() => this.#renewed(exchange, { ...active, session: fresh.session }, accessToken));
    }
    const reseals = exchange.cookies.taken === undefined && exchange.route.activity && !exchange.isUpgrade;
    const touched = reseals ? this.#options.activity.touch(active) : undefined;
    if (!(touched instanceof Promise)) return this.#forward(exchange, accessToken, touched);
    later(exchange, touched, (it) => this.#forward(exchange, accessToken, it));
  }

  #forward(exchange: ProxyExchange, accessToken: string | undefined, idle?: TakenTicket): void {
    const { request, route, requestId } = exchange;
    exchange.cookies.idle = idle;
    if (exchange.isOver) return exchange.abandon();
    if (!exchange.enter()) return exchange.fail(OVERLOADED);
    exchange.forward(this.#options.requestHead.build(request, route, { requestId, accessToken }));
  }

  /**
   * The upstream refused the token although it should be good. One renewal and one more try, when the token was not new anyway:
   * otherwise the answer is the upstream's own opinion, and is passed on.
   */
  async #renewed(exchange: ProxyExchange, active: ActiveSession, refused: string): Promise<Remedy> {
    const { policy, activity } = exchange.route;
    const { refresher, routeTokens } = this.#options;
    const fresh = await (policy === undefined
      ? refresher.refreshNow(active, activity)
      : routeTokens.renewed(policy, active, refused, activity));
    if (fresh.kind === 'rejected') return () => this.signedOut(exchange, endedBy(fresh, active));
    if (fresh.kind !== 'usable' || (fresh.accessToken ?? fresh.session.accessToken) === refused) return undefined;
    return () => this.#withToken(exchange, active, fresh);
  }

  /** Where it may go on without a session, it does; else it is 401. */
  signedOut(exchange: ProxyExchange, lookup: EndedLookup): void {
    const { route, request } = exchange;
    if (lookup.kind === 'none' && isCrossSiteNavigation(request.headers)) return exchange.send(continuingPage(exchange.publicHref));
    if (route.token === 'optional' && route.access.allow.length === 0) {
      exchange.session = exchange.cookies.taken = undefined; // what was known of the session before its end was
      return this.#forward(exchange, undefined);
    }
    exchange.cookies.ended = lookup;
    exchange.fail(sessionFailure(lookup));
  }

  /** A refused navigation gets a page whose button leads to the same URL: a click is the user's will, a script's request is not. */
  #passesCsrf(exchange: ProxyExchange): boolean {
    const { request, route, method } = exchange;
    if (exchange.isUpgrade) return this.#passesOrigin(exchange);
    const { navigation } = route;
    const rules = { publicOrigin: this.#options.publicUrl.origin, requireHeader: this.#options.csrf.requireHeader, navigation };
    const verdict = checkCsrf({ method, headers: request.headers }, rules);
    if (verdict.kind === 'pass') return true;
    const failure = { code: 'csrf_refused', detail: verdict.detail } as const;
    if (verdict.kind === 'refused') exchange.fail(failure);
    else exchange.fail(failure, { action: { kind: 'link', href: exchange.publicHref, label: 'Continue' }, lines: ASK });
    return false;
  }

  #passesOrigin(exchange: ProxyExchange): boolean {
    const verdict = checkUpgradeOrigin(exchange.request.headers, this.#options.publicUrl.origin);
    if (verdict.kind === 'pass') return true;
    exchange.fail({ code: 'origin_refused', detail: verdict.detail });
    return false;
  }
}

function trafficOf(all: ReadonlyMap<ApiRoute, Traffic>, route: ApiRoute): Traffic {
  const traffic = all.get(route);
  if (traffic === undefined) throw new Error('a route of another frontend');
  return traffic;
}

const ASK: readonly string[] = ['A page of another site led you here.', 'Nothing has been sent yet. Go on only if you meant to come here.'];
