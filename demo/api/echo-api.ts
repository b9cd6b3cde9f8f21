import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from '../socket.ts';
import { EchoSocket, type SeenClose } from './echo-socket.ts';
import { describeRequest, type ReceivedRequest } from './received-request.ts';
import { situationAt } from './situations.ts';

export interface EchoApiOptions {
  /** 0 = any free port. */
  readonly port?: number;
  readonly host?: string;
  /** JSON at `/demo-stats`; without it that path is echoed like any other. */
  readonly stats?: () => unknown;
}

export interface EchoApi {
  readonly origin: string;
  readonly port: number;
  /** Every request in order of arrival, recorded when its head was there. */
  readonly requests: readonly ReceivedRequest[];
  /** How many WebSockets are open. */
  readonly sockets: number;
  /** How WebSockets ended, in order. */
  readonly closes: readonly SeenClose[];
  /** Forgets the recorded requests and closes. */
  reset(): void;
  /** Refuses connections and ends the open ones, until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

const KEPT_REQUESTS = 10_000;

/** An API that answers what it received, and on some paths behaves like the APIs a proxy has to cope with (see `situations.ts`, `echo-socket.ts`). */
export async function startEchoApi(options: EchoApiOptions = {}): Promise<EchoApi> {
  const requests: ReceivedRequest[] = [];
  const record = (received: ReceivedRequest): void => {
    if (requests.length < KEPT_REQUESTS) requests.push(received);
  };
  const listener = (req: IncomingMessage, res: ServerResponse): void => {
    const received = describeRequest(req);
    record(received);
    respond(req, res, received, options.stats);
  };
  const upgrades = new EchoSocket(record);
  const socket = new Socket({ host: options.host ?? '127.0.0.1', port: options.port ?? 0, listener, upgrades });
  await socket.open();
  return {
    origin: `http://${socket.host}:${socket.port}`,
    port: socket.port,
    requests,
    get sockets() {
      return upgrades.open;
    },
    closes: upgrades.closes,
    reset: () => {
      requests.length = 0;
      upgrades.closes.length = 0;
    },
    down: () => socket.close(),
    up: () => socket.open(),
    close: () => socket.close(),
  };
}

function respond(req: IncomingMessage, res: ServerResponse, received: ReceivedRequest, stats: (() => unknown) | undefined): void {
  const url = new URL(req.url ?? '/', 'http://echo.invalid');
  if (stats !== undefined && url.pathname === '/demo-stats') {
    writeJson(res, 200, stats());
    return;
  }
  const situation = situationAt(url.pathname);
  if (situation !== undefined) {
    situation({ req, res, received, query: url.searchParams, path: url.pathname });
    return;
  }
  req.resume(); // an unread body would keep the connection from being used again
  writeJson(res, 200, received);
}

function writeJson(res: ServerResponse, status: number, value: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(value));
}
