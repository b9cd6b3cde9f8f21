import type { IncomingMessage, ServerResponse } from 'node:http';
import { hasBody } from '../proxy/forwarder.ts';

const LINGER_MS = 30_000;

/** Closes the connection of a request body that stands still, or that goes on too long after it was answered. Idle time only, never a total. */
export class BodyWatch {
  readonly #idleMs: number;
  readonly #onIdle: (request: IncomingMessage, response: ServerResponse) => void;
  readonly #lingerMs: number;

  /** Milliseconds; `lingerMs`: how long the rest of a body that was answered already is thrown away, however steadily it comes. */
  constructor(idleMs: number, onIdle: (request: IncomingMessage, response: ServerResponse) => void, lingerMs = LINGER_MS) {
    this.#idleMs = idleMs;
    this.#onIdle = onIdle;
    this.#lingerMs = lingerMs;
  }

  begin(request: IncomingMessage, response: ServerResponse): void {
    if (!hasBody(request)) return;
    const { socket } = request;
    let seen = socket.bytesRead;
    const timer = setInterval(() => {
      // Bytes that wait for their reader are the reader's pause, not the client's.
      const moved = socket.bytesRead !== seen || request.readableLength > 0;
      seen = socket.bytesRead;
      if (!moved && !request.complete) this.#expire(request, response);
    }, this.#idleMs).unref();
    const stop = (): void => clearInterval(timer);
    request.on('close', stop);
    response.on('finish', () => {
      if (!request.complete) this.#linger(request, stop);
    });
  }

  /** Answered while the client still sends: the rest is thrown away for a while. Node tells such a request nothing of its socket's end. */
  #linger(request: IncomingMessage, stop: () => void): void {
    const { socket } = request;
    const timer = setTimeout(() => socket.destroy(), this.#lingerMs).unref();
    const end = (): void => {
      clearTimeout(timer);
      stop();
      socket.off('close', end);
    };
    request.on('close', end);
    socket.on('close', end);
  }

  #expire(request: IncomingMessage, response: ServerResponse): void {
    if (response.headersSent) return void request.socket.destroy();
    response.shouldKeepAlive = false;
    this.#onIdle(request, response);
    response.on('finish', () => request.socket.destroySoon());
  }
}
