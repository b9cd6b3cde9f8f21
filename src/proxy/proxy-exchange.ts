import type { IncomingMessage, ServerResponse } from 'node:http';
import { isNavigation } from '../csrf/navigation.ts';
import { BODY_LOST } from '../kernel/body-lost.ts';
import { statusOf, type ErrorCode, type Failure } from '../kernel/errors.ts';
import { failureResponse, type FailureContext, type OwnResponse } from '../kernel/failure-response.ts';
import type { CanonicalTarget } from '../kernel/request-target.ts';
import type { LiveEnd } from '../session/live-connections.ts';
import type { Session } from '../session/session.ts';
import { sessionFailure, type EndedLookup } from '../session/session-failure.ts';
import { upstreamPath, type ApiRoute } from './api-routes.ts';
import { isEventStream } from './event-stream.ts';
import type { ExchangeContext } from './exchange-context.ts';
import { ExchangeCookies } from './exchange-cookies.ts';
import { hasBody, type ForwardEnd, type ForwardPlan, type HeadDecision, type LivePlan } from './forwarder.ts';
import { sendOwn } from './own-answer.ts';
import { responseHead, type ResponseHead, type UpstreamHeaders } from './response-head.ts';
import type { SecondTry } from './second-try.ts';
import { SwitchedExchange } from './switched-exchange.ts';
import { Place, type Traffic } from './traffic.ts';

const OF_THE_BODY: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['payload_too_large', 'request_timeout', 'bad_request']);

/** What the exchanges cannot do themselves. */
export interface ExchangeOwner {
  /** The session turned out to be over: goes on without one where the route allows it, or answers 401. */
  signedOut(exchange: ProxyExchange, lookup: EndedLookup): void;
}

/** One request on a route: what is known of it so far, and the only place that answers it. */
export class ProxyExchange implements ForwardPlan {
  readonly method: string;
  readonly path: string;
  headers: string[] = [];
  readonly cookies: ExchangeCookies;
  /** The session that a live connection belongs to. */
  session: Session | undefined;
  /** Set where an upstream's 401 may be answered by another try. */
  secondTry: SecondTry | undefined;
  readonly #startedAt: number;
  readonly #place: Place;
  #reported = false;

  constructor(
    readonly shared: ExchangeContext,
    readonly owner: ExchangeOwner,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly target: CanonicalTarget,
    readonly route: ApiRoute,
    readonly requestId: string,
    readonly traffic: Traffic,
    /** A WebSocket handshake. */
    readonly isUpgrade = false,
  ) {
    this.method = request.method ?? '';
    this.path = upstreamPath(route, target.path) + target.query;
    this.cookies = new ExchangeCookies(shared.delivery);
    this.#place = new Place(traffic);
    this.#startedAt = shared.clock.now();
    if (hasBody(request)) request.once(BODY_LOST, (failure: Failure) => this.#lostBody(failure));
  }

  /** Nothing may be sent any more: the client left, or has its answer. */
  get isOver(): boolean {
    return this.response.destroyed || this.response.headersSent;
  }

  get headersTimeout(): number {
    return this.route.headersTimeout;
  }

  get idleTimeout(): number {
    return this.route.idleTimeout;
  }

  get maxBody(): number | undefined {
    return this.route.maxBody;
  }

  /** The path and query of this request as the browser knows them. */
  get publicHref(): string {
    return this.shared.publicUrl.path + this.target.path + this.target.query;
  }

  onLive(end: (why: LiveEnd) => void): () => void {
    return this.shared.live.open({ session: this.session, maxAge: this.traffic.maxAge, end });
  }

  onHead(status: number, headers: UpstreamHeaders): HeadDecision | Promise<HeadDecision> {
    const { secondTry, session } = this;
    const isStream = isEventStream(headers);
    if ((isStream || status === 101) && session !== undefined) {
      const cause = this.shared.live.causeOf(session);
      if (cause !== undefined) return this.#endedMeanwhile({ kind: 'revoked', session, cause });
    }
    if (status !== 401 || secondTry === undefined || secondTry.isSpent) return this.#headOf(status, headers, isStream);
    return secondTry.decide(() => this.#headOf(status, headers, isStream));
  }

  /** A logout while the upstream was asked: what lives beyond its head must not begin. */
  #endedMeanwhile(lookup: EndedLookup): HeadDecision {
    this.cookies.ended = lookup;
    return { kind: 'discard' };
  }

  #headOf(status: number, headers: UpstreamHeaders, isStream: boolean): ResponseHead {
    return responseHead(headers, this.route, {
      status,
      requestId: this.requestId,
      publicOrigin: this.shared.publicUrl.origin,
      setCookies: this.cookies.ofAnswer(isStream),
      personal: this.route.token !== 'none',
      owns: this.shared.owns,
    });
  }

