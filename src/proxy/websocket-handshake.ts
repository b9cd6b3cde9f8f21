import { request, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Timer } from '../kernel/timer.ts';
import type { Dial } from './dial.ts';
import { forwardFailure } from './forward-failure.ts';
import { INTERIM_LIMIT, RESPONSE_HEAD_BYTES, type ForwardEnd, type ForwardPlan, type HeadDecision } from './forwarder.ts';
import type { ResponseHead, UpstreamHeaders } from './response-head.ts';
import { WaitingClient } from './websocket-client.ts';
import { handshakeFault, unsentFault, type HandshakeFault } from './websocket-fault.ts';
import { WebSocketRefusal } from './websocket-refusal.ts';
import { isWebSocketSwitch, soleHeader, switchHead } from './websocket-switch.ts';

export interface HandshakeOptions {
  readonly dial: Dial;
  readonly authority: string;
  readonly timer: Timer;
}

/** Two sockets that have become a WebSocket, with the bytes that each side has sent already. */
export interface OpenWebSocket {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly fromClient: readonly Buffer[];
  readonly fromUpstream: Buffer;
}

/** The upstream's answer: `head` is what came behind a 101. */
interface Answer {
  readonly message: IncomingMessage;
  readonly switched?: { readonly socket: Socket; readonly head: Buffer };
}

/** One handshake: a single attempt to the upstream, until it has become a WebSocket or an ordinary answer has been given. */
export class WebSocketHandshake {
  readonly #response: ServerResponse;
  readonly #plan: ForwardPlan;
  readonly #options: HandshakeOptions;
  readonly #client: WaitingClient;
  readonly #onSettled: (open: OpenWebSocket | undefined) => void;
  #upstream: Socket | undefined;
  #refusal: WebSocketRefusal | undefined;
  #cancelTimer: () => void = () => undefined;
  #interims = 0;
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
    this.#options.dial().then(
      (socket) => this.#dialled(socket),
      (error: unknown) => this.#fail(handshakeFault(error)),
    );
  }

  #dialled(socket: Socket): void {
    socket.on('error', ignoreError);
    if (this.#isOver) return void socket.destroy();
    this.#upstream = socket;
    this.#cancelTimer = this.#options.timer.after(this.#plan.headersTimeout, () =>
      this.#fail({ fault: 'timeout', cause: 'headers_timeout' }),
    );
    try {
      this.#send(socket).end();
    } catch (error) {
      this.#fail(unsentFault(error));
    }
  }

  #send(socket: Socket): ClientRequest {
    const { path, headers } = this.#plan;
    const host = headers.some((it, at) => at % 2 === 0 && it.toLowerCase() === 'host') ? [] : ['host', this.#options.authority];
    const upgrade = ['connection', 'Upgrade', 'upgrade', 'websocket'];
    const sent = request({
      createConnection: () => socket,
      method: 'GET',
      path,
      headers: [...host, ...headers, ...upgrade],
      maxHeaderSize: RESPONSE_HEAD_BYTES,
      insecureHTTPParser: false,
    });
    sent.on('error', (error) => this.#fail(handshakeFault(error)));
    sent.on('information', ({ statusCode }) => this.#countInformational(statusCode));
    sent.on('upgrade', (message, upgraded: Socket, head) => this.#answered({ message, switched: { socket: upgraded, head } }));
    sent.on('response', (message) => this.#answered({ message }));
    return sent;
  }

  /** Interim answers are not passed on. A flood of them is no answer, and nobody has asked for a 100. */
  #countInformational(status: number): void {
    if (status === 100 || ++this.#interims > INTERIM_LIMIT) this.#fail({ fault: 'protocol', cause: 'informational' });
  }

  #answered(answer: Answer): void {
    answer.message.on('error', ignoreError);
    if (this.#isOver) return;
    this.#cancelTimer();
    const { statusCode: status = 0, headersDistinct } = answer.message;
    const headers = upstreamHeaders(headersDistinct);
    // A 101 that does not name its protocol comes as an ordinary response.
    if ((status === 101 || answer.switched !== undefined) && !this.#isSwitch(answer, headers)) {
      return this.#fail({ fault: 'protocol', cause: 'no_websocket' });
    }
    const decision = this.#plan.onHead(status, headers);
    if (!(decision instanceof Promise)) return this.#decided(answer, decision);
    void decision.then((it) => this.#decided(answer, it));
  }

  #isSwitch({ message, switched }: Answer, headers: UpstreamHeaders): boolean {
    const key = soleHeader(this.#plan.headers, 'sec-websocket-key');
    return switched !== undefined && message.statusCode === 101 && isWebSocketSwitch(headers, key);
  }

  #decided(answer: Answer, decision: HeadDecision): void {
    if (this.#isOver) return;
    if (decision.kind === 'refused') return this.#fail({ fault: 'protocol', cause: 'head_refused' }, decision);
    if (decision.kind === 'discard') return this.#end('discarded');
    if (answer.switched !== undefined) return this.#open(answer.switched.socket, answer.switched.head, decision.headers);
    this.#response.writeHead(answer.message.statusCode ?? 0, decision.headers);
    this.#client.ignore();
    this.#refusal = new WebSocketRefusal(answer.message, this.#response, this.#client.socket, this.#plan, (end) => this.#end(end));
    this.#refusal.start();
  }

  #open(upstream: Socket, head: Buffer, headers: readonly string[]): void {
    // Lost while the head was decided, when nobody listened.
    if (upstream.destroyed) return this.#fail({ fault: 'unreachable', cause: 'lost' });
    let bytes: Buffer;
    try {
      bytes = switchHead(headers);
    } catch (error) {
      return this.#fail(unsentFault(error));
    }
    this.#isOver = true;
    const client = this.#client.socket;
    const early = this.#client.release();
    this.#response.detachSocket(client);
    upstream.setNoDelay(true);
    client.write(bytes);
    const fromClient = this.#plan.early === undefined || this.#plan.early.length === 0 ? early : [this.#plan.early, ...early];
    this.#onSettled({ client, upstream, fromClient, fromUpstream: head });
  }

  #clientGone(): void {
    if (this.#isOver) return;
    if (this.#refusal !== undefined) return this.#refusal.abandon();
    this.#end('client_gone');
    this.#client.socket.destroy();
  }

  #fail({ fault, cause }: HandshakeFault, refused?: ResponseHead & { kind: 'refused' }): void {
    if (this.#isOver || this.#refusal !== undefined) return;
    this.#release();
    const failure = forwardFailure(fault);
    this.#plan.onFailure(refused === undefined ? failure : { ...failure, detail: refused.detail }, cause);
    this.#plan.onEnd('failed');
    this.#onSettled(undefined);
  }

  #end(end: ForwardEnd): void {
    this.#release();
    // After a `discarded` the owner may begin anew, with the same client.
    this.#plan.onEnd(end);
    this.#onSettled(undefined);
  }

  #release(): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#client.restore();
    this.#upstream?.destroy();
  }
}

/** A name that came once has a string, one that came more often a list, as from undici. */
function upstreamHeaders(distinct: NodeJS.Dict<string[]>): UpstreamHeaders {
  const headers: Record<string, string | string[] | undefined> = { ...distinct };
  for (const [name, values] of Object.entries(distinct)) if (values?.length === 1) headers[name] = values[0];
  return headers;
}

const ignoreError = (): void => undefined;
