import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import { Socket } from 'node:net';
import { listenOn } from '../../../src/ops/listen.ts';
import { createHttpServer } from '../../../src/server/http-server.ts';
import { RawClient } from '../../support/raw-http.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const post = (version: string, ...lines: string[]): string =>
  [`POST / HTTP/${version}`, 'Host: a', 'Content-Length: 8', ...lines, '', ''].join('\r\n');

describe('the http server', () => {
  let server: Server;
  let client: RawClient;
  let isClosed: Promise<unknown>;

  afterEach(async () => {
    client.destroy();
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });

  async function open(
    listener: RequestListener,
    limits: { keepAliveTimeout?: number; bodyIdleTimeout?: number },
    side: { heldOpen?: boolean } = {},
  ): Promise<void> {
    const options = {
      maxHeaderSize: 16_384,
      headersTimeout: 60_000,
      keepAliveTimeout: 60_000,
      bodyIdleTimeout: 60_000,
      maxConnections: 10,
    };
    const never = (): never => {
      throw new Error('not in these tests');
    };
    server = createHttpServer(
      { ...options, ...limits },
      { listener, upgrade: never, onBodyLost: never, loginUrl: '/bff/login', nextRequestId: () => 'id', clearAll: () => [] },
    );
    const { port } = await listenOn(server, { host: '127.0.0.1', port: 0 }, 'listen.port');
    isClosed = once(server, 'connection').then(([socket]) => once(socket as Socket, 'close'));
    client = await RawClient.open(port, side);
  }

  it.each([
    ['one large answer', 1],
    ['one of several', 30],
  ])('closes the connection of a client that does not read %s', async (_, count) => {
    await open((_request, response) => response.end(Buffer.alloc(50_000_000 / count)), { bodyIdleTimeout: 100 });
    client.socket.pause();
    client.send(GET.repeat(count));
    await isClosed;
  });

  it('closes the connection behind an answer that breaks off: what was sent ahead is never taken for the rest of it', async () => {
    const seen: (string | undefined)[] = [];
    await open((request, response) => {
      seen.push(request.url);
      response.write('part');
      setImmediate(() => response.destroy());
    }, {});
    const received = await client.send(GET + GET.replace('/', '/second')).closed();
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n4\r\npart\r\n$/s);
    expect(seen).toEqual(['/']);
  });

  describe('after an answer that comes while the client still sends its body', () => {
    const refuse: RequestListener = (_request, response) => response.writeHead(413, { 'content-length': 3 }).end('big');
    const ended = (): Promise<unknown> => once(client.socket, 'end');

    it.each<[string, string, RequestListener]>([
      ['the client wants closed', post('1.1', 'Connection: close'), refuse],
      ['of HTTP/1.0', post('1.0'), refuse],
      ['that we want closed', post('1.1'), (_request, response) => response.writeHead(413, { connection: 'close' }).end('big')],
    ])('ends only our half of a connection %s, and throws the rest away', async (_, head, listener) => {
      await open(listener, {}, { heldOpen: true });
      const half = ended();
      expect((await client.send(`${head}part`).answer()).status).toBe(413);
      await half;
      for (const piece of ['r', 'e', 's']) {
        client.send(piece);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      client.send('t');
      await isClosed;
      client.socket.end();
      await client.closed();
      expect(client.wasReset).toBe(false);
    });

    it('never reads on behind that body', async () => {
      const seen: string[] = [];
      const listener: RequestListener = (request, response) => {
        seen.push(request.method ?? '');
        request.resume();
        setImmediate(() => {
          response.shouldKeepAlive = false; // known only after the listener
          response.end('last');
        });
      };
      await open(listener, {}, { heldOpen: true });
      const half = ended();
      client.send(post('1.1'));
      await half;
      client.send(`12345678${GET}${GET}`);
      await isClosed;
      expect(seen).toEqual(['POST']);
    });

    it('closes the connection of a client that neither goes on nor ends', async () => {
      await open(refuse, { bodyIdleTimeout: 50 }, { heldOpen: true });
      client.send(post('1.1', 'Connection: close'));
      await isClosed;
      expect(await client.until((it) => it.endsWith('big'))).toMatch(/^HTTP\/1\.1 413 /);
    });
  });

  it('resets an answer without a length that its HTTP/1.0 client does not take: its end in order would be the whole of it', async () => {
    await open((_request, response) => response.write(Buffer.alloc(50_000_000)), { bodyIdleTimeout: 100 });
    client.socket.pause();
    client.send(GET.replace('1.1', '1.0'));
    await isClosed;
    client.socket.resume();
    await client.closed();
    expect(client.wasReset).toBe(true);
  });

  it('has the system ask silent clients for signs of life, with patience', async () => {
    const asked = jest.spyOn(Socket.prototype, 'setKeepAlive');
    await open((_request, response) => response.end('ok'), {});
    await client.send(GET).answer();
    expect(asked.mock.calls).toEqual([[true, 60_000, 10_000, 6]]);
    asked.mockRestore();
  });

  it('leaves a silent answer alone where the idle limit happens to equal the time between two requests', async () => {
    const limits = { keepAliveTimeout: 1, bodyIdleTimeout: 1_001 };
    await open((_request, response) => void setTimeout(() => response.end('late'), 1_300), limits);
    expect((await client.send(GET).answer()).body).toBe('late');
  });

  it('leaves a silent answer alone as long as nothing of it waits for its client', async () => {
    await open(
      (_request, response) => {
        response.write('first');
        setTimeout(() => response.end('last'), 300);
      },
      { bodyIdleTimeout: 50 },
    );
    expect((await client.send(GET).answer()).body).toBe('firstlast');
  });

  it('closes a connection between two requests after the keep-alive timeout', async () => {
    await open((_request, response) => response.end('ok'), { keepAliveTimeout: 1 });
    expect((await client.send(GET).answer()).body).toBe('ok');
    await isClosed;
  });
});