  onFailure(failure: Failure, cause: string): void {
    const about = { route: this.route.path, code: failure.code, requestId: this.requestId };
    // A body that turned out too large or broken on its way, or that stopped coming, is no fault of the upstream's.
    if (OF_THE_BODY.has(failure.code)) this.shared.logger.info('request_refused', about);
    else this.shared.logger.warn('upstream_failed', { ...about, cause });
    try {
      this.#answer(failure, {});
    } catch (error) {
      this.crash(error);
    }
  }

  onEnd(end: ForwardEnd): void {
    this.#place.leave();
    if (end === 'discarded') return this.#afterDiscard();
    if (end === 'upstream_lost') this.shared.logger.warn('upstream_lost', { route: this.route.path, requestId: this.requestId });
    this.#report(this.response.headersSent ? this.response.statusCode : 0);
  }

  switched(): LivePlan {
    const { shared, requestId, method, session } = this;
    const { maxAge } = this.traffic;
    const about = { route: this.route.path, requestId, method, session, maxAge, startedAt: this.#startedAt, place: this.#place };
    this.#reported = true;
    return new SwitchedExchange(shared, about);
  }

  /** Takes a place among the requests that are upstream now; `false`: there is none. */
  enter(): boolean {
    return this.#place.take(this.session?.sid);
  }

  /** Sends the request upstream. */
  forward(headers: string[]): void {
    this.headers = headers;
    this.traffic.forwarder.forward(this.request, this.response, this);
  }

  /** Answers with an error of ours, before anything went upstream. */
  fail(failure: Failure, more: Pick<FailureContext, 'action' | 'lines'> = {}): void {
    this.#answer(failure, more);
    this.#report(statusOf(failure.code));
  }

  /** Answers with a page of ours. */
  send(own: OwnResponse): void {
    sendOwn(this.response, { ...own, headers: { ...own.headers, 'x-request-id': this.requestId } });
    this.#report(own.status);
  }

  /** Something unexpected: nothing but the request id goes out, no cookie either, which may be what went wrong. Never throws. */
  crash(error: unknown): void {
    this.cookies.forget();
    this.#place.leave();
    const name = error instanceof Error ? error.name : typeof error;
    this.shared.logger.error('proxy_error', { route: this.route.path, error: name, requestId: this.requestId });
    if (this.response.headersSent) this.response.destroy();
    else this.fail({ code: 'internal_error' });
  }

  /** The client left while we were waiting for something: nothing is to be sent. */
  abandon(): void {
    this.#report(0);
  }

  #answer(failure: Failure, more: Pick<FailureContext, 'action' | 'lines'>): void {
    const { headers } = this.request;
    const navigation = !this.isUpgrade && isNavigation(headers);
    // Coming back to an unsafe request's URL would be another request than the one that was refused.
    const returnTo = navigation && (this.method === 'GET' || this.method === 'HEAD') ? { returnTo: this.publicHref } : {};
    const context = { requestId: this.requestId, loginUrl: this.shared.loginUrl, navigation, ...returnTo, ...more };
    sendOwn(this.response, failureResponse(failure, context), this.cookies.ofOwnAnswer());
  }

  /** The client, wherever the request had come to. One that is upstream ends there when its answer is out. */
  #lostBody(failure: Failure): void {
    this.onFailure(failure, '');
    this.#report(this.response.statusCode);
  }

  #afterDiscard(): void {
    const { ended } = this.cookies;
    try {
      if (ended === undefined) return this.secondTry?.begin();
      if (hasBody(this.request)) return this.fail(sessionFailure(ended)); // it has been read
      this.cookies.ended = undefined;
      this.owner.signedOut(this, ended);
    } catch (error) {
      this.crash(error);
    }
  }

  #report(status: number): void {
    if (this.#reported || this.shared.onAnswered === undefined) return;
    this.#reported = true;
    const durationMs = this.shared.clock.now() - this.#startedAt;
    this.shared.onAnswered({ requestId: this.requestId, method: this.method, route: this.route.path, status, durationMs });
  }
}
