import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { refuseUnreadable, type UnreadableOptions } from './unreadable-request.ts';
import { BodyWatch } from './body-watch.ts';

/** The `listen` section's shape. Milliseconds and bytes. */
export interface HttpServerOptions {
  readonly maxHeaderSize: number;
  readonly headersTimeout: number;
  readonly bodyIdleTimeout: number;
  readonly keepAliveTimeout: number;
  readonly maxConnections: number;
}

export interface HttpServerParts extends UnreadableOptions {
  readonly listener: RequestListener;
  /** A WebSocket handshake. What happens to `request.socket` from here on is the callee's. */
  readonly upgrade: (request: IncomingMessage) => void;
  /** A request body of which no byte came for `bodyIdleTimeout`: answer 408. The connection is closed afterwards. */
  readonly onBodyIdle: (request: IncomingMessage, response: ServerResponse) => void;
}

/** Node's http server with every limit set by us: Fastify's own never reach a server it did not create. */
export function createHttpServer(options: HttpServerOptions, parts: HttpServerParts): Server {
  const server = createServer({
    maxHeaderSize: options.maxHeaderSize,
    headersTimeout: options.headersTimeout,
    requestTimeout: 0, // it is a total: it would cut a steadily sending upload
    connectionsCheckingInterval: Math.min(options.headersTimeout, 5_000),
    keepAliveTimeout: options.keepAliveTimeout,
    insecureHTTPParser: false,
    requireHostHeader: false, // the front door answers a missing Host in our own words
    shouldUpgradeCallback: isWebSocketUpgrade,
  });
  server.maxConnections = options.maxConnections;
  const watch = new BodyWatch(options.bodyIdleTimeout, parts.onBodyIdle);
  const listener: RequestListener = (request, response) => {
    watch.begin(request, response);
    parts.listener(request, response);
  };
  server.on('request', listener);
  // Whether a body is wanted is decided where it is read, so an expectation is an ordinary request until then.
  server.on('checkContinue', listener);
  server.on('checkExpectation', listener);
  server.on('upgrade', parts.upgrade);
  server.on('clientError', (error, socket) => refuseUnreadable(error, socket, parts));
  return server;
}

/** Anything but a WebSocket handshake is served as plain HTTP, its Upgrade header dropped (h2c smuggling). */
function isWebSocketUpgrade(request: IncomingMessage): boolean {
  return request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';
}
