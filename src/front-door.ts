import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { checkUpgradeOrigin } from './csrf/csrf-policy.ts';
import { isNavigation } from './csrf/navigation.ts';
import type { Clock } from './kernel/clock.ts';
import type { Failure } from './kernel/errors.ts';
import { failureResponse, type OwnResponse } from './kernel/failure-response.ts';
import type { Logger } from './kernel/logger.ts';
import type { OnAnswered } from './kernel/request-fact.ts';
import type { RequestIds } from './kernel/request-id.ts';
import { canonicalTarget, isBelow, type CanonicalTarget } from './kernel/request-target.ts';
import type { ApiRoute, ApiRoutes } from './proxy/api-routes.ts';
import type { ApiProxy } from './proxy/api-proxy.ts';
import { splitTarget, type HostCheck } from './proxy/host-check.ts';
import { admitBody, rawOwn, sendOwn } from './proxy/own-answer.ts';
import type { TrustedProxies } from './proxy/trusted-proxies.ts';
import { answerUnderWay } from './server/answer-under-way.ts';
import { endSocket } from './server/end-socket.ts';

export interface FrontDoorOptions {
  /** `path` is `''` or `/a`. */
  readonly publicUrl: { readonly origin: string; readonly path: string };
  /** An ingress took publicUrl's path off before us. */
  readonly ingressStripsPath: boolean;
  /** Path-absolute, with publicUrl's path. */
  readonly loginUrl: string;
  readonly hostCheck: HostCheck;
  readonly trustedProxies: TrustedProxies;
  readonly routes: Pick<ApiRoutes, 'match'>;
  readonly proxy: Pick<ApiProxy, 'handle'>;
  readonly requestIds: RequestIds;
  /** What the access line calls a canonical path that goes to `next`. */
  readonly endpointOf: (path: string) => string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told once for every request but those on routes, which the proxy tells. */
  readonly onAnswered?: OnAnswered;
}

export interface FrontDoor {
  /**
   * The http server's one request listener. What is no route goes to `next`, with `url` canonical and without publicUrl's path,
   * and with the request id in the request header `x-request-id` and already set on the response.
   */
  listener(next: RequestListener): RequestListener;
  /** Never leaves a socket hanging: every handshake is answered and closed. */
  upgrade(request: IncomingMessage): void;
  /** Answers with an error of ours, as a page for a navigation. */
  fail(request: IncomingMessage, response: ServerResponse, failure: Failure, requestId: string): void;
}

/** Where a request goes once Host and target are judged. */
type Way =
  | { readonly kind: 'route'; readonly target: CanonicalTarget; readonly route: ApiRoute }
  | { readonly kind: 'inside'; readonly target: CanonicalTarget }
  | { readonly kind: 'moved'; readonly location: string }
  | { readonly kind: 'refused'; readonly failure: Failure };

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
const NEVER: Failure = {
  code: 'method_not_allowed',
  detail: 'This method is never served.',
  allow: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
};
const NO_WEBSOCKETS: Failure = { code: 'route_not_found', detail: 'WebSocket forwarding is not available in this version.' };
const ODD_FRAMING: Failure = { code: 'bad_request', detail: 'HTTP/1.0 knows no Transfer-Encoding.' };
const INTERNAL: Failure = { code: 'internal_error' };
const NOT_HERE: Failure = { code: 'route_not_found', detail: 'Nothing is served at this path.' };

export function createFrontDoor(options: FrontDoorOptions): FrontDoor {
  return new Door(options);
}

class Door implements FrontDoor {
  readonly #options: FrontDoorOptions;

  constructor(options: FrontDoorOptions) {
    this.#options = options;
  }

  listener(next: RequestListener): RequestListener {
    return (request, response) => {
      const requestId = this.#requestId(request);
      const way = this.#judge(request, requestId);
      if (way.kind === 'route') return this.#options.proxy.handle(request, response, way.target, way.route, requestId);
      this.#tellAtClose(request, response, requestId, way.kind === 'inside' ? this.#options.endpointOf(way.target.path) : 'refused');
      if (way.kind === 'moved') return sendOwn(response, moved(way.location, requestId));
      if (way.kind === 'refused') return this.fail(request, response, way.failure, requestId);
      try {
        handOver(request, response, way.target, requestId);
        next(request, response);
      } catch (error) {
        this.#logError(error, requestId);
        this.fail(request, response, INTERNAL, requestId);
      }
    };
  }

