import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { causeOf } from '../kernel/error-code.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Timer } from '../kernel/timer.ts';
import type { Dial } from './dial.ts';
import { forwardFailure } from './forward-failure.ts';
import type { ForwardEnd, ForwardPlan, HeadDecision, LivePlan } from './forwarder.ts';
import type { ResponseHead } from './response-head.ts';
import { WaitingClient } from './websocket-client.ts';
import { handshakeFault, ownFault, type HandshakeFault } from './websocket-fault.ts';
import { WebSocketRefusal } from './websocket-refusal.ts';
import { sendHandshake, type HandshakeAnswer, type HandshakeListener } from './websocket-request.ts';
import { checkHeaders, switchHead } from './websocket-switch.ts';

export interface HandshakeOptions {
  readonly dial: Dial;
  readonly authority: string;
  readonly timer: Timer;
  readonly logger: Logger;
}

/** Two sockets that have become a WebSocket, with the bytes that each side has sent already. */
export interface OpenWebSocket {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly plan: LivePlan;
  readonly fromClient: readonly Buffer[];
  readonly fromUpstream: Buffer;
}

/**
 * One handshake: a single attempt to the upstream, until it has become a WebSocket or an ordinary answer has been given. It is called
 * by events, timers and promises, out of which an error would end the process: an unexpected one ends the handshake instead.
 */
export class WebSocketHandshake implements HandshakeListener {
  readonly #response: ServerResponse;
  readonly #plan: ForwardPlan;
  readonly #options: HandshakeOptions;
  readonly #client: WaitingClient;
  readonly #onSettled: (open: OpenWebSocket | undefined) => void;
  #upstream: Socket | undefined;
  #refusal: WebSocketRefusal | undefined;
  #cancelTimer: () => void = () => undefined;
  #isOver = false;

  /** `onSettled` is called once: with what is open now and its callee's, or with nothing after the plan's `onEnd`. */
  constructor(
    client: Socket,
    response: ServerResponse,
    plan: ForwardPlan,
    options: HandshakeOptions,
    onSettled: (open: OpenWebSocket | undefined) => void,
  ) {
    this.#response = response;
    this.#plan = plan;
    this.#options = options;
    this.#onSettled = onSettled;
    this.#client = new WaitingClient(client, () => this.#clientGone());
  }

  start(): void {
    this.#response.on('error', ignoreError);
    this.#guard(() => {
      this.#options.dial().then(
        (socket) => this.#guard(() => this.#dialled(socket)),
        (error: unknown) => this.failed(handshakeFault(error)),
      );
    });
  }

  answered(answer: HandshakeAnswer): void {
    if (this.#isOver) return;
    this.#cancelTimer();
    this.#guard(() => {
      const decision = this.#plan.onHead(answer.status, answer.headers);
      if (!(decision instanceof Promise)) return this.#decided(answer, decision);
      decision.then(
        (it) => this.#guard(() => this.#decided(answer, it)),
        (error: unknown) => this.failed(ownFault(error)),
      );
    });
  }

  failed({ fault, cause }: HandshakeFault, refused?: ResponseHead & { kind: 'refused' }): void {
    if (this.#isOver || this.#refusal !== undefined) return;
    const failure = forwardFailure(fault);
    this.#settle('failed', () => this.#plan.onFailure(refused === undefined ? failure : { ...failure, detail: refused.detail }, cause));
  }

  #dialled(socket: Socket): void {
    socket.on('error', ignoreError);
    if (this.#isOver) return void socket.destroy();
    this.#upstream = socket;
    const { timer, authority } = this.#options;
    this.#cancelTimer = timer.after(this.#plan.headersTimeout, () => this.failed({ fault: 'timeout', cause: 'headers_timeout' }));
    sendHandshake(socket, this.#plan, authority, this);
  }

  #decided(answer: HandshakeAnswer, decision: HeadDecision): void {
    if (this.#isOver) return;
    if (decision.kind === 'refused') return this.failed({ fault: 'protocol', cause: 'head_refused' }, decision);
    // The owner may begin anew, with the same client.
    if (decision.kind === 'discard') return this.#settle('discarded');
    if (answer.switched !== undefined) return this.#open(answer.switched.socket, answer.switched.head, decision.headers);
    checkHeaders(decision.headers); // beforehand: a writeHead that throws leaves a response that takes no body any more
    this.#response.writeHead(answer.status, decision.headers);
    this.#client.ignore();
    this.#refusal = new WebSocketRefusal(answer.message, this.#response, this.#client.socket, this.#plan, (end) => this.#settle(end));
    this.#refusal.start();
  }

  #open(upstream: Socket, head: Buffer, headers: readonly string[]): void {
    // Lost while the head was decided, when nobody listened.
    if (upstream.destroyed) return this.failed({ fault: 'unreachable', cause: 'lost' });
    const bytes = switchHead(headers);
    const plan = this.#plan.switched?.() ?? this.#plan;
    this.#isOver = true;
    const client = this.#client.socket;
    const fromClient = this.#client.release();
    this.#response.detachSocket(client);
    upstream.setNoDelay(true);
    client.write(bytes);
    this.#onSettled({ client, upstream, plan, fromClient, fromUpstream: head });
  }

  #clientGone(): void {
    if (this.#isOver) return;
    if (this.#refusal !== undefined) return this.#refusal.abandon();
    this.#settle('client_gone');
    this.#client.socket.destroy();
  }

  /** The owner is told last, and whatever that comes to: nothing stays open, and no place taken. */
  #settle(end: ForwardEnd, answer?: () => void): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#client.restore();
    this.#upstream?.destroy();
    if (answer !== undefined) this.#guard(answer);
    this.#guard(() => this.#plan.onEnd(end));
    this.#onSettled(undefined);
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!this.#isOver && this.#refusal === undefined) return this.failed(ownFault(error));
      this.#options.logger.error('websocket_error', { error: causeOf(error) });
      // No answer can be given any more.
      this.#client.socket.destroy();
      this.#upstream?.destroy();
    }
  }
}

const ignoreError = (): void => undefined;
