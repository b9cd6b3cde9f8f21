import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';

/** How a connection ended, as its client saw it. */
export interface SeenClose {
  readonly code: number;
  readonly reason: string;
}

export interface Refusal {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface OpenOptions {
  readonly port: number;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
}

/** An open WebSocket whose messages wait to be read. */
export class WebSocketClient {
  readonly socket: WebSocket;
  /** The head of the 101. */
  readonly head: IncomingMessage;
  readonly closed: Promise<SeenClose>;
  readonly #messages: string[] = [];
  #waiting: (() => void)[] = [];

  private constructor(socket: WebSocket, head: IncomingMessage) {
    this.socket = socket;
    this.head = head;
    this.closed = once(socket, 'close').then(([code, reason]: unknown[]) => {
      for (const wake of this.#waiting.splice(0)) wake();
      return { code: Number(code), reason: String(reason) };
    });
  }

  /** Resolves with the open connection, or with the answer that refused it. */
  static open({ port, path, headers, protocols = [] }: OpenOptions): Promise<WebSocketClient | Refusal> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://localhost:${String(port)}${path}`, [...protocols], { headers: { ...headers } });
      const early: string[] = [];
      let take = (text: string): void => void early.push(text);
      let client: WebSocketClient | undefined;
      socket.on('message', (bytes: Buffer) => take(bytes.toString()));
      socket.on('upgrade', (head) => (client = new WebSocketClient(socket, head)));
      socket.on('open', () => {
        if (client === undefined) return reject(new Error('opened without a head'));
        const made = client;
        take = (text) => made.#take(text);
        for (const text of early) made.#take(text);
        resolve(made);
      });
      socket.on('error', (error) => {
        if (client === undefined) reject(error);
      });
      socket.on('unexpected-response', (_request, response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() });
        });
      });
    });
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** The next message; rejects when the connection ends before. */
  async message(): Promise<string> {
    for (;;) {
      const text = this.#messages.shift();
      if (text !== undefined) return text;
      if (!this.isOpen) throw new Error('the connection is closed');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Sends a message and resolves with the next one that comes. */
  async ask(text: string): Promise<string> {
    this.socket.send(text);
    return this.message();
  }

  close(code = 1000): Promise<SeenClose> {
    this.socket.close(code);
    return this.closed;
  }

  #take(text: string): void {
    this.#messages.push(text);
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
