import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContext } from 'node:tls';
import { UndiciForwarder } from '../../src/proxy/undici-forwarder.ts';
import { loopbackCertificate } from '../support/loopback-certificate.ts';
import { SeededRandom } from '../support/random.ts';
import { GET } from './forwarder/case.ts';
import { ForwarderStage } from './forwarder/stage.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const requestOf = (method: string, rest = '\r\n'): string => `${method} /x HTTP/1.1\r\nHost: a\r\n${rest}`;

/** Answers the first request of each connection; what it does with a later one is up to the test. */
function keeping(later: (socket: Socket) => void): (socket: Socket) => void {
  const used = new WeakSet<Socket>();
  return (socket) => {
    if (used.has(socket)) return later(socket);
    used.add(socket);
    socket.write(OK);
  };
}

/** How a kept connection ends that had been given up by the upstream. */
const LOSSES: readonly (readonly [string, (socket: Socket) => void])[] = [
  ['closed', (socket) => socket.end()],
  ['reset', (socket) => socket.resetAndDestroy()],
];

describe('undici forwarder, on a kept connection', () => {
  let stage: ForwarderStage;

  beforeEach(() => {
    stage = new ForwarderStage((origin, limits) => new UndiciForwarder({ origin, ...limits }));
  });
  afterEach(() => stage.close());

  describe.each(LOSSES)('that is %s when the request comes', (_, lose) => {
    it.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY'])(
      'sends a %s without a body once more, on a new connection',
      async (method) => {
        const { raw, port } = await stage.withRaw(keeping(lose));
        const client = await stage.client(port);
        const first = await client.send(GET).answer();
        const second = await client.send(requestOf(method)).answer({ bodiless: method === 'HEAD' });
        expect([first.status, second.status, stage.seenHeads, stage.failures]).toEqual([200, 200, [200, 200], []]);
        expect([raw.connections, raw.heads.map((it) => it.slice(0, it.indexOf(' ')))]).toEqual([2, ['GET', method, method]]);
      },
    );

    it.each([
      ['a POST', requestOf('POST')],
      ['a PATCH', requestOf('PATCH')],
      ['a GET with a body', requestOf('GET', 'Content-Length: 2\r\n\r\nhi')],
      ['a PUT with a chunked body', requestOf('PUT', 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n')],
    ])('never sends %s twice', async (_what, request) => {
      const { raw, port } = await stage.withRaw(keeping(lose));
      const client = await stage.client(port);
      await client.send(GET).answer();
      const answer = await client.send(request).answer();
      expect([answer.status, answer.body, stage.failures.length]).toEqual([502, 'upstream_unreachable', 1]);
      expect([raw.connections, raw.heads.filter((it) => it.includes(' /x ')).length]).toEqual([1, 2]);
    });
  });

  // undici waits for one turn of the event loop before it uses an idle connection again: the loss falls into that turn.
  describe.each(LOSSES)('that is %s before a byte of the request has gone out', (_, lose) => {
    it.each([
      ['a GET', requestOf('GET')],
      ['a POST without a body', requestOf('POST', 'Content-Length: 0\r\n\r\n')],
      ['a POST', requestOf('POST', 'Content-Length: 2\r\n\r\nhi')],
      ['a PATCH with a chunked body', requestOf('PATCH', 'Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n')],
    ])('sends %s on a new connection, once', async (_what, request) => {
      const sockets: Socket[] = [];
      stage = new ForwarderStage((origin, limits) => {
        const forwarder = new UndiciForwarder({ origin, ...limits });
        return {
          close: () => forwarder.close(),
          forward: (...given) =>
            void setImmediate(() => {
              for (const it of sockets.splice(0)) lose(it);
              forwarder.forward(...given);
            }),
        };
      });
      const { raw, port } = await stage.withRaw((socket, head) => {
        if (!head.includes(' HTTP/1.1\r\n')) return; // a body behind its head
        sockets.push(socket);
        socket.write(OK);
      });
      const client = await stage.client(port);
      const first = await client.send(GET).answer();
      const second = await client.send(request).answer();
      expect([first.status, second.status, stage.failures, raw.connections]).toEqual([200, 200, [], 2]);
      expect(raw.heads.filter((it) => it.includes(' /x HTTP/1.1\r\n'))).toHaveLength(2);
      await stage.until(() => raw.heads.join('').includes('hi') || !request.includes('hi'));
    });
  });

  it.each(LOSSES)('takes another one that is there, rather than make one in the place of one that was %s meanwhile', async (_, lose) => {
    const sockets: Socket[] = [];
    const { raw, port } = await stage.withRaw((socket) => {
      if (!sockets.includes(socket)) sockets.push(socket);
      if (sockets.length === 2) for (const it of sockets) it.write(OK);
    });
    const clients = [await stage.client(port), await stage.client(port)];
    for (const client of clients) client.send(GET);
    for (const client of clients) expect((await client.answer()).status).toBe(200);
    const [kept, used] = sockets;
    if (kept === undefined || used === undefined) throw new Error('two requests at once make two connections');
    lose(used);
    await new Promise((resolve) => setTimeout(resolve, 20));
    sockets.length = 0;
    sockets.push(kept);
    clients[0]?.send(GET);
    await stage.until(() => raw.heads.length === 3);
    kept.write(OK);
    expect([(await clients[0]?.answer())?.status, raw.connections]).toEqual([200, 2]);
  });

  it('gives up when the new connection is lost too', async () => {
    let requests = 0;
    const { raw, port } = await stage.withRaw((socket) => (++requests === 1 ? socket.write(OK) : socket.destroy()));
    const client = await stage.client(port);
    await client.send(GET).answer();
    const answer = await client.send(GET).answer();
    expect([answer.status, stage.failures.length, raw.heads.length]).toEqual([502, 1, 3]);
  });

  it('does not try again once a byte of an answer has come, an interim one included', async () => {
    for (const bytes of ['H', 'HTTP/1.1 102 Processing\r\n\r\n', 'HTTP/1.1 200 OK\r\nX-']) {
      const { raw, port } = await stage.withRaw(keeping((socket) => socket.end(bytes)));
      const client = await stage.client(port);
      await client.send(GET).answer();
      expect([(await client.send(GET).answer()).status, raw.heads.length]).toEqual([502, 2]);
    }
  });

  it('does not try again when the head does not come in time', async () => {
    stage.plan = { headersTimeout: 50 };
    const { raw, port } = await stage.withRaw(keeping(() => undefined));
    const client = await stage.client(port);
    await client.send(GET).answer();
    expect([(await client.send(GET).answer()).status, raw.heads.length]).toEqual([504, 2]);
  });

  it('does not try again for a client that has left', async () => {
    let upstream: Socket | undefined;
    const { raw, port } = await stage.withRaw(keeping((socket) => (upstream = socket)));
    const client = await stage.client(port);
    await client.send(GET).answer();
    client.send(GET);
    await stage.until(() => upstream !== undefined);
    client.destroy();
    upstream?.end();
    await stage.until(() => stage.ends.length === 2);
    // Another client's request would come after a second attempt of the first.
    await stage.exchange(port, GET);
    expect([stage.ends, raw.heads.length]).toEqual([['complete', 'client_gone', 'complete'], 3]);
  });

  it('answers every one of 200 requests while the upstream closes its connections at random moments', async () => {
    const random = new SeededRandom(12);
    let current: Socket | undefined;
    let losing: (() => void) | undefined;
    const { raw, port } = await stage.withRaw((socket) => {
      // A request that is the first of its connection is answered, as by an upstream that is well.
      if (socket === current && losing !== undefined) return losing();
      current = socket;
      socket.write(OK);
    });
    const client = await stage.client(port);
    const statuses: number[] = [];
    for (let n = 0; n < 200; n++) {
      const kept = current;
      const moment = random.integer(5);
      // A reset may overtake the answer that was sent before it: then bytes came, and that is no stale connection.
      const [, lose] = random.pick(moment < 2 ? LOSSES : LOSSES.slice(0, 1));
      // Only once each: a reset behind an end leaves a handle that Node waits for without end when the process exits.
      const now = (): void => (kept === undefined || kept.writableEnded || kept.destroyed ? undefined : lose(kept));
      losing = moment === 0 ? now : undefined;
      if (moment === 1) now();
      client.send(GET);
      if (moment === 2) now();
      if (moment === 3) setImmediate(now);
      statuses.push((await client.answer()).status);
    }
    expect(statuses).toEqual(Array.from({ length: 200 }, () => 200));
    expect(stage.seenHeads).toHaveLength(200);
    expect([raw.heads.length > 200, raw.heads.length <= 400]).toEqual([true, true]);
  });
});

describe('undici forwarder, on a new connection', () => {
  it.each(LOSSES)('makes one attempt only: %s', async (_, lose) => {
    const stage = new ForwarderStage((origin, limits) => new UndiciForwarder({ origin, ...limits }));
    const { raw, port } = await stage.withRaw(lose);
    const answer = await stage.exchange(port, GET);
    expect([answer.status, raw.heads.length, stage.failures.length]).toEqual([502, 1, 1]);
    await stage.close();
  });
});

describe('undici forwarder, over TLS', () => {
  const certificate = loopbackCertificate(Date.now());
  const context = createSecureContext({ ca: certificate.cert });
  const heads: string[] = [];
  const server = createServer(certificate, (socket) => {
    const answer = keeping(() => socket.end());
    socket.on('error', () => undefined); // resets are part of the play
    socket.on('data', (chunk) => {
      heads.push(chunk.toString('latin1'));
      answer(socket);
    });
  });
  let stage: ForwarderStage;
  let next: () => SecureContext | Promise<SecureContext>;

  beforeEach(async () => {
    heads.length = 0;
    next = () => context;
    stage = new ForwarderStage((origin, limits) => new UndiciForwarder({ origin, ...limits, tls: { context: () => next() } }));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    await stage.close();
    await new Promise((resolve) => server.close(resolve));
  });

  const open = (): Promise<number> => stage.open(`https://127.0.0.1:${String((server.address() as AddressInfo).port)}`);

  it('sends a request once more when its kept connection is closed', async () => {
    const client = await stage.client(await open());
    await client.send(GET).answer();
    const second = await client.send(GET).answer();
    expect([second.status, second.body, heads.length, stage.seenHeads]).toEqual([200, 'ok', 3, [200, 200]]);
  });

  it('does not send it when the client leaves while the new connection is made', async () => {
    const client = await stage.client(await open());
    await client.send(GET).answer();
    const { promise, resolve } = Promise.withResolvers<SecureContext>();
    let isAsked = false;
    next = () => {
      isAsked = true;
      return promise;
    };
    client.send(GET);
    await stage.until(() => isAsked);
    client.destroy();
    await stage.until(() => stage.ends.length === 2);
    resolve(context);
    // What had been sent there would be here before this.
    await stage.exchange(await open(), GET);
    expect([stage.ends, heads.length]).toEqual([['complete', 'client_gone', 'complete'], 3]);
  });
});
