import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { ERRORS, type Failure } from '../../src/kernel/errors.ts';
import type { Timer } from '../../src/kernel/timer.ts';
import type { Dial } from '../../src/proxy/dial.ts';
import type { ForwardEnd, ForwardPlan } from '../../src/proxy/forwarder.ts';
import { sendOwn } from '../../src/proxy/own-answer.ts';
import { upgradeResponse } from '../../src/proxy/upgrade-response.ts';
import { WebSocketForwarder } from '../../src/proxy/websocket-forwarder.ts';
import { createHttpServer } from '../../src/server/http-server.ts';
import type { LiveEnd } from '../../src/session/live-connections.ts';
import { RecordingLogger } from './recording-logger.ts';

export interface WebSocketStandOptions {
  /** Port of the upstream. */
  readonly upstream: number;
  readonly ping?: number;
  readonly timer?: Timer;
  readonly dial?: Dial;
  readonly plan?: Partial<ForwardPlan>;
  /** What is waited for before anything is forwarded, as for a session. */
  readonly before?: (client: Socket) => Promise<void>;
  /** Of the server's own limits; milliseconds. */
  readonly bodyIdleTimeout?: number;
}

/** What the stand was told, in order. */
export interface Told {
  readonly heads: number[];
  readonly failures: { readonly code: Failure['code']; readonly cause: string }[];
  readonly ends: ForwardEnd[];
  /** Ways to end what lives now or has lived. */
  readonly lives: ((why: LiveEnd) => void)[];
  leaves: number;
}

const NOT_FORWARDED = /^(?:connection|upgrade|host|te|trailer|transfer-encoding)$/i;

/** A server that hands every upgrade to a WebSocketForwarder, as the data path does. */
export class WebSocketStand {
  readonly told: Told = { heads: [], failures: [], ends: [], lives: [], leaves: 0 };
  /** The clients' sockets on this side. */
  readonly clients: Socket[] = [];
  /** The sockets that were dialled. */
  readonly upstreams: Socket[] = [];
  readonly logger = new RecordingLogger();
  readonly server: Server;
  readonly forwarder: WebSocketForwarder;
  readonly #options: WebSocketStandOptions;
  #waiting: (() => void)[] = [];

  private constructor(options: WebSocketStandOptions) {
    this.#options = options;
    const { ping = 60_000, timer, dial = dialTo(options.upstream) } = options;
    const recorded: Dial = async () => {
      const socket = await dial();
      this.upstreams.push(socket);
      return socket;
    };
    this.forwarder = new WebSocketForwarder({
      dial: recorded,
      authority: 'upstream.test',
      ping,
      logger: this.logger,
      ...(timer === undefined ? {} : { timer }),
    });
    this.server = createHttpServer(
      {
        maxHeaderSize: 32_768,
        headersTimeout: 15_000,
        bodyIdleTimeout: options.bodyIdleTimeout ?? 60_000,
        keepAliveTimeout: 75_000,
        maxConnections: 10_000,
      },
      {
        listener: (_request, response) => void response.writeHead(404).end(),
        upgrade: (request, early) => this.#upgrade(request, early),
        onBodyLost: (_request, response) => void response.destroy(),
        loginUrl: '/bff/login',
        nextRequestId: () => 'unreadable',
        clearAll: () => [],
      },
    );
  }

  static async open(options: WebSocketStandOptions): Promise<WebSocketStand> {
    const stand = new WebSocketStand(options);
    stand.server.listen(0, '127.0.0.1');
    await once(stand.server, 'listening');
    return stand;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${String(this.port)}/chat?room=1`;
  }

  /** Resolves when something has been told for which this holds. */
  async until(holds: (told: Told) => boolean): Promise<Told> {
    while (!holds(this.told)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.told;
  }

  /** How the exchange number `at` ended. */
  async end(at = 0): Promise<ForwardEnd | undefined> {
    return (await this.until(({ ends }) => ends.length > at)).ends[at];
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    for (const socket of [...this.clients, ...this.upstreams]) socket.destroy();
    await closed;
    await this.forwarder.close();
  }

  #upgrade(request: IncomingMessage, early: Buffer): void {
    this.clients.push(request.socket);
    const response = upgradeResponse(request, early);
    const { before } = this.#options;
    if (before === undefined) this.#forward(request, response);
    else void before(request.socket).then(() => this.#forward(request, response));
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    this.forwarder.forward(request, response, {
      method: 'GET',
      path: request.url ?? '',
      headers: forwardedHeaders(request.rawHeaders),
      headersTimeout: 5_000,
      idleTimeout: 5_000,
      maxBody: undefined,
      onHead: (status, headers) => {
        this.#tell(() => this.told.heads.push(status));
        const kept = Object.entries(headers).filter(([name]) => !NOT_FORWARDED.test(name));
        return { kind: 'head', headers: kept.flatMap(([name, value]) => [value ?? ''].flat().flatMap((one) => [name, one])) };
      },
      onLive: (end) => {
        this.#tell(() => this.told.lives.push(end));
        return () => this.#tell(() => this.told.leaves++);
      },
      onFailure: (failure, cause) => {
        this.#tell(() => this.told.failures.push({ code: failure.code, cause }));
        sendOwn(response, { status: ERRORS[failure.code].status, headers: {}, body: failure.code });
      },
      onEnd: (end) => this.#tell(() => this.told.ends.push(end)),
      ...this.#options.plan,
    });
  }

  #tell(change: () => void): void {
    change();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

/** Plain connections to a port of this machine. */
function dialTo(port: number): Dial {
  return async () => {
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    return socket;
  };
}

function forwardedHeaders(raw: readonly string[]): string[] {
  const headers: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) if (!NOT_FORWARDED.test(raw[i] ?? '')) headers.push(raw[i] ?? '', raw[i + 1] ?? '');
  return headers;
}
