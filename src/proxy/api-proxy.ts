import type { IncomingMessage, ServerResponse } from 'node:http';
import { mayEnter, NOT_ADMITTED, type AccessRule } from '../access/access-policy.ts';
import type { SessionCookie } from '../cookie/session-cookie.ts';
import { checkCsrf, isCrossSiteNavigation } from '../csrf/csrf-policy.ts';
import { continuingPage } from '../kernel/continuing-page.ts';
import type { CanonicalTarget } from '../kernel/request-target.ts';
import type { SessionActivity } from '../session/session-activity.ts';
import { endedBy, sessionFailure, type EndedLookup } from '../session/session-failure.ts';
import type { ActiveSession, SessionLookup, TakenTicket } from '../session/session-lookup.ts';
import type { SessionResolver } from '../session/session-resolver.ts';
import type { Freshness } from '../tokens/freshness.ts';
import type { TokenRefresher } from '../tokens/token-refresher.ts';
import type { ApiRoute } from './api-routes.ts';
import type { Forwarder } from './forwarder.ts';
import { ProxyExchange, type ExchangeContext, type RouteTraffic } from './proxy-exchange.ts';
import { isTooLarge, methodNotAllowed } from './refusals.ts';
import type { RequestHead } from './request-head.ts';

export interface ApiProxyOptions extends ExchangeContext {
  readonly routes: readonly ApiRoute[];
  readonly forwarderOf: (route: ApiRoute) => Forwarder;
  readonly requestHead: RequestHead;
  readonly csrf: { readonly requireHeader: boolean };
  /** The application's rules; a route's own are judged besides them. */
  readonly access: readonly AccessRule[];
  readonly cookie: Pick<SessionCookie, 'read'>;
  readonly resolver: Pick<SessionResolver, 'resolve'>;
  readonly refresher: Pick<TokenRefresher, 'fresh'>;
  readonly activity: Pick<SessionActivity, 'touch'>;
}

const TOO_LARGE = { code: 'payload_too_large', detail: 'The request body is larger than this route admits.' } as const;
const OVERLOADED = { code: 'overloaded', detail: 'Too many requests are on their way to this upstream.', retryAfter: 1 } as const;

/** For a route that this frontend does not have: the request is answered as something unexpected. */
const NOWHERE: RouteTraffic = {
  inFlight: 0,
  forwarder: {
    forward: () => {
      throw new Error('a route of another frontend');
    },
    close: () => Promise.resolve(),
  },
};

/** The data path: every request on a route passes these checks in this order, and the common one waits for nothing before it goes upstream. */
export class ApiProxy {
  readonly #options: ApiProxyOptions;
  readonly #traffic: ReadonlyMap<ApiRoute, RouteTraffic>;

  constructor(options: ApiProxyOptions) {
    this.#options = options;
    this.#traffic = new Map(options.routes.map((it) => [it, { inFlight: 0, forwarder: options.forwarderOf(it) }]));
  }

  /** Answers the request. Never throws, never rejects. */
  handle(request: IncomingMessage, response: ServerResponse, target: CanonicalTarget, route: ApiRoute, requestId: string): void {
    const traffic = this.#traffic.get(route) ?? NOWHERE;
    const exchange = new ProxyExchange(this.#options, request, response, target, route, requestId, traffic);
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
    if (route.token === 'none') return this.#forward(exchange, undefined);
    exchange.presented = this.#options.cookie.read(request.headers.cookie);
    const lookup = this.#options.resolver.resolve(exchange.presented);
    if (lookup instanceof Promise) return later(exchange, lookup, (it) => this.#judge(exchange, it));
    this.#judge(exchange, lookup);
  }

  #judge(exchange: ProxyExchange, lookup: SessionLookup): void {
    const { route } = exchange;
    if (lookup.kind === 'unavailable') return exchange.fail({ code: 'store_unavailable', retryAfter: lookup.retryAfter });
    if (lookup.kind !== 'active') return this.#signedOut(exchange, lookup);
    exchange.taken = lookup.taken;
    const { claims } = lookup.session;
    if (!mayEnter(this.#options.access, claims) || !mayEnter(route.access.allow, claims)) {
      return exchange.fail(NOT_ADMITTED);
    }
    const fresh = this.#options.refresher.fresh(lookup, route.activity);
    if (fresh instanceof Promise) return later(exchange, fresh, (it) => this.#withToken(exchange, lookup, it));
    this.#withToken(exchange, lookup, fresh);
  }

  #withToken(exchange: ProxyExchange, active: ActiveSession, fresh: Freshness): void {
    if (fresh.kind === 'unavailable') return exchange.fail({ code: fresh.code, retryAfter: fresh.retryAfter });
    if (fresh.kind === 'rejected') return this.#signedOut(exchange, endedBy(fresh, active));
    exchange.taken = fresh.taken ?? active.taken;
    exchange.session = fresh.session;
    const { accessToken } = fresh.session;
    const touched = exchange.taken === undefined && exchange.route.activity ? this.#options.activity.touch(active) : undefined;
    if (!(touched instanceof Promise)) return this.#forward(exchange, accessToken, touched);
    later(exchange, touched, (it) => this.#forward(exchange, accessToken, it));
  }

  #forward(exchange: ProxyExchange, accessToken: string | undefined, idle?: TakenTicket): void {
    const { request, response, route, traffic, requestId } = exchange;
    exchange.idle = idle;
    if (response.destroyed) return exchange.abandon();
    if (traffic.inFlight >= route.maxInFlight) return exchange.fail(OVERLOADED);
    exchange.forward(this.#options.requestHead.build(request, route, { requestId, accessToken }));
  }

  #signedOut(exchange: ProxyExchange, lookup: EndedLookup): void {
    const { route, request } = exchange;
    if (lookup.kind === 'none' && isCrossSiteNavigation(request.headers)) return exchange.send(continuingPage(exchange.publicHref));
    if (route.token === 'optional' && route.access.allow.length === 0) return this.#forward(exchange, undefined);
    exchange.ended = lookup;
    exchange.fail(sessionFailure(lookup));
  }

  /** A refused navigation gets a page whose button leads to the same URL: a click is the user's will, a script's request is not. */
  #passesCsrf(exchange: ProxyExchange): boolean {
    const { request, route, method } = exchange;
    const { navigation } = route;
    const rules = { publicOrigin: this.#options.publicUrl.origin, requireHeader: this.#options.csrf.requireHeader, navigation };
    const verdict = checkCsrf({ method, headers: request.headers }, rules);
    if (verdict.kind === 'pass') return true;
    const failure = { code: 'csrf_refused', detail: verdict.detail } as const;
    if (verdict.kind === 'refused') exchange.fail(failure);
    else exchange.fail(failure, { action: { kind: 'link', href: exchange.publicHref, label: 'Continue' }, lines: ASK });
    return false;
  }
}

const ASK: readonly string[] = ['A page of another site led you here.', 'Nothing has been sent yet. Go on only if you meant to come here.'];

function later<T>(exchange: ProxyExchange, value: Promise<T>, next: (value: T) => void): void {
  value.then(next).catch((error: unknown) => exchange.crash(error));
}
