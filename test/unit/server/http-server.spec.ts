import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import { listenOn } from '../../../src/ops/listen.ts';
import { createHttpServer } from '../../../src/server/http-server.ts';
import { RawClient } from '../../support/raw-http.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

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

  async function open(listener: RequestListener, limits: { keepAliveTimeout?: number; bodyIdleTimeout?: number }): Promise<void> {
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
      { listener, upgrade: never, onBodyIdle: never, loginUrl: '/bff/login', nextRequestId: () => 'id', clearAll: () => [] },
    );
    const { port } = await listenOn(server, { host: '127.0.0.1', port: 0 }, 'listen.port');
    isClosed = once(server, 'connection').then(([socket]) => once(socket as Socket, 'close'));
    client = await RawClient.open(port);
  }

  it.each([
    ['one large answer', 1],
    ['many small ones', 2_000],
  ])('closes the connection of a client that does not read %s', async (_, count) => {
    await open((_request, response) => response.end(Buffer.alloc(count === 1 ? 50_000_000 : 50_000)), { bodyIdleTimeout: 100 });
    client.socket.pause();
    client.send(GET.repeat(count));
    await isClosed;
  });

  it('closes the connection when it is the turn of a pipelined answer that was cut off before', async () => {
    let finishFirst: () => void = () => undefined;
    await open((request, response) => {
      if (request.url === '/') finishFirst = () => response.end('first');
      else {
        response.write('part');
        response.destroy();
        finishFirst();
      }
    }, {});
    client.send(GET + GET.replace('/', '/second'));
    const received = await client.closed();
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nfirst/s);
    expect(received).not.toContain('0\r\n\r\n');
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
