import type { Socket } from 'node:net';
import { bodyOf, chunked, LAST_CHUNK } from './bodies.ts';

/** One exchange from the upstream's side: what an act has to work with. */
export class Talk {
  readonly id: string;
  /** Resolves when the request's body is whole (`true`) or never will be. */
  readonly whole: Promise<boolean>;
  /** Resolves when the upstream lets go. */
  readonly released: Promise<void>;
  /** The act has been played. */
  isOver = false;
  /** Its answer was whole before its request: another request may come on the connection. */
  isAnswered = false;
  bodyEnded: (whole: boolean) => void = () => undefined;
  readonly #socket: Socket;

  constructor(socket: Socket, id: string, released: Promise<void>) {
    this.#socket = socket;
    this.id = id;
    this.released = released;
    this.whole = new Promise((resolve) => (this.bodyEnded = resolve));
  }

  write(bytes: string): void {
    if (this.#socket.writable) this.#socket.write(bytes, 'latin1');
  }

  /** The whole answer, before the request is: the rest of that and the next request may come in one piece. */
  answerEarly(bytes: string): void {
    this.write(bytes);
    this.isAnswered = true;
  }

  /** One byte at a time, each in a packet of its own as far as one can tell. */
  async trickle(bytes: string): Promise<void> {
    for (const byte of bytes) {
      this.write(byte);
      await this.pass();
    }
  }

  /** Lets everybody else go on. */
  pass(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** The answer that belongs to this request. */
  body(size: number): string {
    return bodyOf(this.id, '|', size);
  }

  head(...lines: string[]): string {
    return `${['HTTP/1.1 200 OK', `X-Id: ${this.id}`, ...lines].join('\r\n')}\r\n\r\n`;
  }

  /** Whole, with its length. */
  answer(size: number): string {
    return this.head(`Content-Length: ${String(size)}`) + this.body(size);
  }

  /** Whole, in chunks of at most `most` bytes. */
  chunks(size: number, most: number): string {
    return this.head('Transfer-Encoding: chunked') + chunked(this.body(size), most) + LAST_CHUNK;
  }

  fin(): void {
    this.#socket.end();
  }

  rst(): void {
    this.#socket.resetAndDestroy();
  }

  /** Takes no further byte of the request. */
  stopReading(): void {
    this.#socket.pause();
  }

  readAgain(): void {
    this.#socket.resume();
  }
}
