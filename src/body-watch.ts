import type { IncomingMessage, ServerResponse } from 'node:http';
import { hasBody } from './proxy/forwarder.ts';

const LINGER_MS = 30_000;

/** Closes the connection of a request body that stands still, or that goes on too long after it was answered. Idle time only, never a total. */
export class BodyWatch {
  readonly #idleMs: number;
  readonly #onIdle: (request: IncomingMessage, response: ServerResponse) => void;

  constructor(idleMs: number, onIdle: (request: IncomingMessage, response: ServerResponse) => void) {
    this.#idleMs = idleMs;
    this.#onIdle = onIdle;
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
    }, this.#idleMs);
    let linger: NodeJS.Timeout | undefined;
    response.on('finish', () => {
      if (!request.complete) linger = setTimeout(() => socket.destroy(), LINGER_MS);
    });
    request.on('close', () => {
      clearInterval(timer);
      clearTimeout(linger);
    });
  }

  #expire(request: IncomingMessage, response: ServerResponse): void {
    if (response.headersSent) return void request.socket.destroy();
    this.#onIdle(request, response);
    response.on('finish', () => request.socket.destroySoon());
  }
}
