import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { Client, type Dispatcher } from 'undici';
import type { Dial } from './dial.ts';
import type { ForwardPlan } from './forwarder.ts';
import { outliveLostWrites } from './patient-socket.ts';

/** What every lane of one upstream is made from. */
export interface LaneOptions {
  readonly origin: string;
  readonly dial: Dial;
  /** Bytes of a response head. */
  readonly maxHeaderSize: number;
}

const KEEP_ALIVE_MS = 4_000; // below the 5 s of a Node upstream, so that it is us who close an idle socket

/** One connection upstream at a time, and the next one after that is gone. Its user keeps to one request at a time. */
export class UndiciLane {
  readonly #client: Client;
  readonly #serverName: string | undefined;
  #socket: Socket | undefined;
  #requests = 0;

  /** `onDisconnected` is told of every end of a connection. */
  constructor({ origin, dial, maxHeaderSize }: LaneOptions, onDisconnected: (lane: UndiciLane) => void) {
    const { protocol, hostname } = new URL(origin);
    // Whatever the Host is: a connection is not given up for the next request's.
    this.#serverName = protocol === 'https:' ? hostname : undefined;
    this.#client = new Client(origin, {
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize,
      connect: (_target, callback) => {
        this.#socket = undefined;
        dial().then(
          (socket) => {
            this.#socket = socket;
            this.#requests = 0;
            socket.once('close', () => onDisconnected(this));
            callback(null, outliveLostWrites(socket));
          },
          (error: unknown) => callback(error instanceof Error ? error : new Error(typeof error), null),
        );
      },
    });
  }

  /** A connection was made since the last time that one was asked for. */
  get isMade(): boolean {
    return this.#socket !== undefined;
  }

  /** Bytes that have come in on the connection. */
  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  send({ path, method, headers, headersTimeout }: ForwardPlan, body: Readable | null, handler: Dispatcher.DispatchHandler): void {
    // Bodies have timers of their own: undici's know neither event streams nor whose silence it is.
    const headLimit = body === null ? headersTimeout : 0;
    // The types do not know servername.
    const options = { path, method, headers, body, headersTimeout: headLimit, bodyTimeout: 0, servername: this.#serverName };
    this.#client.dispatch(options, handler);
  }

  /** A request goes out on the connection; `true`: not the first. */
  countRequest(): boolean {
    return this.#requests++ > 0;
  }

  /** Gives the connection up, whatever it does. */
  destroy(): Promise<void> {
    return this.#client.destroy();
  }
}
