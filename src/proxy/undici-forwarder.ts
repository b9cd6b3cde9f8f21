import type { IncomingMessage, ServerResponse } from 'node:http';
import { Pool, type buildConnector, type Dispatcher } from 'undici';
import type { Failure } from '../kernel/errors.ts';
import { dialer, type Dial, type DialOptions } from './dial.ts';
import { isEventStream } from './event-stream.ts';
import { forwardFailure } from './forward-failure.ts';
import { hasBody, type ForwardEnd, type Forwarder, type ForwardPlan, type HeadDecision } from './forwarder.ts';
import { admitBody } from './own-answer.ts';
import { outliveLostWrites } from './patient-socket.ts';
import { ClientGone, RequestBody } from './request-body.ts';
import type { UpstreamHeaders } from './response-head.ts';
import { ResponsePump } from './response-pump.ts';
import { causeOf, undiciFault } from './undici-fault.ts';

/** Where the connections lead to and how they are made; and: */
export interface UndiciForwarderOptions extends DialOptions {
  /** Sockets at most. Requests beyond it wait for one; the routes' maxInFlight keeps it from coming to that. */
  readonly connections: number;
  /** Bytes of a response head. */
  readonly maxHeaderSize?: number;
}

const INFORMATIONAL_LIMIT = 16;
const KEEP_ALIVE_MS = 4_000; // below the 5 s of a Node upstream, so that it is us who close an idle socket
const RESPONSE_HEAD_BYTES = 64 * 1024;

/** One pool of HTTP/1.1 connections to one origin; no pipelining, no retry, no redirect followed. */
export class UndiciForwarder implements Forwarder {
  readonly #pool: Pool;
  readonly #serverName: string | undefined;

  constructor(options: UndiciForwarderOptions) {
    const { protocol, hostname } = new URL(options.origin);
    // Whatever the Host is: a connection is not given up for the next request's.
    this.#serverName = protocol === 'https:' ? hostname : undefined;
    this.#pool = new Pool(options.origin, {
      connections: options.connections,
      pipelining: 1,
      allowH2: false,
      connect: patientConnector(dialer(options)),
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: options.maxHeaderSize ?? RESPONSE_HEAD_BYTES,
    });
  }

  forward(request: IncomingMessage, response: ServerResponse, plan: ForwardPlan): void {
    const body = hasBody(request) ? new RequestBody(request, plan.maxBody) : null;
    if (body !== null) admitBody(response);
    const dispatch = {
      path: plan.path,
      method: plan.method,
      headers: plan.headers,
      body,
      headersTimeout: plan.headersTimeout,
      bodyTimeout: 0, // the pump has its own idle timer, which event streams are exempt from
      servername: this.#serverName,
    };
    this.#pool.dispatch(dispatch, new Exchange(response, body, plan));
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

/** Sockets that read an answer which came before the end of the body. */
const patientConnector =
  (dial: Dial): buildConnector.connector =>
  (_target, callback) =>
    void dial().then(
      (socket) => callback(null, outliveLostWrites(socket)),
      (error: unknown) => callback(error instanceof Error ? error : new Error(typeof error), null),
    );

// The client's connection has its own error handling; without a listener a write that comes too late would end the process.
const ignoreError = (): void => undefined;

/** Never an orderly end: the client must be able to tell that the body is not whole. To HTTP/1.0 an end is the end of the body, a reset is not. */
function cutOff(response: ServerResponse): void {
  const { socket, httpVersionMinor } = response.req;
  if (httpVersionMinor === 0 && !('encrypted' in socket)) socket.resetAndDestroy();
  else response.destroy();
}

/** One exchange, called by undici as it goes on. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;
  readonly #body: RequestBody | null;
  readonly #plan: ForwardPlan;
  #controller: Dispatcher.DispatchController | undefined;
  #pump: ResponsePump | undefined;
  #ended = false;
  #isUndecided = false;
  #isWhole = false;
  #held: Buffer[] | undefined;
  #informational = 0;

  constructor(response: ServerResponse, body: RequestBody | null, plan: ForwardPlan) {
    this.#response = response;
    this.#body = body;
    this.#plan = plan;
    response.on('error', ignoreError);
    response.on('close', () => this.#clientClosed());
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // The client left while the request waited for a connection: the upstream must not see it.
    if (this.#ended) controller.abort(new ClientGone());
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: UpstreamHeaders): void {
    if (status < 200) return this.#countInformational();
    if (this.#response.headersSent) return this.#clientClosed(); // answered meanwhile, such as with 408
    const decision = this.#plan.onHead(status, headers);
    if (!(decision instanceof Promise)) return this.#begin(controller, status, headers, decision);
    // A HEAD, and an upstream that closes behind its answer, come to their end all the same: what comes then is kept.
    controller.pause();
    this.#isUndecided = true;
    void decision.then((it) => {
      if (this.#ended) return;
      this.#isUndecided = false;
      this.#begin(controller, status, headers, it);
      for (const chunk of this.#held ?? []) this.#pump?.write(chunk);
      this.#held = undefined;
      if (this.#isWhole) this.onResponseEnd();
      else controller.resume();
    });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isUndecided) (this.#held ??= []).push(chunk);
    else this.#pump?.write(chunk);
  }

  onResponseEnd(): void {
    if (this.#ended) return;
    if (this.#isUndecided) return void (this.#isWhole = true);
    this.#end('complete');
    this.#pump?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#ended) return;
    if (error instanceof ClientGone) return this.#end('client_gone');
    if (!this.#response.headersSent) return this.#fail(forwardFailure(undiciFault(error)), causeOf(error));
    this.#end('upstream_lost');
    cutOff(this.#response);
  }

  #begin(controller: Dispatcher.DispatchController, status: number, headers: UpstreamHeaders, head: HeadDecision): void {
    if (head.kind === 'refused') return this.#fail({ ...forwardFailure('protocol'), detail: head.detail }, 'head_refused');
    if (head.kind === 'discard') return this.#discard(controller);
    this.#response.writeHead(status, head.headers);
    this.#pump = new ResponsePump(this.#response, controller, this.#plan, isEventStream(headers));
  }

  #discard(controller: Dispatcher.DispatchController): void {
    this.#end('discarded');
    controller.abort(new Error('discarded'));
  }

  #clientClosed(): void {
    if (this.#ended) return;
    this.#end(this.#pump?.cut ?? 'client_gone');
    this.#controller?.abort(new ClientGone());
  }

  /** Interim answers are not passed on; a flood of them is no answer. */
  #countInformational(): void {
    if (++this.#informational > INFORMATIONAL_LIMIT) this.#fail(forwardFailure('protocol'), 'informational_flood');
  }

  #fail(failure: Failure, cause: string): void {
    this.#ended = true;
    this.#plan.onFailure(failure, cause);
    this.#controller?.abort(new Error('answered'));
    this.#body?.destroy();
    this.#plan.onEnd('failed');
  }

  #end(end: ForwardEnd): void {
    this.#ended = true;
    this.#pump?.stop();
    this.#body?.destroy();
    this.#plan.onEnd(end);
  }
}
