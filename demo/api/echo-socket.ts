import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { describeRequest, type ReceivedRequest } from './received-request.ts';

/** How a WebSocket ended, as the API saw it: 1005 = a close frame without code, 1006 = none at all (RFC 6455 §7.4.1). */
export interface SeenClose {
  readonly code: number;
  readonly reason: string;
}

/** Echoes of one connection that wait for a reader, at most; then nothing more is read. */
const UNSENT_BYTES = 1024 * 1024;

/**
 * WebSockets at every path that ends in `/socket`. The first message tells what arrived, as the API's answers do, and the subprotocol;
 * then every message comes back. `?close=4000` closes with that code after the first one, `?refuse=403` refuses the handshake,
 * `?silent=1` answers neither pings nor messages.
 */
export class EchoSocket {
  readonly closes: SeenClose[] = [];
  readonly #record: (received: ReceivedRequest) => void;
  readonly #server = new WebSocketServer({ noServer: true, autoPong: false });

  constructor(record: (received: ReceivedRequest) => void) {
    this.#record = record;
  }

  get open(): number {
    return this.#server.clients.size;
  }

  takes(req: IncomingMessage): boolean {
    return addressOf(req).pathname.endsWith('/socket');
  }

  upgrade(req: IncomingMessage, stream: Duplex, head: Buffer): void {
    const received = describeRequest(req);
    this.#record(received);
    const { searchParams: query } = addressOf(req);
    const refusal = Number(query.get('refuse') ?? 0);
    if (refusal > 0) refuse(stream, refusal);
    else this.#server.handleUpgrade(req, stream, head, (socket) => this.#greet(socket, received, query));
  }

  #greet(socket: WebSocket, received: ReceivedRequest, query: URLSearchParams): void {
    socket.on('close', (code, reason) => void this.closes.push({ code, reason: reason.toString() }));
    socket.on('error', () => undefined); // `close` follows, and tells it
    socket.send(JSON.stringify({ ...received, protocol: socket.protocol }));
    if (query.has('silent')) return;
    const closeWith = Number(query.get('close') ?? 0);
    socket.on('ping', (payload) => socket.pong(payload));
    socket.on('message', (message, binary) => {
      echo(socket, message, binary);
      if (closeWith > 0) socket.close(closeWith, 'as asked for');
    });
  }
}

function echo(socket: WebSocket, message: RawData, binary: boolean): void {
  const resume = (): void => {
    if (socket.isPaused) socket.resume();
  };
  socket.send(message, { binary }, resume);
  if (socket.bufferedAmount > UNSENT_BYTES) socket.pause();
}

function refuse(stream: Duplex, status: number): void {
  const body = `refused with ${String(status)}\n`;
  stream.on('error', () => undefined); // the client went away: nobody is left to refuse
  stream.end(
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? 'Unknown'}\r\n` +
      `Content-Type: text/plain\r\nContent-Length: ${String(body.length)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

const addressOf = (req: IncomingMessage): URL => new URL(req.url ?? '/', 'http://echo.invalid');
