import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { answerUnderWay, cutConnection } from './answer-under-way.ts';
import { refuseUnreadable, type UnreadableOptions } from './unreadable-request.ts';
import { BodyWatch } from './body-watch.ts';
import { Pipelines } from './pipelines.ts';

/** The `listen` section's shape. Milliseconds and bytes. */
export interface HttpServerOptions {
  readonly maxHeaderSize: number;
  readonly headersTimeout: number;
  /** Silence of a client that sends a body, or that does not take the bytes of an answer. */
  readonly bodyIdleTimeout: number;
  readonly keepAliveTimeout: number;
  readonly maxConnections: number;
}

export interface HttpServerParts extends UnreadableOptions {
  readonly listener: RequestListener;
  /** A WebSocket handshake, and what came right behind it. What happens to `request.socket` from here on is the callee's. */
  readonly upgrade: (request: IncomingMessage, early: Buffer) => void;
}

/**
 * TCP keep-alive: after so much silence the system asks so often, and so long apart, whether the client is still there: one that
 * vanished would keep its event stream for hours. The usual ten times in ten seconds would cut a train in its tunnel.
 */
const PROBES = { initialDelay: 60_000, interval: 10_000, count: 6 };

/** Node waits so much longer for the next request than it tells the client. */
const KEEP_ALIVE_BUFFER_MS = 1_000;

/** Node's http server with every limit set by us: Fastify's own never reach a server it did not create. */
export function createHttpServer(options: HttpServerOptions, parts: HttpServerParts): Server {
  const server = createServer({
    maxHeaderSize: options.maxHeaderSize,
    headersTimeout: options.headersTimeout,
    requestTimeout: 0, // it is a total: it would cut a steadily sending upload
    connectionsCheckingInterval: Math.min(options.headersTimeout, 5_000),
    keepAliveTimeout: options.keepAliveTimeout,
    keepAliveTimeoutBuffer: KEEP_ALIVE_BUFFER_MS,
    insecureHTTPParser: false,
    requireHostHeader: false, // the front door answers a missing Host in our own words
    shouldUpgradeCallback: isWebSocketUpgrade,
  });
  server.maxConnections = options.maxConnections;
  server.on('connection', (socket: Socket) => socket.setKeepAlive(true, PROBES.initialDelay, PROBES.interval, PROBES.count));
  const watch = new BodyWatch(options.bodyIdleTimeout, parts.onBodyLost);
  const pipelines = new Pipelines();
  const listener: RequestListener = (request, response) => {
    // The connection is over, or is closed behind an answer that has been given: nobody would be told (RFC 9112 §9.6).
    if (!request.socket.writable) return void request.resume();
    // It comes again in its turn, as one that was only just read: a shutdown may have been announced meanwhile.
    if (response.socket === null) return pipelines.wait(request, response, () => server.emit('request', request, response));
    watch.begin(request, response);
    parts.listener(request, response);
  };
  server.on('request', listener);
  const upgrade = (request: IncomingMessage, _socket: unknown, early: Buffer): void => {
    if (request.socket.writableEnded) request.socket.destroy();
    else parts.upgrade(request, early);
  };
  // Whether a body is wanted is decided where it is read, so an expectation is an ordinary request until then.
  server.on('checkContinue', listener);
  server.on('checkExpectation', listener);
  server.on('upgrade', upgrade);
  // Without a listener Node drops a CONNECT without a word; judged like a handshake, it is refused in ours.
  server.on('connect', upgrade);
  const betweenRequestsMs = options.keepAliveTimeout + KEEP_ALIVE_BUFFER_MS;
  server.setTimeout(options.bodyIdleTimeout, (socket: Socket) => closeSilent(socket, betweenRequestsMs));
  server.on('clientError', (error, socket) => refuseUnreadable(error, socket, parts, pipelines, watch.isLingering(socket)));
  return server;
}

/**
 * Our listener takes Node's own decision away, which would close silent answers such as event streams. What is left to close: a
 * client that has stopped reading, and a connection between two requests (Node gives it another timeout for that time).
 */
function closeSilent(socket: Socket, betweenRequestsMs: number): void {
  const isBetweenRequests = socket.timeout === betweenRequestsMs && answerUnderWay(socket) === undefined;
  if (socket.writableLength > 0 || isBetweenRequests) cutConnection(socket);
}

/** Anything but a WebSocket handshake is served as plain HTTP, its Upgrade header dropped (h2c smuggling). */
function isWebSocketUpgrade(request: IncomingMessage): boolean {
  return request.method === 'GET' && request.httpVersionMinor === 1 && request.headers.upgrade?.toLowerCase() === 'websocket';
}
