import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { exposition, PROMETHEUS_TYPE, type Metric } from './prometheus.ts';

/** What the probes report. Only `draining` turns readiness red: a provider or a Redis that is down is no reason to take a pod out. */
export interface Health {
  draining(): boolean;
  provider(): 'up' | 'down' | 'unknown';
  redis(): 'up' | 'down' | 'off';
  /** `undefined`: nobody wants them. */
  metrics(): readonly Metric[] | undefined;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const PATHS: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics']);

/** The port for the platform: `/livez`, `/readyz` and `/metrics`. Never reachable through the public port; checks no Host. */
export function createManagementServer(health: Health, nextRequestId: () => string): Server {
  return createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    response.setHeader('x-request-id', nextRequestId());
    write(request, response, answer(request, health));
  });
}

function answer(request: IncomingMessage, health: Health): Answer {
  const [path = '/'] = (request.url ?? '/').split('?', 1);
  const metrics = path === '/metrics' ? health.metrics() : undefined;
  if (!PATHS.has(path) || (path === '/metrics' && metrics === undefined)) return json(404, { status: 'not found' });
  if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { status: 'method not allowed' }, { allow: 'GET, HEAD' });
  if (metrics !== undefined) return { status: 200, type: PROMETHEUS_TYPE, text: exposition(metrics) };
  return path === '/livez' ? json(200, { status: 'live' }) : readiness(health);
}

function readiness(health: Health): Answer {
  if (health.draining()) return json(503, { status: 'draining' }, { 'retry-after': '5' });
  return json(200, { status: 'ready', provider: health.provider(), redis: health.redis() });
}

const json = (status: number, body: object, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  type: 'application/json',
  text: JSON.stringify(body),
  headers,
});

function write(request: IncomingMessage, response: ServerResponse, { status, type, text, headers }: Answer): void {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}
