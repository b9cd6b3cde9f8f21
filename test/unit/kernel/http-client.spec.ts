import { createServer as createHttpServer, type RequestListener, type Server as HttpServer } from 'node:http';
import { createServer as createNetServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { rmSync, writeFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { classifyFailure, HttpClientError } from '../../../src/kernel/http-client-error.ts';
import { createHttpClient, type HttpClient } from '../../../src/kernel/http-client.ts';
import { loopbackCertificate } from '../../support/loopback-certificate.ts';

const cleanups: (() => Promise<unknown> | undefined)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const client = (options: Partial<Parameters<typeof createHttpClient>[0]> = {}): HttpClient => {
  const made = createHttpClient({ timeout: 5000, maxResponse: 1000, ...options });
  cleanups.push(() => made.close());
  return made;
};

function fileOf(certificate: string): string {
  const file = join(tmpdir(), `loopback-${process.pid}-${cleanups.length}.pem`);
  writeFileSync(file, certificate);
  cleanups.push(async () => rmSync(file));
  return file;
}

async function listen(server: Server | HttpServer, close: () => void): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    close();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const http = (listener: RequestListener): Promise<string> => {
  const server = createHttpServer(listener);
  return listen(server, () => server.closeAllConnections());
};

/** A server that speaks bytes: `onData` sees what one connection sent. */
const raw = (onConnect: (socket: Socket) => void): Promise<string> => {
  const sockets = new Set<Socket>();
  const server = createNetServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnect(socket);
  });
  return listen(server, () => sockets.forEach((socket) => socket.destroy()));
};

const failureOf = async (running: Promise<unknown>): Promise<{ reason: string; sent: boolean }> => {
  const error = await running.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HttpClientError)) throw new Error('the call should have failed with a classified error');
  return { reason: error.reason, sent: error.sent };
};

