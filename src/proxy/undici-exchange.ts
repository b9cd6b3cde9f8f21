import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { cutOff } from '../kernel/cut-off.ts';
import { causeOf } from '../kernel/error-code.ts';
import type { Failure } from '../kernel/errors.ts';
import type { PassedBytes } from '../kernel/passed-bytes.ts';
import { forwardFailure } from './forward-failure.ts';
import { INTERIM_LIMIT, type ForwardEnd, type ForwardPlan, type HeadDecision } from './forwarder.ts';
import { passInterim } from './interim-answer.ts';
import { ClientGone, type RequestBody } from './request-body.ts';
import type { UpstreamHeaders } from './response-head.ts';
import { ResponsePump } from './response-pump.ts';
import { undiciFault } from './undici-fault.ts';
import type { UndiciLane } from './undici-lane.ts';
import type { LaneUser, UndiciLanes } from './undici-lanes.ts';
import { UploadWatch } from './upload-watch.ts';

// The client's connection has its own error handling; without a listener a write that comes too late would end the process.
const ignoreError = (): void => undefined;

/** Methods that do no more when a server sees them twice (RFC 9110 §9.2.2, RFC 10008). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY']);

/** One exchange, called by undici as it goes on. */
export class UndiciExchange implements LaneUser, Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;
  readonly #body: RequestBody | null;
  readonly #plan: ForwardPlan;
  readonly #lanes: UndiciLanes;
  readonly #passed: Pick<PassedBytes, 'add'>;
  readonly #upload: UploadWatch | undefined;
  #lane: UndiciLane | undefined;
  #isSecond = false;
  /** Of a used connection whose loss before the next byte is worth another attempt: what had been read from it before. */
  #readBefore: number | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #pump: ResponsePump | undefined;
  #ended = false;
  #isUndecided = false;
  #isWhole = false;
  #held: Buffer[] | undefined;
  #interims = 0;

  constructor(response: ServerResponse, body: RequestBody | null, plan: ForwardPlan, lanes: UndiciLanes, passed: Pick<PassedBytes, 'add'>) {
    this.#response = response;
    this.#body = body;
    this.#plan = plan;
    this.#lanes = lanes;
    this.#passed = passed;
    if (body !== null) this.#upload = new UploadWatch(body, plan, (error) => this.#controller?.abort(error));
    response.on('error', ignoreError).on('close', this.#clientClosed);
  }

  /** `false`: the client left while the request waited for its turn. */
  begin(lane: UndiciLane): boolean {
    if (this.#ended) return false;
    this.#lane = lane;
    lane.send(this.#plan, this.#body, this);
    return true;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // The client left while the connection was made: the upstream must not see the request.
    if (this.#ended) return controller.abort(new ClientGone());
    const isReused = this.#lane?.countRequest() === true;
    if (isReused && this.#body === null && IDEMPOTENT.has(this.#plan.method)) this.#readBefore = this.#lane?.bytesRead;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: UpstreamHeaders): void {
    if (status < 200) return this.#interim(status, headers);
    if (this.#response.headersSent) return this.#clientClosed(); // answered meanwhile, such as with 408
    const decision = this.#plan.onHead(status, headers);
    if (!(decision instanceof Promise)) return this.#beginAnswer(controller, status, headers, decision);
    // A HEAD, and an upstream that closes behind its answer, come to their end all the same: what comes then is kept.
    controller.pause();
    this.#isUndecided = true;
    decision.then((it) => this.#decided(controller, status, headers, it)).catch(() => this.#unwritable(controller));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#passed.add(chunk.length);
    if (this.#isUndecided) (this.#held ??= []).push(chunk);
    else this.#pump?.write(chunk);
  }

  onResponseEnd(): void {
    const lane = this.#lane;
    this.#lane = undefined;
    if (lane !== undefined) this.#lanes.give(lane);
    if (this.#ended) return;
    if (this.#isUndecided) return void (this.#isWhole = true);
    this.#end('complete');
    this.#pump?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const lane = this.#lane;
    this.#lane = undefined;
    if (lane !== undefined) this.#lanes.drop(lane);
    if (this.#ended) return;
    if (error instanceof ClientGone) return this.#end('client_gone');
    if (lane !== undefined && this.#mayGoAgain(lane, error)) return this.#tryAgain();
    if (this.#pump === undefined && this.#response.headersSent) return this.#clientClosed(); // answered meanwhile, such as with 408
    if (this.#pump === undefined) return this.#fail(forwardFailure(undiciFault(error)), causeOf(error));
    this.#end('upstream_lost');
    cutOff(this.#response);
  }

  #decided(controller: Dispatcher.DispatchController, status: number, headers: UpstreamHeaders, head: HeadDecision): void {
    if (this.#ended) return;
    this.#isUndecided = false;
    this.#beginAnswer(controller, status, headers, head);
    for (const chunk of this.#held ?? []) this.#pump?.write(chunk);
    this.#held = undefined;
    if (this.#isWhole) this.onResponseEnd();
    else if (this.#pump?.isPaused !== true) controller.resume();
  }

  #beginAnswer(controller: Dispatcher.DispatchController, status: number, headers: UpstreamHeaders, head: HeadDecision): void {
    if (head.kind === 'refused') return this.#fail({ ...forwardFailure('protocol'), detail: head.detail }, 'head_refused');
    if (head.kind === 'discard') return this.#discard(controller);
    this.#response.writeHead(status, head.headers);
    const pump = new ResponsePump(this.#response, controller, this.#plan, headers);
    this.#pump = pump;
    if (this.#body === null) return;
    this.#upload?.stop();
    this.#body.onMoved = () => pump.refresh();
  }

  /** An end like any other, not one of the process. The upstream's answer may have come to its end meanwhile. */
  #unwritable(controller: Dispatcher.DispatchController): void {
    if (!this.#ended && !this.#response.headersSent) this.#fail(forwardFailure('internal'), 'head');
    else controller.abort(new Error('head'));
  }

  #discard(controller: Dispatcher.DispatchController): void {
    // Another exchange may follow with the same response.
    this.#response.off('error', ignoreError).off('close', this.#clientClosed);
    this.#end('discarded');
    controller.abort(new Error('discarded'));
  }

  readonly #clientClosed = (): void => {
    if (this.#ended) return;
    this.#end(this.#pump?.cut ?? 'client_gone');
    this.#controller?.abort(new ClientGone());
  };

  /** The upstream had closed a kept connection, or did so without a word about this request. */
  #mayGoAgain(lane: UndiciLane, error: Error): boolean {
    if (this.#isSecond || undiciFault(error) !== 'unreachable') return false;
    // undici lets one turn pass before it uses an idle connection again. When that is reset meanwhile, it fails what waits for it, of
    // which not a byte has gone out: any request may be sent then, its body is still whole.
    const wasNeverSent = this.#controller === undefined && lane.isMade;
    return wasNeverSent || (this.#readBefore !== undefined && this.#readBefore === lane.bytesRead);
  }

  #tryAgain(): void {
    this.#isSecond = true;
    this.#readBefore = this.#controller = undefined;
    this.#lanes.takeNew(this);
  }

  #interim(status: number, headers: UpstreamHeaders): void {
    if (++this.#interims > INTERIM_LIMIT) this.#fail(forwardFailure('protocol'), 'interim_flood');
    else passInterim(this.#response, status, headers);
    this.#upload?.refresh();
  }

  #fail(failure: Failure, cause: string): void {
    this.#ended = true;
    this.#upload?.stop();
    if (failure.code === 'request_timeout') this.#response.shouldKeepAlive = false; // the rest may still come, or never
    this.#plan.onFailure(failure, cause);
    this.#controller?.abort(new Error('answered'));
    this.#body?.destroy();
    this.#plan.onEnd('failed');
  }

  #end(end: ForwardEnd): void {
    this.#ended = true;
    this.#upload?.stop();
    this.#pump?.stop();
    this.#body?.destroy();
    this.#plan.onEnd(end);
  }
}