  upgrade(request: IncomingMessage): void {
    const { socket } = request;
    const requestId = this.#requestId(request);
    // Behind a request that has no answer yet, this one would be taken for its answer.
    if (answerUnderWay(socket) !== undefined) {
      socket.destroy();
      return this.#tell(request, requestId, 'refused', 0, 0);
    }
    const way = this.#judge(request, requestId);
    const context = { requestId, loginUrl: this.#options.loginUrl, navigation: false };
    const own = way.kind === 'moved' ? moved(way.location, requestId) : failureResponse(this.#upgradeFailure(request, way), context);
    endSocket(socket, rawOwn(own));
    this.#tell(request, requestId, way.kind === 'route' ? way.route.path : 'refused', own.status, 0);
  }

  fail(request: IncomingMessage, response: ServerResponse, failure: Failure, requestId: string): void {
    if (response.headersSent) return void response.destroy();
    const navigation = isNavigation(request.headers);
    sendOwn(response, failureResponse(failure, { requestId, loginUrl: this.#options.loginUrl, navigation }));
  }

  /** Whole, broken off, or left before its answer: a response closes once. */
  #tellAtClose(request: IncomingMessage, response: ServerResponse, requestId: string, route: string): void {
    if (this.#options.onAnswered === undefined) return;
    const startedAt = this.#options.clock.now();
    response.on('close', () => {
      this.#tell(request, requestId, route, response.headersSent ? response.statusCode : 0, this.#options.clock.now() - startedAt);
    });
  }

  #tell({ method = '' }: IncomingMessage, requestId: string, route: string, status: number, durationMs: number): void {
    this.#options.onAnswered?.({ requestId, method, route, status, durationMs });
  }

  #judge(request: IncomingMessage, requestId: string): Way {
    try {
      return this.#way(request);
    } catch (error) {
      this.#logError(error, requestId);
      return refused(INTERNAL);
    }
  }

  #logError(error: unknown, requestId: string): void {
    this.#options.logger.error('front_door_error', { error: error instanceof Error ? error.name : typeof error, requestId });
  }

  /** The order is part of the contract: framing (what Node lets through), Host, then the request target, then the route. */
  #way(request: IncomingMessage): Way {
    const { hostCheck, routes } = this.#options;
    if (hasOddFraming(request)) return refused(ODD_FRAMING);
    const { authority, path } = splitTarget(request.url ?? '');
    const host = hostCheck.check(request);
    if (host.kind === 'malformed') return refused({ code: 'wrong_host', detail: host.detail });
    if (authority !== undefined && !hostCheck.accepts(authority))
      return refused({ code: 'wrong_host', detail: 'The request target names another host.' });
    if (host.kind === 'wrong') return this.#elsewhere(request, path);
    if (request.method === 'TRACE' || request.method === 'CONNECT') return refused(NEVER);
    const target = canonicalTarget(path);
    if (target.kind === 'refused') return refused({ code: 'path_refused', detail: target.detail });
    const inner = this.#inner(target);
    if (inner === undefined) return refused(NOT_HERE);
    const route = routes.match(inner.path);
    if (inner.encodedSlash && route?.allowEncodedSlash !== true)
      return refused({ code: 'path_refused', detail: 'The path holds an encoded slash.' });
    return route === undefined ? { kind: 'inside', target: inner } : { kind: 'route', target: inner, route };
  }

  /** The target without publicUrl's path; `undefined` outside of it. */
  #inner(target: CanonicalTarget): CanonicalTarget | undefined {
    const prefix = this.#options.ingressStripsPath ? '' : this.#options.publicUrl.path;
    if (prefix === '') return target;
    if (!isBelow(target.path, prefix)) return undefined;
    return { ...target, path: target.path.slice(prefix.length) || '/' };
  }

  #elsewhere(request: IncomingMessage, path: string): Way {
    const isPlain = (request.method === 'GET' || request.method === 'HEAD') && path.startsWith('/') && !/[^\x21-\x7e]/.test(path);
    if (!isPlain || !isNavigation(request.headers))
      return refused({ code: 'wrong_host', detail: 'The Host header does not name this application.' });
    const { origin, path: prefix } = this.#options.publicUrl;
    return { kind: 'moved', location: origin + (this.#options.ingressStripsPath ? prefix : '') + path };
  }

  #upgradeFailure(request: IncomingMessage, way: Exclude<Way, { kind: 'moved' }>): Failure {
    if (way.kind === 'refused') return way.failure;
    if (way.kind === 'inside') return NOT_HERE;
    const origin = checkUpgradeOrigin(request.headers, this.#options.publicUrl.origin);
    return origin.kind === 'pass' ? NO_WEBSOCKETS : { code: 'origin_refused', detail: origin.detail };
  }

  #requestId(request: IncomingMessage): string {
    const { trustedProxies, requestIds, clock } = this.#options;
    const given = request.headers['x-request-id'];
    if (typeof given === 'string' && REQUEST_ID.test(given) && trustedProxies.has(request.socket.remoteAddress)) return given;
    return requestIds.next(clock.now());
  }
}

/** What lies inside reads the canonical target, and the request id where it expects one. */
function handOver(request: IncomingMessage, response: ServerResponse, target: CanonicalTarget, requestId: string): void {
  request.url = target.path + target.query;
  request.headers['x-request-id'] = requestId;
  response.setHeader('x-request-id', requestId);
  admitBody(response);
}

/** HTTP/1.0 knows no Transfer-Encoding: the next reader may not see the chunks (RFC 9112 §6.1). */
const hasOddFraming = ({ httpVersionMinor, headers }: IncomingMessage): boolean =>
  httpVersionMinor === 0 && headers['transfer-encoding'] !== undefined;

const refused = (failure: Failure): Way => ({ kind: 'refused', failure });

function moved(location: string, requestId: string): OwnResponse {
  return { status: 308, headers: { location, 'cache-control': 'no-store', 'x-request-id': requestId }, body: '' };
}
