import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { ACTS, type Act, type ActName } from './acts.ts';
import { bodyOf } from './bodies.ts';
import { MessageReader, type Message } from './message-reader.ts';
import { Talk } from './talk.ts';

/** `/<act>/<id>`, whatever stands in front. */
const TARGET = /^[A-Z]+ \S*\/([a-z0-9-]+)\/([a-z0-9]+) HTTP\/1\.1$/;

/** One connection as this side knows it. */
interface Connection {
  /** The last one. */
  talk: Talk | undefined;
  /** The client has the whole answer to it, so there is none of it left on the way. */
  isAnswered: boolean;
  /** Closed while it was idle: what still comes in on it is read by nobody. */
  isDropped: boolean;
}

/** An upstream on bare sockets that plays the act which each request names. It notes whatever should not have reached it. */
export class ChaosUpstream {
  /** How often the head of each request arrived, by id. */
  readonly hits = new Map<string, number>();
  /** Those of requests that came on a connection which had been dropped. They were not read, so they are no hits. */
  readonly late = new Set<string>();
  /** What no upstream should ever see. */
  readonly violations: string[] = [];
  /** Connections dropped so far. */
  dropped = 0;
  readonly #server: Server;
  readonly #connections = new Map<Socket, Connection>();
  #released: () => void = () => undefined;
  #gate: Promise<void> = Promise.resolve();

  private constructor() {
    // Half-open: this side closes when its act says so, and not because the other side has.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  static async start(): Promise<ChaosUpstream> {
    const upstream = new ChaosUpstream();
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get origin(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Connections that the other side has not closed yet. */
  get open(): number {
    return this.#connections.size;
  }

  /** Until the returned function is called, the act `held` waits. */
  hold(): () => void {
    this.#gate = new Promise((resolve) => (this.#released = resolve));
    return () => this.#released();
  }

  /** The whole answer to this request is with its client. */
  answered(id: string): void {
    for (const connection of this.#connections.values()) if (connection.talk?.id === id) connection.isAnswered = true;
  }

  /** After so many turns of the event loop it closes every idle connection, as a server does whose patience or life is over. */
  async dropIdle(how: 'fin' | 'rst', turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    for (const [socket, connection] of this.#connections) {
      // Behind an answer an end takes nothing with it, a reset might.
      if (connection.isDropped || !socket.writable || !(how === 'fin' ? connection.talk?.isOver : connection.isAnswered)) continue;
      connection.isDropped = true;
      this.dropped++;
      if (how === 'fin') socket.end();
      else socket.resetAndDestroy();
    }
  }

  /** What it noted of requests is of no more use. */
  forget(): void {
    this.hits.clear();
    this.late.clear();
    this.dropped = 0;
  }

  async close(): Promise<void> {
    this.#released();
    this.#server.close();
    for (const socket of this.#connections.keys()) socket.destroy();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    const connection: Connection = { talk: undefined, isAnswered: false, isDropped: false };
    this.#connections.set(socket, connection);
    const reader = new MessageReader(
      (message) => {
        connection.talk = this.#begin(socket, message, connection.talk);
        connection.isAnswered = false;
      },
      (message) => connection.talk?.bodyEnded(message.whole),
    );
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      if (connection.isDropped) return this.#tooLate(socket, text);
      reader.take(text);
      if (reader.rest.length > 0 && reader.current === undefined && !/^[A-Z]/.test(reader.rest))
        this.violations.push('bytes of no request');
    });
    socket.on('error', () => undefined); // resets are part of the play
    socket.on('end', () => connection.talk?.bodyEnded(false));
    // A side that never closes would keep its descriptor: what the other side has closed is no longer counted.
    socket.on('end', () => this.#connections.delete(socket) && setImmediate(() => socket.destroy()));
    socket.on('close', () => {
      connection.talk?.bodyEnded(false);
      this.#connections.delete(socket);
    });
  }

  /** Nobody is there to read it any more. */
  #tooLate(socket: Socket, text: string): void {
    const [, , id] = TARGET.exec(text.slice(0, text.indexOf('\r\n'))) ?? [];
    if (id !== undefined) this.late.add(id);
    socket.destroy();
  }

  #begin(socket: Socket, message: Message, before: Talk | undefined): Talk {
    const [, name = '', id = ''] = TARGET.exec(message.start) ?? [];
    if (before?.isOver === false && !before.isAnswered) this.violations.push(`${id}: a second request before the answer to the first one`);
    this.hits.set(id, (this.hits.get(id) ?? 0) + 1);
    const talk = new Talk(socket, id, this.#gate);
    void talk.whole.then((whole) => this.#judge(id, message, whole));
    void actOf(name)(talk).then(() => (talk.isOver = true));
    return talk;
  }

  #judge(id: string, message: Message, whole: boolean): void {
    const wanted = message.headers.get('x-size') ?? '0';
    const expected = bodyOf(id, '!', whole ? Number(wanted) : message.body.length);
    if (message.body !== expected) this.violations.push(`${id}: a body of ${String(message.body.length)} bytes instead of its ${wanted}`);
  }
}

function actOf(name: string): Act {
  if (!(name in ACTS)) throw new Error(`no such act: ${name}`);
  return ACTS[name as ActName].play;
}