describe('the HTTP client for calls of our own', () => {
  it('sends method, headers and body and gives status, headers and the whole body', async () => {
    const url = await http((request, response) => {
      request.on('data', (chunk: Buffer) => {
        response.writeHead(201, { 'x-seen': [request.method, request.headers['x-a'], chunk.toString()].join(' ') }).end('done');
      });
    });
    const response = await client().fetch(`${url}/p?q=1`, { method: 'POST', headers: { 'x-a': '1' }, body: 'a=b' });
    expect([response.status, response.headers.get('x-seen'), await response.text()]).toEqual([201, 'POST 1 a=b', 'done']);
  });

  it('gives an empty body for 204', async () => {
    const url = await http((_request, response) => response.writeHead(204).end());
    expect((await client().fetch(url)).status).toBe(204);
  });

  it('treats a redirect as an error and never follows it', async () => {
    let hits = 0;
    const url = await http((_request, response) => {
      hits++;
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect(await failureOf(client().fetch(url))).toEqual({ reason: 'redirect', sent: true });
    expect(hits).toBe(1);
  });

  it('stops reading a body that is larger than the bound', async () => {
    const url = await http((_request, response) => response.end(Buffer.alloc(1001)));
    expect(await failureOf(client().fetch(url))).toEqual({ reason: 'too_large', sent: true });
  });

  it('reads a body of exactly the bound', async () => {
    const url = await http((_request, response) => response.end(Buffer.alloc(1000)));
    expect((await (await client().fetch(url)).arrayBuffer()).byteLength).toBe(1000);
  });

  it('says that nothing was sent when the connection is refused', async () => {
    const url = await http(() => undefined);
    await cleanups.pop()?.();
    expect(await failureOf(client().fetch(url))).toEqual({ reason: 'refused', sent: false });
  });

  it.each([
    ['ENOTFOUND', 'dns'],
    ['EAI_AGAIN', 'dns'],
    ['UND_ERR_CONNECT_TIMEOUT', 'connect_timeout'],
    ['EHOSTUNREACH', 'connect'],
    ['CERT_HAS_EXPIRED', 'tls'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'tls'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
  ])('names %s before the request %s', (code, reason) => {
    expect(classifyFailure(Object.assign(new Error('with details'), { code }), false)).toMatchObject({
      reason,
      sent: false,
      message: reason,
    });
  });

  it('says that nothing was sent when the peer speaks no TLS', async () => {
    const url = await raw((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 no\r\n\r\n')));
    expect(await failureOf(client().fetch(url.replace('http:', 'https:')))).toEqual({ reason: 'tls', sent: false });
  });

  it('says that nothing was sent when the peer closes during the TLS handshake', async () => {
    const url = await raw((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect((await failureOf(client().fetch(url.replace('http:', 'https:')))).sent).toBe(false);
  });

  it('says that nothing was sent when the time is over during the TLS handshake', async () => {
    const url = await raw(() => undefined);
    const slow = client({ timeout: 30 });
    expect((await failureOf(slow.fetch(url.replace('http:', 'https:')))).sent).toBe(false);
  });

  it('calls a reset after the request ambiguous', async () => {
    const url = await raw((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await failureOf(client().fetch(url, { method: 'POST', body: 'a=b' }))).toEqual({ reason: 'reset', sent: true });
  });

  it('calls the reset of a kept connection ambiguous and does not repeat the request', async () => {
    let requests = 0;
    const url = await raw((socket) =>
      socket.on('data', () => {
        requests++;
        if (requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        else socket.resetAndDestroy();
      }),
    );
    const kept = client();
    await kept.fetch(url);
    expect(await failureOf(kept.fetch(url))).toEqual({ reason: 'reset', sent: true });
    expect(requests).toBe(2);
  });

  it('opens a connection for every POST, so that none is lost on a kept one that went stale', async () => {
    let connections = 0;
    const server = createHttpServer((_request, response) => response.end());
    server.on('connection', () => connections++);
    const url = await listen(server, () => server.closeAllConnections());
    const kept = client();
    await kept.fetch(url);
    const before = connections;
    await kept.fetch(url, { method: 'POST', body: 'a=b' });
    await kept.fetch(url, { method: 'POST', body: 'a=b' });
    expect(connections - before).toBe(2);
  });

  it('calls a body cut short ambiguous', async () => {
    const url = await raw((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc')));
    expect((await failureOf(client().fetch(url))).sent).toBe(true);
  });

  it('calls an unreadable answer ambiguous', async () => {
    const url = await raw((socket) => socket.once('data', () => socket.end('SMTP hello\r\n\r\n')));
    expect(await failureOf(client().fetch(url))).toEqual({ reason: 'protocol', sent: true });
  });

  it('calls silence after the request a timeout that was sent', async () => {
    const url = await http(() => undefined);
    expect(await failureOf(client({ timeout: 50 }).fetch(url))).toEqual({ reason: 'timeout', sent: true });
  });

  it('counts the body into the time limit', async () => {
    const url = await http((_request, response) => response.write('begun'));
    expect(await failureOf(client({ timeout: 50 }).fetch(url))).toEqual({ reason: 'timeout', sent: true });
  });

  it('sends nothing after it was closed', async () => {
    let hits = 0;
    const url = await http((_request, response) => {
      hits++;
      response.end();
    });
    const closed = client();
    await closed.close();
    expect(await failureOf(closed.fetch(url))).toEqual({ reason: 'closed', sent: false });
    expect(hits).toBe(0);
  });

  it('keeps URL and library error out of its errors', async () => {
    const url = await http(() => undefined);
    await cleanups.pop()?.();
    const error = await client()
      .fetch(`${url}/?code=canary`)
      .catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ message: 'refused' });
    expect('cause' in (error as object)).toBe(false);
  });

  it('refuses a certificate nobody vouches for, before anything is sent, and takes it when it was named', async () => {
    const certificate = loopbackCertificate(Date.now());
    let hits = 0;
    const server = createHttpsServer(certificate, (_request, response) => {
      hits++;
      response.end('ok');
    });
    const url = (await listen(server, () => server.closeAllConnections())).replace('http:', 'https:');
    expect(await failureOf(client().fetch(url, { method: 'POST', body: 'a=b' }))).toEqual({ reason: 'tls', sent: false });
    expect(hits).toBe(0);
    const trusting = client({ caFile: fileOf(certificate.cert) });
    expect((await trusting.fetch(url, { method: 'POST', body: 'a=b' })).status).toBe(200);
    expect((await trusting.fetch(url)).status).toBe(200);
  });

  it('speaks HTTP/1.1 also where HTTP/2 is offered: what was sent is known there only', async () => {
    const certificate = loopbackCertificate(Date.now());
    const server = createSecureServer({ ...certificate, allowHTTP1: true }, (request, response) => response.end(request.httpVersion));
    const url = (await listen(server, () => undefined)).replace('http:', 'https:');
    const trusting = client({ caFile: fileOf(certificate.cert) });
    expect(await (await trusting.fetch(url)).text()).toBe('1.1');
    await trusting.close();
  });

  it('goes through the egress proxy', async () => {
    const targets: string[] = [];
    const proxy = createHttpServer((request, response) => {
      targets.push(request.url ?? '');
      response.end('by proxy');
    });
    proxy.on('connect', (request, socket) => {
      targets.push(request.url ?? '');
      socket.end('HTTP/1.1 502 no\r\n\r\n');
    });
    const url = await listen(proxy, () => proxy.closeAllConnections());
    const failure = await failureOf(client({ proxy: url }).fetch('https://id.example.com/'));
    expect(failure).toEqual({ reason: 'connect', sent: false });
    expect(targets).toEqual(['id.example.com:443']);
  });

  it.each([
    ['gives no whole answer', 'HTTP/1.1 200'],
    ['answers rubbish', 'rubbish\r\n\r\n'],
    ['hangs up', ''],
  ])('has sent nothing when the egress proxy %s', async (_title, answer) => {
    const url = await raw((socket) => socket.once('data', () => socket.end(answer)));
    const failure = await failureOf(client({ proxy: url }).fetch('https://id.example.com/', { method: 'POST', body: 'a=b' }));
    expect(failure.sent).toBe(false);
  });

  it('has sent nothing when the egress proxy never answers', async () => {
    const url = await raw(() => undefined);
    const failure = await failureOf(client({ proxy: url, timeout: 100 }).fetch('https://id.example.com/', { method: 'POST', body: 'a=b' }));
    expect(failure).toEqual({ reason: 'timeout', sent: false });
  });

  it('sends nothing after it was closed, although its CA file has changed since', async () => {
    const [certificate, other] = [loopbackCertificate(Date.now()), loopbackCertificate(Date.now())];
    let hits = 0;
    const server = createHttpsServer(certificate, (_request, response) => {
      hits++;
      response.end('ok');
    });
    const url = (await listen(server, () => server.closeAllConnections())).replace('http:', 'https:');
    const caFile = fileOf(certificate.cert);
    const closed = client({ caFile });
    await closed.close();
    writeFileSync(caFile, certificate.cert + other.cert);
    expect(await failureOf(closed.fetch(url))).toEqual({ reason: 'closed', sent: false });
    expect(hits).toBe(0);
  });

  it('lets a call end that is under way when its CA file changes', async () => {
    const certificate = loopbackCertificate(Date.now());
    const waiting: (() => void)[] = [];
    const server = createHttpsServer(certificate, (request, response) => {
      if (request.url === '/slow') waiting.push(() => response.end('slow'));
      else response.end('quick');
    });
    const url = (await listen(server, () => server.closeAllConnections())).replace('http:', 'https:');
    const caFile = fileOf(certificate.cert);
    const outcomes: string[] = [];
    const trusting = client({ caFile, onAuthorities: ({ kind }) => outcomes.push(kind) });
    const slow = trusting.fetch(`${url}/slow`);
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    writeFileSync(caFile, certificate.cert + loopbackCertificate(Date.now()).cert);
    expect(await (await trusting.fetch(url)).text()).toBe('quick');
    waiting.forEach((answer) => answer());
    expect(await (await slow).text()).toBe('slow');
    expect(outcomes).toEqual(['renewed']);
  });
});
