import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { MessageReader, type Message } from './message-reader.ts';

/** Who watches a client. */
export interface Onlooker {
  /** Some bytes have gone out that may be a whole request. */
  sent(): void;
  /** The answer with this id is whole. */
  answered(id: string): void;
}

const nobody: Onlooker = { sent: () => undefined, answered: () => undefined };

/** A client on a bare socket. It never closes by itself: whoever plays it does, or the other side. */
export class ChaosClient {
  readonly #socket: Socket;
  readonly #onlooker: Onlooker;
  readonly #reader: MessageReader;
  #isOver = false;
  #waiting: (() => void)[] = [];

  private constructor(socket: Socket, onlooker: Onlooker) {
    this.#socket = socket;
    this.#onlooker = onlooker;
    this.#reader = new MessageReader(
      () => undefined,
      ({ headers }) => {
        const id = headers.get('x-id');
        if (id !== undefined) onlooker.answered(id);
      },
    );
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#changed(() => this.#reader.take(text)));
    socket.on('end', () => this.#changed(() => this.#ended()));
    socket.on('error', () => undefined); // told by `close`
    socket.on('close', () => this.#changed(() => (this.#isOver = true)));
  }

  static async open(port: number, onlooker = nobody): Promise<ChaosClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    await once(socket, 'connect');
    return new ChaosClient(socket, onlooker);
  }

  /** Every answer of this connection, in order. */
  get answers(): readonly Message[] {
    return this.#reader.messages;
  }

  /** The other side has closed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  send(bytes: string): void {
    this.#write(bytes);
    this.#onlooker.sent();
  }

  /** In pieces of so many bytes, with everybody else's turn in between. */
  async trickle(bytes: string, size: number): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#isOver; at += size) {
      this.#write(bytes.slice(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Reads so many times with a pause of some turns before each. */
  async readSlowly(turns: number): Promise<void> {
    for (let n = 0; n < turns && !this.#isOver; n++) {
      this.#socket.pause();
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      this.#socket.resume();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Resolves when it holds, or when the other side has closed. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#isOver) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The answer number `at` is whole, or never will be. */
  answered(at: number): Promise<void> {
    return this.until(() => this.answers[at]?.whole === true);
  }

  begun(at: number): Promise<void> {
    return this.until(() => this.answers[at] !== undefined);
  }

  over(): Promise<void> {
    return this.until(() => false);
  }

  fin(): void {
    this.#socket.end();
  }

  rst(): void {
    this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #write(bytes: string): void {
    if (!this.#isOver && this.#socket.writable) this.#socket.write(bytes, 'latin1');
  }

  #ended(): void {
    this.#reader.end();
    this.#isOver = true;
  }

  #changed(change: () => void): void {
    change();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
