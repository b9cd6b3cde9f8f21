// The API behind every target. It answers whoever brings a bearer token, and 401 to everybody else:
// a small JSON body, `/api/body?bytes=n`, the length of an upload, an event stream and a WebSocket that stay silent.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { reportReady } from './ready.ts';

const ORDERS = JSON.stringify({ orders: Array.from({ length: 8 }, (_, id) => ({ id, item: 'umbrella', state: 'at the counter' })) });
const LARGEST = Buffer.alloc(10_000_000, 'the umbrella is at the counter; ');
const PING = 0x89;
const PONG = 0x8a;

const isSignedIn = ({ headers }: IncomingMessage): boolean => headers.authorization?.startsWith('Bearer ') === true;

const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
  if (!isSignedIn(request)) return json(response, 401, '{}');
  if (request.method === 'POST') return countUpload(request, response);
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://upstream');
  if (pathname === '/api/body') return large(response, Number(searchParams.get('bytes')));
  if (pathname === '/api/events') return void response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n');
  json(response, 200, ORDERS);
});
server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
  socket.on('error', () => socket.destroy());
  if (!isSignedIn(request)) return void socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n');
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'upgrade: websocket',
    'connection: Upgrade',
    `sec-websocket-accept: ${accept.digest('base64')}`,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  socket.on('data', (frame: Buffer) => {
    if (frame[0] === PING) socket.write(Buffer.of(PONG, 0));
  });
  socket.on('end', () => socket.end());
});
reportReady(server);

function json(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }).end(body);
}

function large(response: ServerResponse, bytes: number): void {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': String(bytes) }).end(LARGEST.subarray(0, bytes));
}

function countUpload(request: IncomingMessage, response: ServerResponse): void {
  let received = 0;
  request.on('data', (bytes: Buffer) => (received += bytes.length));
  request.on('end', () => json(response, 200, JSON.stringify({ received })));
}
