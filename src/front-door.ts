import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isNavigation } from './csrf/navigation.ts';
import { Destinations, NOT_HERE, type Destination, type DestinationOptions } from './destinations.ts';
import type { Clock } from './kernel/clock.ts';
import type { Failure } from './kernel/errors.ts';
import { failureResponse, type OwnResponse } from './kernel/failure-response.ts';
import type { Logger } from './kernel/logger.ts';
import type { OnAnswered } from './kernel/request-fact.ts';
import type { RequestIds } from './kernel/request-id.ts';
import type { CanonicalTarget } from './kernel/request-target.ts';
import type { ApiProxy } from './proxy/api-proxy.ts';
import { admitBody, rawOwn, sendOwn } from './proxy/own-answer.ts';
import { hasBody } from './proxy/forwarder.ts';
import type { TrustedProxies } from './proxy/trusted-proxies.ts';
import { answerUnderWay, cutConnection } from './server/answer-under-way.ts';
import { endSocket } from './kernel/end-socket.ts';

export interface FrontDoorOptions extends DestinationOptions {
  /** Path-absolute, with publicUrl's path. */
  readonly loginUrl: string;
  readonly trustedProxies: TrustedProxies;
  readonly proxy: Pick<ApiProxy, 'handle' | 'upgrade'>;
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
  /** A WebSocket handshake; `early` came right behind it. Never leaves a socket hanging: what becomes no tunnel is answered and closed. */
  upgrade(request: IncomingMessage, early: Buffer): void;
  /** Answers a request that is not on a route and whose body does not come whole. */
  bodyLost(request: IncomingMessage, response: ServerResponse, failure: Failure): void;
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
const WITH_BODY: Destination = {
  kind: 'refused',
  failure: { code: 'bad_request', detail: 'A WebSocket handshake has no body.' },
};
const WITHOUT_KEY: Destination = {
  kind: 'refused',
  failure: { code: 'bad_request', detail: 'A WebSocket handshake has exactly one Sec-WebSocket-Key, of 16 bytes in base64.' },
};
/** RFC 6455 §4.2.1. Node joins several lines of the name with commas. */
const WEB_SOCKET_KEY = /^[A-Za-z0-9+/]{22}==$/;
const INTERNAL: Failure = { code: 'internal_error' };

export function createFrontDoor(options: FrontDoorOptions): FrontDoor {
  return new Door(options);
}

class Door implements FrontDoor {
  readonly #options: FrontDoorOptions;
  readonly #destinations: Destinations;

  constructor(options: FrontDoorOptions) {
    this.#options = options;
    this.#destinations = new Destinations(options);
  }

  listener(next: RequestListener): RequestListener {
    return (request, response) => {
      const requestId = this.#requestId(request);
      const goes = this.#judge(request, requestId);
      if (goes.kind === 'route') return this.#options.proxy.handle(request, response, goes.target, goes.route, requestId);
      this.#tellAtClose(request, response, requestId, goes.kind === 'inside' ? this.#options.endpointOf(goes.target.path) : 'refused');
      if (goes.kind === 'moved') return sendOwn(response, moved(goes.location, requestId));
      if (goes.kind === 'refused') {
        if (goes.closing === true) response.shouldKeepAlive = false;
        return this.#fail(request, response, goes.failure, requestId);
      }
      try {
        handOver(request, response, goes.target, requestId);
        next(request, response);
      } catch (error) {
        this.#logError(error, requestId);
        this.#fail(request, response, INTERNAL, requestId);
      }
    };
  }

  upgrade(request: IncomingMessage, early: Buffer): void {
    const { socket } = request;
    const requestId = this.#requestId(request);
    // Behind a request that has no answer yet, this one would be taken for its answer.
    if (answerUnderWay(socket) !== undefined) {
      cutConnection(socket);
      return this.#tell(request, requestId, 'refused', 0, 0);
    }
    const goes = this.#judgeHandshake(request, requestId);
    if (goes.kind === 'route') return this.#options.proxy.upgrade(request, early, goes.target, goes.route, requestId);
    const context = { requestId, loginUrl: this.#options.loginUrl, navigation: false };
    const failure = goes.kind === 'refused' ? goes.failure : NOT_HERE;
    const own = goes.kind === 'moved' ? moved(goes.location, requestId) : failureResponse(failure, context);
    endSocket(socket, rawOwn(own));
    this.#tell(request, requestId, 'refused', own.status, 0);
  }

  bodyLost(request: IncomingMessage, response: ServerResponse, failure: Failure): void {
    const given = response.getHeader('x-request-id');
    this.#fail(request, response, failure, typeof given === 'string' ? given : this.#requestId(request));
  }

  /** Answers with an error of ours, as a page for a navigation. */
  #fail(request: IncomingMessage, response: ServerResponse, failure: Failure, requestId: string): void {
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

  #judge(request: IncomingMessage, requestId: string): Destination {
    try {
      return this.#destinations.of(request);
    } catch (error) {
      this.#logError(error, requestId);
      return { kind: 'refused', failure: INTERNAL };
    }
  }

  /** What is wrong with it must not look like the upstream's fault, which a bad answer to it would be. */
  #judgeHandshake(request: IncomingMessage, requestId: string): Destination {
    if (hasBody(request)) return WITH_BODY;
    const goes = this.#judge(request, requestId);
    return goes.kind === 'route' && !WEB_SOCKET_KEY.test(request.headers['sec-websocket-key'] ?? '') ? WITHOUT_KEY : goes;
  }

  #logError(error: unknown, requestId: string): void {
    this.#options.logger.error('front_door_error', { error: error instanceof Error ? error.name : typeof error, requestId });
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

function moved(location: string, requestId: string): OwnResponse {
  return { status: 308, headers: { location, 'cache-control': 'no-store', 'x-request-id': requestId }, body: '' };
}
