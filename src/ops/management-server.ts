import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** What the probes report. Only `draining` turns readiness red: a provider or a Redis that is down is no reason to take a pod out. */
export interface Health {
  draining(): boolean;
  provider(): 'up' | 'down' | 'unknown';
  redis(): 'up' | 'down' | 'off';
}

interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The port for the platform: `/livez` and `/readyz`. Never reachable through the public port; checks no Host. */
export function createManagementServer(health: Health, nextRequestId: () => string): Server {
  return createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    response.setHeader('x-request-id', nextRequestId());
    write(request, response, answer(request, health));
  });
}

function answer(request: IncomingMessage, health: Health): Answer {
  const path = (request.url ?? '/').split('?', 1)[0];
  if (path !== '/livez' && path !== '/readyz') return { status: 404, body: { status: 'not found' } };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, body: { status: 'method not allowed' }, headers: { allow: 'GET, HEAD' } };
  }
  return path === '/livez' ? { status: 200, body: { status: 'live' } } : readiness(health);
}

function readiness(health: Health): Answer {
  if (health.draining()) return { status: 503, body: { status: 'draining' }, headers: { 'retry-after': '5' } };
  return { status: 200, body: { status: 'ready', provider: health.provider(), redis: health.redis() } };
}

function write(request: IncomingMessage, response: ServerResponse, { status, body, headers }: Answer): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}
