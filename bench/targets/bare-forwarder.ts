// Our front door and our forwarder with fixed headers: what the data path costs without any session.
import type { IncomingMessage } from 'node:http';
import { createFrontDoor } from '../../dist/front-door.js';
import { createHttpServer } from '../../dist/server/http-server.js';
import { systemClock } from '../../dist/kernel/clock.js';
import { silentLogger } from '../../dist/kernel/logger.js';
import { RequestIds } from '../../dist/kernel/request-id.js';
import type { ApiRoute } from '../../dist/proxy/api-routes.js';
import type { ForwardPlan } from '../../dist/proxy/forwarder.js';
import { HostCheck } from '../../dist/proxy/host-check.js';
import { TrustedProxies } from '../../dist/proxy/trusted-proxies.js';
import { UndiciForwarder } from '../../dist/proxy/undici-forwarder.js';
import { reportReady } from './ready.ts';

const [upstream = '', publicOrigin = '', fixed = '[]'] = process.argv.slice(2);
const forwarder = new UndiciForwarder({ origin: upstream, connections: 1000, connectTimeout: 5_000 });
const route = { path: '/api', allowEncodedSlash: false } as ApiRoute;
const fixedHeaders = JSON.parse(fixed) as string[];
const trustedProxies = new TrustedProxies([]);

const plan = ({ method = 'GET', headers: { 'content-length': length } }: IncomingMessage, path: string): ForwardPlan => ({
  method,
  path,
  headers: length === undefined ? fixedHeaders : [...fixedHeaders, 'content-length', length],
  headersTimeout: 60_000,
  idleTimeout: 60_000,
  maxBody: undefined,
  onLive: () => () => undefined,
  onHead: (_status, headers) => ({ kind: 'head', headers: Object.entries(headers).flatMap(([name, value]) => [name, String(value)]) }),
  onFailure: () => process.exit(1),
  onEnd: () => undefined,
});
const door = createFrontDoor({
  publicUrl: { origin: publicOrigin, path: '' },
  ingressStripsPath: false,
  loginUrl: '/bff/login',
  hostCheck: new HostCheck({ publicOrigin, trustedProxies }),
  trustedProxies,
  routes: { match: () => route },
  proxy: {
    handle: (request, response, target) => forwarder.forward(request, response, plan(request, target.path + target.query)),
    upgrade: (request) => request.socket.destroy(),
  },
  requestIds: new RequestIds(),
  endpointOf: () => 'inside',
  clock: systemClock,
  logger: silentLogger,
});
const server = createHttpServer(
  { maxHeaderSize: 32_768, headersTimeout: 15_000, bodyIdleTimeout: 60_000, keepAliveTimeout: 75_000, maxConnections: 20_000 },
  {
    listener: door.listener((_request, response) => response.writeHead(404).end()),
    upgrade: (request, early) => door.upgrade(request, early),
    onBodyLost: (request, response, failure) => door.bodyLost(request, response, failure),
    loginUrl: '/bff/login',
    nextRequestId: () => '',
    clearAll: () => [],
  },
);
reportReady(server);
