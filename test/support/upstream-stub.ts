import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createRawServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';

/** A request as an upstream saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  /** Known once the body is whole. */
  readonly trailers: IncomingMessage['trailers'];
  /** Grows while the body comes in. */
  readonly chunks: Buffer[];
  /** Resolves when the body is whole (`true`) or the connection was lost before (`false`). */
  readonly whole: Promise<boolean>;
  /** Resolves when this exchange's connection or response is closed; `true` when the response had been sent whole. */
  readonly closed: Promise<boolean>;
}

export const bodyOf = (seen: SeenRequest): string => Buffer.concat(seen.chunks).toString('latin1');

type Handler = (request: IncomingMessage, response: ServerResponse, seen: SeenRequest) => void;

const afterBody: Handler = (_request, response, seen) => {
  void seen.whole.then((whole) => {
    if (whole) response.end('ok');
  });
};

/** An upstream that records what reaches it and answers as told. */
export class UpstreamStub {
  readonly requests: SeenRequest[] = [];
  /** Answers every request; `ok` after the body by default. */
  handler: Handler = afterBody;
  readonly #server: Server;
  #waiting: (() => void)[] = [];

  private constructor() {
    this.#server = createServer((request, response) => this.#take(request, response));
    this.#server.keepAliveTimeout = 60_000;
  }

  static async start(handler?: Handler): Promise<UpstreamStub> {
    const stub = new UpstreamStub();
    if (handler !== undefined) stub.handler = handler;
    stub.#server.listen(0, '127.0.0.1');
    await once(stub.#server, 'listening');
    return stub;
  }

  get origin(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  get authority(): string {
    return this.origin.slice('http://'.length);
  }

  /** The request number `at`, waited for. */
  async request(at = 0): Promise<SeenRequest> {
    for (;;) {
      const seen = this.requests[at];
      if (seen !== undefined) return seen;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined); // a lost client is told by `whole`
    const whole = new Promise<boolean>((resolve) => request.on('close', () => resolve(request.complete)));
    const closed = new Promise<boolean>((resolve) => response.on('close', () => resolve(response.writableFinished)));
    const { method = '', url = '', rawHeaders, headers } = request;
    const seen = {
      method,
      url,
      rawHeaders,
      headers,
      chunks,
      whole,
      closed,
      get trailers() {
        return request.trailers;
      },
    };
    this.requests.push(seen);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
    this.handler(request, response, seen);
  }
}

/** An upstream on bare sockets: `onHead` is called with each request head (and what followed it) and writes whatever bytes it likes. */
export class RawUpstream {
  readonly heads: string[] = [];
  connections = 0;
  readonly #server: NetServer;
  readonly #sockets = new Set<Socket>();

  private constructor(onHead: (socket: Socket, head: string) => void) {
    this.#server = createRawServer((socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined); // resets are part of the play
      socket.on('data', (chunk) => {
        const head = chunk.toString('latin1');
        this.heads.push(head);
        onHead(socket, head);
      });
    });
  }

  static async start(onHead: (socket: Socket, head: string) => void): Promise<RawUpstream> {
    const upstream = new RawUpstream(onHead);
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get origin(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }
}
