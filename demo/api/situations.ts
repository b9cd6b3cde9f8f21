import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReceivedRequest } from './received-request.ts';

interface Call {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly received: ReceivedRequest;
  readonly query: URLSearchParams;
  readonly path: string;
}

type Situation = (call: Call) => void;

const BLOCK = Buffer.alloc(64 * 1024, 'echo ');

/** How an API can behave, by path. `*` stands for one segment. */
const SITUATIONS: Readonly<Record<string, Situation>> = {
  /** 401 with WWW-Authenticate unless a bearer came along (RFC 6750 §3). */
  '/private': (call) => {
    if (call.received.bearer === false) json(call, 401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer' });
    else json(call, 200, call.received);
  },
  /** `?ms=` until the answer. */
  '/slow': (call) => void sleep(number(call, 'ms', 100)).then(() => json(call, 200, call.received)),
  '/status/*': (call) => json(call, Number(call.path.split('/').at(-1)), call.received),
  /** `?count=` events (endless without), one every `?every=` milliseconds; `?retry=` milliseconds until the browser comes back. */
  '/sse': (call) => void sendEvents(call),
  /** Reads the whole body; tells its size and SHA-256. */
  '/upload': (call) => void readUpload(call),
  /** `?bytes=` of body; `?chunked=1` without Content-Length. */
  '/download': (call) => void sendBytes(call, number(call, 'bytes', 1024)),
  '/set-cookie': (call) =>
    json(call, 200, {}, { 'set-cookie': ['upstream=1; Path=/; HttpOnly', 'theme=dark; Path=/; Domain=example.com'] }),
  /** `?to=` an absolute or relative Location, `?status=` 302 unless told. */
  '/redirect': (call) => json(call, number(call, 'status', 302), {}, { location: call.query.get('to') ?? '/elsewhere' }),
  /** 413 before the body was read, and the connection closed. */
  '/early-413': ({ res }) => void res.writeHead(413, { 'content-type': 'text/plain', connection: 'close' }).end('too large\n'),
  /** Promises 1,000 bytes, sends 10, dies. */
  '/die-mid-body': ({ res }) => {
    res.writeHead(200, { 'content-type': 'text/plain', 'content-length': 1000 });
    res.write('0123456789', () => res.destroy());
  },
  '/die-before-head': ({ req }) => void req.socket.destroy(),
  /** Never sends a response head. */
  '/hang': ({ req }) => void req.resume(),
  /** Sends the head and 5 bytes, then nothing more. */
  '/hang-mid-body': ({ req, res }) => {
    req.resume();
    res.writeHead(200, { 'content-type': 'text/plain', 'content-length': 1000 }).write('01234');
  },
  '/not-modified': ({ req, res }) => {
    req.resume();
    res.writeHead(304, { etag: '"1"' }).end();
  },
  '/cors': (call) => json(call, 200, call.received, { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true' }),
  /** A response that claims to be one of the proxy's own errors. */
  '/forged-error': (call) => json(call, 401, { code: 'not_logged_in' }, { 'cloakroom-error': 'not_logged_in' }),
  '/page': ({ req, res }) => {
    req.resume();
    res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html><title>A page of the API</title><p>Hello');
  },
};

export function situationAt(path: string): Situation | undefined {
  return SITUATIONS[path] ?? (path.startsWith('/status/') ? SITUATIONS['/status/*'] : undefined);
}

function json({ req, res }: Call, status: number, value: unknown, headers: Record<string, string | string[]> = {}): void {
  req.resume();
  if (res.destroyed) return;
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers }).end(JSON.stringify(value));
}

function number({ query }: Call, name: string, fallback: number): number {
  const value = Number(query.get(name) ?? fallback);
  return Number.isFinite(value) ? value : fallback;
}

async function sendEvents(call: Call): Promise<void> {
  const { res } = call;
  const count = number(call, 'count', Infinity);
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  if (call.query.has('retry')) res.write(`retry: ${number(call, 'retry', 3000)}\n\n`);
  for (let i = 1; i <= count && !res.destroyed; i++) {
    res.write(`id: ${i}\nevent: tick\ndata: {"count":${i}}\n\n`);
    if (i < count) await sleep(number(call, 'every', 1000));
  }
  res.end();
}

async function readUpload(call: Call): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of call.req as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } catch {
    return; // the client went away: nobody is left to answer
  }
  json(call, 200, { ...call.received, bytes, sha256: hash.digest('hex') });
}

async function sendBytes({ res, query }: Call, bytes: number): Promise<void> {
  const length = query.has('chunked') ? {} : { 'content-length': bytes };
  res.writeHead(200, { 'content-type': 'application/octet-stream', ...length });
  for (let sent = 0; sent < bytes && !res.destroyed; sent += BLOCK.length) {
    const block = BLOCK.subarray(0, Math.min(BLOCK.length, bytes - sent));
    if (!res.write(block)) await new Promise((resolve) => res.once('drain', resolve).once('close', resolve));
  }
  res.end();
}
