import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** One response as it stood on the wire. */
export interface RawAnswer {
  readonly status: number;
  /** Lower-case names; every line in its order. */
  readonly lines: readonly (readonly [string, string])[];
  /** Decoded when it came in chunks. */
  readonly body: string;
}

export const header = (answer: RawAnswer, name: string): string | undefined => answer.lines.find(([it]) => it === name)?.[1];
export const headers = (answer: RawAnswer, name: string): readonly string[] =>
  answer.lines.filter(([it]) => it === name).map(([, value]) => value);

/** A client on a bare socket: it sends exactly the bytes it is given, however wrong they are. */
export class RawClient {
  readonly socket: Socket;
  /** The connection did not end in order. */
  wasReset = false;
  #received = '';
  #ended = false;
  #waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#changed(() => (this.#received += text)));
    socket.on('error', () => (this.wasReset = true)); // an outcome here like any other
    socket.on('close', () => this.#changed(() => (this.#ended = true)));
  }

  /** `heldOpen`: this side never closes, whatever the other does. */
  static async open(port: number, options: { heldOpen?: boolean } = {}): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: options.heldOpen ?? false });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Everything received and not yet read as an answer. */
  get received(): string {
    return this.#received;
  }

  send(bytes: string | Buffer): this {
    this.socket.write(bytes, 'latin1');
    return this;
  }

  /** Resolves when the text received so far holds what is looked for; rejects when the connection ends before. */
  async until(holds: (received: string) => boolean): Promise<string> {
    while (!holds(this.#received)) {
      if (this.#ended) throw new Error(`the connection ended after: ${JSON.stringify(this.#received)}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#received;
  }

  /** The next whole response; interim ones are skipped. `bodiless`: the answer to a HEAD. */
  async answer(options: { bodiless?: boolean } = {}): Promise<RawAnswer> {
    await this.until((it) => it.includes('\r\n\r\n'));
    const end = this.#received.indexOf('\r\n\r\n');
    const [statusLine = '', ...lines] = this.#received.slice(0, end).split('\r\n');
    const status = Number(statusLine.split(' ')[1]);
    this.#received = this.#received.slice(end + 4);
    if (status < 200) return this.answer(options);
    const parsed = lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const);
    const head = { status, lines: parsed, body: '' };
    return { ...head, body: options.bodiless === true || status === 204 || status === 304 ? '' : await this.#body(head) };
  }

  /** Resolves with what had come in when the connection is over, orderly or not. */
  async closed(): Promise<string> {
    while (!this.#ended) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.#received;
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #body(head: RawAnswer): Promise<string> {
    const length = header(head, 'content-length');
    if (length !== undefined) {
      await this.until((it) => it.length >= Number(length));
      return this.#cut(Number(length));
    }
    if (header(head, 'transfer-encoding') === 'chunked') return this.#chunks();
    await this.closed();
    return this.#cut(this.#received.length);
  }

  async #chunks(): Promise<string> {
    let body = '';
    for (;;) {
      await this.until((it) => it.includes('\r\n'));
      const size = Number.parseInt(this.#cut(this.#received.indexOf('\r\n') + 2), 16);
      await this.until((it) => it.length >= size + 2);
      body += this.#cut(size + 2).slice(0, size);
      if (size === 0) return body;
    }
  }

  #cut(length: number): string {
    const text = this.#received.slice(0, length);
    this.#received = this.#received.slice(length);
    return text;
  }

  #changed(change: () => void): void {
    change();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

/** Sends bytes on a connection of their own and reads one answer. */
export async function rawExchange(port: number, bytes: string | Buffer, options: { bodiless?: boolean } = {}): Promise<RawAnswer> {
  const client = await RawClient.open(port);
  try {
    return await client.send(bytes).answer(options);
  } finally {
    client.destroy();
  }
}
