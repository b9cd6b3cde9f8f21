import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { framesOf, HANDSHAKE, switching, type SeenFrame } from './websocket-bytes.ts';

/** One end of a connection on a bare socket that never closes its own half by itself: bytes as told, frames as they come. */
export class RawEnd {
  readonly socket: Socket;
  /** The first line and the headers of what the other side said first. */
  head = '';
  /** The other side has closed its half. */
  hasEnded = false;
  /** The connection is over. */
  isClosed = false;
  #received: Buffer = Buffer.alloc(0);
  #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#changed(() => (this.#received = Buffer.concat([this.#received, chunk]))));
    socket.on('end', () => this.#changed(() => (this.hasEnded = true)));
    socket.on('error', () => undefined); // told by isClosed
    socket.on('close', () => this.#changed(() => (this.isClosed = true)));
  }

  /** What has come behind the head. */
  get received(): Buffer {
    return this.#received;
  }

  get frames(): readonly SeenFrame[] {
    return framesOf(this.#received).frames;
  }

  send(bytes: Buffer | string): this {
    this.socket.write(bytes);
    return this;
  }

  /** Resolves when this holds; rejects when the connection is over before. */
  async until(holds: (end: this) => boolean): Promise<this> {
    while (!holds(this)) {
      if (this.isClosed) throw new Error(`the connection is over after: ${this.head} ${this.#received.toString('latin1').slice(0, 300)}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this;
  }

  async closed(): Promise<this> {
    while (!this.isClosed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this;
  }

  /** Reads the head of the other side. */
  async readHead(): Promise<string> {
    await this.until(() => this.#received.includes('\r\n\r\n'));
    const end = this.#received.indexOf('\r\n\r\n') + 4;
    this.head = this.#received.subarray(0, end).toString('latin1');
    this.#received = this.#received.subarray(end);
    return this.head;
  }

  #changed(change: () => void): void {
    change();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

/** For `until`: the other side has closed its half, or the connection is over. */
export const isOver = ({ hasEnded, isClosed }: RawEnd): boolean => hasEnded || isClosed;

/** Lets the event loop turn until this holds; throws when it never does. For what no event tells of. */
export async function turnsUntil(holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    if (turns > 20_000) throw new Error(`it never held: ${String(holds)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A client that has sent its handshake; `early` follows in the same packet. */
export async function rawClient(port: number, early: Buffer = Buffer.alloc(0)): Promise<RawEnd> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect');
  return new RawEnd(socket).send(Buffer.concat([Buffer.from(HANDSHAKE), early]));
}

/** An upstream on bare sockets. */
export class RawWebSocketUpstream {
  readonly ends: RawEnd[] = [];
  readonly #server: Server;
  #waiting: (() => void)[] = [];

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.ends.push(new RawEnd(socket));
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const wake of waiting) wake();
    });
  }

  static async start(): Promise<RawWebSocketUpstream> {
    const upstream = new RawWebSocketUpstream();
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open now. */
  get open(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
    );
  }

  /** The connection number `at` with its request head read. */
  async handshake(at = 0): Promise<RawEnd> {
    for (;;) {
      const end = this.ends[at];
      if (end !== undefined) {
        if (end.head === '') await end.readHead();
        return end;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The same, answered with a 101; `behind` follows in the same packet. */
  async accept(at = 0, behind: Buffer = Buffer.alloc(0)): Promise<RawEnd> {
    const end = await this.handshake(at);
    return end.send(Buffer.concat([Buffer.from(switching(end.head)), behind]));
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const { socket } of this.ends) socket.destroy();
    await closed;
  }
}
