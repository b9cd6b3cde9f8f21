import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { ERRORS, type Failure } from '../../../src/kernel/errors.ts';
import type { ForwardEnd, Forwarder, ForwardPlan } from '../../../src/proxy/forwarder.ts';
import type { UpstreamHeaders } from '../../../src/proxy/response-head.ts';
import { RawClient, type RawAnswer } from '../../support/raw-http.ts';
import { RawUpstream, UpstreamStub } from '../../support/upstream-stub.ts';

export interface ForwarderLimits {
  readonly connections: number;
  /** Milliseconds. */
  readonly connectTimeout: number;
}

export type CreateForwarder = (origin: string, limits: ForwarderLimits) => Forwarder;

/** One forwarder between a server of its own and an upstream, and what it tells its owner. */
export class ForwarderStage {
  readonly ends: ForwardEnd[] = [];
  readonly failures: Failure[] = [];
  readonly seenHeads: number[] = [];
  /** What differs from an ordinary plan. */
  plan: Partial<ForwardPlan> = {};
  /** Called with each response before it is forwarded. */
  prepare: (response: ServerResponse) => void = () => undefined;
  /** The server's side of each client connection. */
  readonly accepted: Socket[] = [];
  readonly #create: CreateForwarder;
  readonly #clients: RawClient[] = [];
  readonly #closing: (() => unknown)[] = [];
  #whenEnded: () => void = () => undefined;
  #closed = false;

  constructor(create: CreateForwarder) {
    this.#create = create;
  }

  /** The port of a server that forwards everything to this origin. */
  async open(origin: string, limits: Partial<ForwarderLimits> = {}): Promise<number> {
    const forwarder = this.#create(origin, { connections: 20, connectTimeout: 2_000, ...limits });
    const server = createServer((request, response) => {
      this.prepare(response);
      forwarder.forward(request, response, { ...this.#ordinaryPlan(request, response), ...this.plan });
    });
    server.on('checkContinue', (request, response) => server.emit('request', request, response));
    server.on('connection', (socket: Socket) => this.accepted.push(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#closing.push(
      () => closeServer(server),
      () => forwarder.close(),
    );
    return (server.address() as AddressInfo).port;
  }

  async withStub(...given: Parameters<typeof UpstreamStub.start>): Promise<{ stub: UpstreamStub; port: number }> {
    const stub = await this.stub(...given);
    return { stub, port: await this.open(stub.origin) };
  }

  async withRaw(...given: Parameters<typeof RawUpstream.start>): Promise<{ raw: RawUpstream; port: number }> {
    const raw = await this.raw(...given);
    return { raw, port: await this.open(raw.origin) };
  }

  async stub(...given: Parameters<typeof UpstreamStub.start>): Promise<UpstreamStub> {
    const stub = await UpstreamStub.start(...given);
    this.#closing.push(() => stub.close());
    return stub;
  }

  async raw(...given: Parameters<typeof RawUpstream.start>): Promise<RawUpstream> {
    const raw = await RawUpstream.start(...given);
    this.#closing.push(() => raw.close());
    return raw;
  }

  /** The origin of an upstream that is not there. */
  async nowhere(): Promise<string> {
    const raw = await RawUpstream.start(() => undefined);
    const { origin } = raw;
    await raw.close();
    return origin;
  }

  async client(port: number): Promise<RawClient> {
    const client = await RawClient.open(port);
    this.#clients.push(client);
    return client;
  }

  /** Sends bytes on a connection of their own and reads one answer. */
  async exchange(port: number, bytes: string | Buffer): Promise<RawAnswer> {
    return (await this.client(port)).send(bytes).answer();
  }

  /** Resolves when a first exchange has ended. */
  ended(): Promise<void> {
    return this.ends.length > 0 ? Promise.resolve() : new Promise((resolve) => (this.#whenEnded = resolve));
  }

  /** Looks again and again, until it holds or the stage is closed. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#closed) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Resolves when the number no longer changes, with time for far more in between. */
  async settled(measure: () => number): Promise<number> {
    for (let last = NaN; !this.#closed;) {
      const now = measure();
      if (now === last && now !== 0) return now;
      last = now;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return measure();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const client of this.#clients) client.destroy();
    // Together: a pool closes when its requests have ended, which closing its upstream brings about.
    await Promise.all(this.#closing.map((close) => close()));
  }

  #ordinaryPlan(request: IncomingMessage, response: ServerResponse): ForwardPlan {
    return {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: ['x-fixed', 'yes', ...contentHeaders(request.headers)],
      headersTimeout: 5_000,
      idleTimeout: 5_000,
      maxBody: undefined,
      onLive: () => () => undefined,
      onHead: (status, headers) => {
        this.seenHeads.push(status);
        return { kind: 'head', headers: passedOn(headers) };
      },
      onFailure: (failure) => {
        this.failures.push(failure);
        response.writeHead(ERRORS[failure.code].status).end(failure.code);
      },
      onEnd: (end) => {
        this.ends.push(end);
        this.#whenEnded();
      },
    };
  }
}

/** Flat, without what belongs to the upstream's connection. */
export function passedOn(headers: UpstreamHeaders): string[] {
  const kept = Object.entries(headers).filter(([it]) => !/^(?:connection|keep-alive|transfer-encoding)$/.test(it));
  return kept.flatMap(([it, value]) => [value ?? ''].flat().flatMap((one) => [it, one]));
}

function contentHeaders(headers: NodeJS.Dict<string | string[]>): string[] {
  return ['content-length', 'content-type', 'content-encoding'].flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [name, value] : [];
  });
}

function closeServer(server: Server): void {
  server.close();
  server.closeAllConnections();
}
