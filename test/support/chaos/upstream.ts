import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { ACTS, type Act, type ActName } from './acts.ts';
import { bodyOf } from './bodies.ts';
import { MessageReader, type Message } from './message-reader.ts';
import { Talk } from './talk.ts';

/** `/<act>/<id>`, whatever stands in front. */
const TARGET = /^[A-Z]+ \S*\/([a-z0-9-]+)\/([a-z0-9]+) HTTP\/1\.1$/;

/** An upstream on bare sockets that plays the act which each request names. It notes whatever should not have reached it. */
export class ChaosUpstream {
  /** How often the head of each request arrived, by id. */
  readonly hits = new Map<string, number>();
  /** What no upstream should ever see. */
  readonly violations: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
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
    return this.#sockets.size;
  }

  /** Until the returned function is called, the act `held` waits. */
  hold(): () => void {
    this.#gate = new Promise((resolve) => (this.#released = resolve));
    return () => this.#released();
  }

  async close(): Promise<void> {
    this.#released();
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    let talk: Talk | undefined;
    const reader = new MessageReader(
      (message) => (talk = this.#begin(socket, message, talk)),
      (message) => talk?.bodyEnded(message.whole),
    );
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      reader.take(text);
      if (reader.rest.length > 0 && reader.current === undefined && !/^[A-Z]/.test(reader.rest))
        this.violations.push('bytes of no request');
    });
    socket.on('error', () => undefined); // resets are part of the play
    socket.on('end', () => talk?.bodyEnded(false));
    // A side that never closes would keep its descriptor: what the other side has closed is no longer counted.
    socket.on('end', () => this.#sockets.delete(socket) && setImmediate(() => socket.destroy()));
    socket.on('close', () => {
      talk?.bodyEnded(false);
      this.#sockets.delete(socket);
    });
  }

  #begin(socket: Socket, message: Message, before: Talk | undefined): Talk {
    const [, name = '', id = ''] = TARGET.exec(message.start) ?? [];
    if (before?.isOver === false) this.violations.push(`${id}: a second request before the answer to the first one`);
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
