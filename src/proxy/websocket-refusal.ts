import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ForwardEnd, ForwardPlan } from './forwarder.ts';
import { ResponsePump } from './response-pump.ts';

/**
 * Carries an answer that is no 101 to the client, whose connection is closed after it. `onOver` is called once, with how it ended.
 * The head has been written.
 */
export class WebSocketRefusal {
  readonly #answer: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #client: Socket;
  readonly #plan: ForwardPlan;
  readonly #pump: ResponsePump;
  readonly #onOver: (end: ForwardEnd) => void;
  #isOver = false;

  constructor(answer: IncomingMessage, response: ServerResponse, client: Socket, plan: ForwardPlan, onOver: (end: ForwardEnd) => void) {
    this.#answer = answer;
    this.#response = response;
    this.#client = client;
    this.#plan = plan;
    this.#onOver = onOver;
    this.#pump = new ResponsePump(response, answer, plan, answer.headers);
  }

  start(): void {
    this.#client.on('drain', this.#drained);
    this.#response.on('close', this.#clientClosed);
    this.#answer.on('data', (chunk: Buffer) => this.#pump.write(chunk));
    this.#answer.on('end', () => this.#whole());
    this.#answer.on('error', ignoreError); // 'close' follows
    this.#answer.on('close', () => this.#upstreamLost());
  }

  /** The client has left. */
  abandon(): void {
    this.#finish(this.#pump.cut ?? 'client_gone');
    this.#response.destroy();
  }

  #whole(): void {
    if (!this.#answer.complete || this.#isOver) return;
    this.#finish('complete');
    this.#pump.end();
    // The last bytes may still wait for a client that does not read, and the server no longer looks after this socket.
    this.#client.setTimeout(this.#plan.idleTimeout, () => this.#client.destroy());
  }

  #upstreamLost(): void {
    if (this.#isOver) return;
    this.#finish('upstream_lost');
    this.#response.destroy(); // never an orderly end: the client must be able to tell that the body is not whole
  }

  #finish(end: ForwardEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pump.stop();
    this.#client.off('drain', this.#drained);
    this.#response.off('close', this.#clientClosed);
    this.#answer.destroy();
    this.#onOver(end);
  }

  readonly #clientClosed = (): void => this.abandon();

  // Node's server, which tells a response that its socket has drained, has let go of this one.
  readonly #drained = (): void => void this.#response.emit('drain');
}

const ignoreError = (): void => undefined;
