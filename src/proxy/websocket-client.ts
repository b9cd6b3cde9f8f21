import type { Socket } from 'node:net';

const MOST_EARLY_BYTES = 64 * 1024;

/**
 * The client while it waits for the answer to its handshake. It is read from all the time, because that is how one learns that it
 * has left; what it says too early is kept for the tunnel, and never goes upstream before that is one.
 */
export class WaitingClient {
  readonly socket: Socket;
  readonly #onGone: () => void;
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #keeps = true;

  constructor(socket: Socket, onGone: () => void) {
    this.socket = socket;
    this.#onGone = onGone;
    // The server's timeout is about requests. It would fire all through the life of a tunnel, for nobody.
    socket.setTimeout(0);
    socket.on('error', ignoreError);
    socket.on('data', this.#take);
    socket.on('end', onGone);
    socket.on('close', onGone);
  }

  /** No tunnel will come: what the client says is thrown away, but its leaving is still noticed. */
  ignore(): void {
    this.#keeps = false;
    this.#early = [];
    this.socket.resume();
  }

  /** Hands the socket over, paused, with what was said too early. */
  release(): readonly Buffer[] {
    const early = this.#early;
    this.#early = [];
    this.socket.off('data', this.#take);
    this.socket.off('end', this.#onGone);
    this.socket.off('close', this.#onGone);
    this.socket.pause();
    return early;
  }

  /** Hands the socket over as it was: whoever reads it next finds those bytes in it. */
  restore(): void {
    const early = this.release();
    if (early.length > 0 && !this.socket.destroyed && !this.socket.readableEnded) this.socket.unshift(Buffer.concat(early));
  }

  readonly #take = (chunk: Buffer): void => {
    if (!this.#keeps) return;
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes >= MOST_EARLY_BYTES) this.socket.pause();
  };
}

// Whoever has a socket learns of its end by 'close'; without a listener an error would end the process.
const ignoreError = (): void => undefined;
