import type { Socket } from 'node:net';
import { Client, type buildConnector, type Dispatcher } from 'undici';
import type { Dial } from './dial.ts';
import { outliveLostWrites } from './patient-socket.ts';

/** The connection that one of a pool's clients has now. */
export class Line {
  #socket: Socket | undefined;
  #requests = 0;

  /** Bytes that have come in on it. */
  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  connected(socket: Socket): void {
    this.#socket = socket;
    this.#requests = 0;
  }

  /** A request goes out on it; `true`: not the first. */
  use(): boolean {
    return this.#requests++ > 0;
  }
}

/** An exchange that is told on which line it goes out. undici itself says nothing of that. */
export interface LineUser extends Dispatcher.DispatchHandler {
  line?: Line | undefined;
}

/** One of a pool's clients: a connection, and the next one after that is gone. */
export class UndiciLane extends Client {
  readonly #line: Line;

  constructor(origin: URL, settings: object, dial: Dial) {
    const line = new Line();
    super(origin, { ...settings, connect: connectorOf(dial, line) });
    this.#line = line;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: LineUser): boolean {
    handler.line = this.#line;
    return super.dispatch(options, handler);
  }
}

/** Sockets that read an answer which came before the end of the body. */
export const connectorOf =
  (dial: Dial, line?: Line): buildConnector.connector =>
  (_target, callback) =>
    void dial().then(
      (socket) => {
        line?.connected(socket);
        callback(null, outliveLostWrites(socket));
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(typeof error), null),
    );
