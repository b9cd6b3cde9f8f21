import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { forwardFailure } from '../proxy/forward-failure.ts';
import { LINGER_MS } from '../kernel/end-socket.ts';
import { hasBody } from '../proxy/forwarder.ts';
import { tellLost, type OnBodyLost } from './lost-body.ts';

/** Closes the connection of a request body that stands still (idle time, never a total), or that goes on too long after it was answered. */
export class BodyWatch {
  readonly #idleMs: number;
  readonly #onLost: OnBodyLost;
  readonly #lingerMs: number;
  readonly #lingering = new WeakSet<Duplex>();

  /** Milliseconds; `lingerMs`: how long the rest of a body that was answered already is thrown away, however steadily it comes. */
  constructor(idleMs: number, onLost: OnBodyLost, lingerMs = LINGER_MS) {
    this.#idleMs = idleMs;
    this.#onLost = onLost;
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
      if (!moved && !request.complete) tellLost(response, forwardFailure('client_silent'), this.#onLost);
    }, this.#idleMs).unref();
    request.on('close', () => clearInterval(timer));
    // Ahead of Node's own listener, which closes the connection behind a last answer.
    response.prependListener('finish', () => {
      if (!request.complete) this.#linger(request, timer);
    });
  }

  /** Whether what comes on a connection is the body of a request that has been answered. */
  isLingering(socket: Duplex): boolean {
    return this.#lingering.has(socket);
  }

  /** Answered while the client still sends: the rest is thrown away for a while. Node tells such a request nothing of its socket's end. */
  #linger(request: IncomingMessage, idle: NodeJS.Timeout): void {
    const { socket } = request;
    const close = socket.destroySoon.bind(socket);
    const timer = setTimeout(() => socket.destroy(), this.#lingerMs).unref();
    this.#lingering.add(socket);
    idle.refresh();
    // With this Node closes the connection behind a last answer. While bytes come in that is a reset, which loses the answer (RFC 9112 §9.6).
    socket.destroySoon = () => void socket.end();
    const end = (): void => {
      clearTimeout(timer);
      clearInterval(idle);
      socket.off('close', end);
    };
    socket.on('close', end);
    request.on('close', () => {
      end();
      this.#lingering.delete(socket);
      socket.destroySoon = close;
      if (socket.writableEnded) close();
    });
  }
}
