// The API behind every target: answers a small JSON body to whoever brings a bearer token, and 401 to everybody else.
import { createServer } from 'node:http';
import { reportReady } from './ready.ts';

const BODY = JSON.stringify({ orders: Array.from({ length: 8 }, (_, id) => ({ id, item: 'umbrella', state: 'at the counter' })) });
const HEADERS = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(BODY)) };

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const status = request.headers.authorization?.startsWith('Bearer ') === true ? 200 : 401;
  response.writeHead(status, HEADERS).end(BODY);
});
reportReady(server);
