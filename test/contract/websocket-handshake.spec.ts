import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { HeadDecision } from '../../src/proxy/forwarder.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { header, headers, RawClient } from '../support/raw-http.ts';
import { isOver, rawClient, RawWebSocketUpstream, turnsUntil, type RawEnd } from '../support/raw-websocket.ts';
import { ACCEPT, frame, HANDSHAKE, MASK, switching } from '../support/websocket-bytes.ts';
import { WebSocketStand, type WebSocketStandOptions } from '../support/websocket-stand.ts';

interface Ends {
  readonly client: RawClient;
  readonly end: RawEnd;
}

describe('WebSocketForwarder before the tunnel', () => {
  let upstream: RawWebSocketUpstream;
  let stand: WebSocketStand;

  beforeEach(async () => {
    upstream = await RawWebSocketUpstream.start();
  });

  afterEach(async () => {
    await stand.close();
    await upstream.close();
  });

  const open = async (options: Partial<WebSocketStandOptions> = {}): Promise<WebSocketStand> =>
    (stand = await WebSocketStand.open({ upstream: upstream.port, ...options }));
  const handshake = async (bytes = HANDSHAKE): Promise<RawClient> => (await RawClient.open(stand.port)).send(bytes);

  /** A handshake that has reached the upstream, which owes the answer. */
  async function unanswered(options: Partial<WebSocketStandOptions> = {}): Promise<Ends> {
    await open(options);
    const client = await handshake();
    return { client, end: await upstream.handshake() };
  }

  /** The client has the first bytes of a refusal's body. */
  async function halfRefused(options: Partial<WebSocketStandOptions> = {}): Promise<Ends> {
    const { client, end } = await unanswered(options);
    end.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\nnot');
    await client.until((it) => it.includes('not'));
    return { client, end };
  }

  /** A stand that waits for the decision about each head. */
  async function openUndecided(): Promise<{ isAsked: Promise<undefined>; decide: (it: HeadDecision) => void }> {
    const asked = Promise.withResolvers<undefined>();
    const decision = Promise.withResolvers<HeadDecision>();
    const onHead = (): Promise<HeadDecision> => {
      asked.resolve(undefined);
      return decision.promise;
    };
    await open({ plan: { onHead } });
    return { isAsked: asked.promise, decide: decision.resolve };
  }

  describe('when the upstream refuses', () => {
    it.each([
      [403, 'HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nnot here', 'not here'],
      [401, 'HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwho\r\n1\r\n?\r\n0\r\n\r\n', 'who?'],
      [302, 'HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n', ''],
      [426, 'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nold', 'old'],
      [200, 'HTTP/1.1 200 OK\r\n\r\nuntil the end', 'until the end'],
      [204, 'HTTP/1.1 204 No Content\r\n\r\n', ''],
    ])('passes a %i on with its body and closes both connections', async (status, bytes, body) => {
      const { client, end } = await unanswered();
      end.send(bytes);
      if (status === 200) end.socket.end();
      const answer = await client.answer();
      expect([answer.status, answer.body, header(answer, 'connection')]).toEqual([status, body, 'close']);
      await client.closed();
      await end.until(({ hasEnded }) => hasEnded);
      expect(await stand.end()).toBe('complete');
      expect(stand.told).toMatchObject({ heads: [status], failures: [], lives: [], ends: ['complete'] });
    });

    it('passes a body on that is larger than what the client reads at once, whole', async () => {
      const { client, end } = await unanswered();
      const body = 'x'.repeat(20_000_000);
      client.socket.pause();
      end.send(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`);
      await stand.until(({ heads }) => heads.length === 1);
      await turnsUntil(() => (stand.clients[0]?.writableLength ?? 0) > 0);
      client.socket.resume();
      expect((await client.answer()).body).toHaveLength(body.length);
      expect(await stand.end()).toBe('complete');
    });

    it('destroys the client’s connection when the upstream is lost in the midst of the body', async () => {
      const { client, end } = await halfRefused();
      end.socket.destroy();
      expect(await client.closed()).toMatch(/not$/);
      expect(await stand.end()).toBe('upstream_lost');
    });

    it('gives a body up in which nothing moves for the idle limit', async () => {
      const { client, end } = await unanswered({ plan: { idleTimeout: 30 } });
      end.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\nnot');
      await client.closed();
      await end.until(isOver);
      expect(await stand.end()).toBe('upstream_lost');
    });

    it('gives a client up that stops reading a body', async () => {
      const { client, end } = await unanswered({ plan: { idleTimeout: 30 } });
      client.socket.pause();
      end.send(`HTTP/1.1 403 Forbidden\r\nContent-Length: 20000000\r\n\r\n${'x'.repeat(20_000_000)}`);
      expect(await stand.end()).toBe('client_gone');
      await end.until(isOver);
    });

    it('gives a client up that does not take the end of a whole answer', async () => {
      await open({ plan: { idleTimeout: 30 } });
      await handshake();
      const end = await upstream.handshake();
      const [client] = stand.clients;
      if (client !== undefined) client._write = client._writev = () => undefined; // as if the kernel took nothing
      end.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\nnot here');
      expect(await stand.end()).toBe('complete');
      if (client?.closed === false) await once(client, 'close');
      expect(client?.closed).toBe(true);
    });

    it('notices that the client leaves though it has said a lot before', async () => {
      const { client } = await halfRefused();
      client.send(Buffer.alloc(1_000_000)).socket.end();
      expect(await stand.end()).toBe('client_gone');
    });

    it.each(['FIN', 'RST'] as const)('lets go of the upstream when the client leaves with %s during the body', async (how) => {
      const { client, end } = await halfRefused();
      if (how === 'FIN') client.socket.end();
      else client.socket.resetAndDestroy();
      expect(await stand.end()).toBe('client_gone');
      await end.until(isOver);
    });
  });

  describe('when the upstream does not speak WebSocket', () => {
    it.each([
      ['no accept', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'],
      ['another accept', switching('Sec-WebSocket-Key: other\r\n')],
      [
        'another protocol',
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
      ],
      ['no Upgrade', `HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`],
      ['no HTTP', 'hello\r\n\r\n'],
      ['a 100 that nobody asked for', 'HTTP/1.1 100 Continue\r\n\r\n'],
      ['a flood of interim answers', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(30)],
      ['a head without end', `HTTP/1.1 101 Switching Protocols\r\n${'x-a: 0123456789\r\n'.repeat(6_000)}`],
    ])('answers 502 upstream_protocol to a 101 with %s, and destroys its connection', async (_what, bytes) => {
      const { client, end } = await unanswered();
      end.send(bytes);
      const answer = await client.answer();
      expect([answer.status, answer.body]).toEqual([502, 'upstream_protocol']);
      await end.until(isOver);
      expect(stand.told).toMatchObject({ heads: [], lives: [], ends: ['failed'] });
      expect(stand.told.failures).toHaveLength(1);
    });

    it('answers 502 when the client sent no key that an accept could prove', async () => {
      await open();
      const client = await handshake(HANDSHAKE.replace(/Sec-WebSocket-Key.*\r\n/, ''));
      (await upstream.handshake()).send(switching(`Sec-WebSocket-Key: \r\n`));
      expect((await client.answer()).status).toBe(502);
    });
  });

  describe('when the upstream cannot be had', () => {
    it.each([
      ['ECONNREFUSED', 502, 'upstream_unreachable'],
      ['ETIMEDOUT', 504, 'upstream_timeout'],
      ['CERT_HAS_EXPIRED', 502, 'upstream_unreachable'],
    ])('answers a dial that fails with %s by %i', async (code, status, name) => {
      await open({ dial: () => Promise.reject(Object.assign(new Error('secret words'), { code })) });
      const answer = await (await handshake()).answer();
      expect([answer.status, answer.body]).toEqual([status, name]);
      expect(stand.told).toMatchObject({ failures: [{ code: name, cause: code }], ends: ['failed'] });
    });

    it.each(['FIN', 'RST'] as const)('answers 502 when it closes with %s before its answer', async (how) => {
      const { client, end } = await unanswered();
      if (how === 'FIN') end.socket.end();
      else end.socket.resetAndDestroy();
      expect((await client.answer()).body).toBe('upstream_unreachable');
      expect(stand.told.ends).toEqual(['failed']);
    });

    it('answers 504 when it says nothing within the limit, and destroys its connection', async () => {
      const clock = new ManualClock();
      const { client, end } = await unanswered({ timer: clock, plan: { headersTimeout: 700 } });
      await clock.advance(699);
      expect(stand.told.failures).toEqual([]);
      await clock.advance(1);
      expect((await client.answer()).body).toBe('upstream_timeout');
      await end.until(isOver);
      expect(stand.told).toMatchObject({ failures: [{ cause: 'headers_timeout' }], ends: ['failed'] });
      expect(clock.pending).toBe(0);
    });

    it('makes exactly one attempt', async () => {
      const { client, end } = await unanswered();
      end.socket.resetAndDestroy();
      await client.answer();
      expect(upstream.ends).toHaveLength(1);
    });
  });

  describe('when the client leaves', () => {
    it.each(['FIN', 'RST'] as const)('lets go of the upstream after a %s while it waits for the answer', async (how) => {
      const { client, end } = await unanswered();
      if (how === 'FIN') client.socket.end();
      else client.socket.resetAndDestroy();
      await end.until(isOver);
      expect(await stand.end()).toBe('client_gone');
      await client.closed();
      expect(stand.told).toMatchObject({ heads: [], failures: [], ends: ['client_gone'] });
    });

    it('dials nobody for a client that had left before', async () => {
      await open({
        before: async (socket) => {
          await once(socket.resume(), 'end');
        },
      });
      const client = await handshake();
      client.socket.end();
      await client.closed();
      expect(await stand.end()).toBe('client_gone');
      expect([stand.upstreams, upstream.ends]).toEqual([[], []]);
    });

    it('closes a connection that is dialled only after it has left', async () => {
      let dialled: (port: number) => void = () => undefined;
      const when = new Promise<number>((resolve) => (dialled = resolve));
      await open({
        dial: async () => {
          const socket = connect({ port: await when, host: '127.0.0.1' });
          await once(socket, 'connect');
          return socket;
        },
      });
      const client = await handshake();
      await stand.until(() => true);
      client.socket.end();
      expect(await stand.end()).toBe('client_gone');
      dialled(upstream.port);
      await turnsUntil(() => upstream.ends.length > 0);
      await upstream.ends[0]?.until(isOver);
      expect(upstream.ends[0]?.received).toHaveLength(0);
    });
  });

  describe('the decision about the head', () => {
    it('writes the decided headers on the 101', async () => {
      await open({
        plan: { onHead: () => ({ kind: 'head', headers: ['sec-websocket-accept', ACCEPT, 'set-cookie', 'a=1', 'set-cookie', 'b=2'] }) },
      });
      const client = await handshake();
      await upstream.accept();
      const answer = await client.until((it) => it.includes('\r\n\r\n'));
      expect(answer).toBe(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nsec-websocket-accept: ${ACCEPT}\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n`,
      );
      client.destroy();
    });

    it('keeps several Set-Cookie lines of the upstream apart', async () => {
      const { client, end } = await unanswered();
      end.send('HTTP/1.1 403 Forbidden\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n');
      expect(headers(await client.answer(), 'set-cookie')).toEqual(['a=1', 'b=2']);
    });

    it('waits for a decision, and keeps what the upstream sends meanwhile', async () => {
      const { isAsked, decide } = await openUndecided();
      const client = await rawClient(stand.port);
      const end = await upstream.accept(0, frame('first'));
      await isAsked;
      end.send(frame('second'));
      expect(client.received).toHaveLength(0);
      decide({ kind: 'head', headers: [] });
      await client.readHead();
      await client.until(({ frames }) => frames.length === 2);
      expect(client.frames.map(({ payload }) => String(payload))).toEqual(['first', 'second']);
    });

    it.each(['client', 'upstream'] as const)('ends well when the %s is reset while it is being made', async (who) => {
      const { isAsked, decide } = await openUndecided();
      const client = await handshake();
      const end = await upstream.accept();
      await isAsked;
      if (who === 'client') {
        client.socket.resetAndDestroy();
        expect(await stand.end()).toBe('client_gone');
        decide({ kind: 'head', headers: [] });
        await end.until(isOver);
        expect(stand.told.lives).toEqual([]);
      } else {
        const [dialled] = stand.upstreams;
        dialled?.resume(); // a paused socket does not notice
        end.socket.resetAndDestroy();
        await turnsUntil(() => dialled?.destroyed === true);
        decide({ kind: 'head', headers: [] });
        expect((await client.answer()).body).toBe('upstream_unreachable');
      }
    });

    it('answers a refused head with 502 and its detail', async () => {
      await open({ plan: { onHead: () => ({ kind: 'refused', detail: 'why' }) } });
      const client = await handshake();
      await upstream.accept();
      expect((await client.answer()).body).toBe('upstream_protocol');
      expect(stand.told).toMatchObject({ failures: [{ cause: 'head_refused' }], ends: ['failed'] });
    });

    it('answers 500 when a decided header could be read as two lines', async () => {
      await open({ plan: { onHead: () => ({ kind: 'head', headers: ['x-a', 'b\r\nset-cookie: c=d'] }) } });
      const client = await handshake();
      await upstream.accept();
      expect((await client.answer()).body).toBe('internal_error');
      expect(stand.told.ends).toEqual(['failed']);
    });

    it('leaves the client’s connection as it was when the answer is discarded, early bytes included', async () => {
      await open({ plan: { onHead: () => ({ kind: 'discard' }) } });
      const early = frame('too early', { mask: MASK });
      const client = await handshake();
      const end = await upstream.handshake();
      client.send(early);
      const [socket] = stand.clients;
      await turnsUntil(() => socket?.bytesRead === HANDSHAKE.length + early.length);
      end.send('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
      expect(await stand.end()).toBe('discarded');
      await end.until(isOver);
      expect([socket?.destroyed, socket?.listenerCount('data')]).toEqual([false, 0]);
      expect(socket?.read()).toEqual(early);
    });
  });

  describe('bytes that came too early', () => {
    it('go upstream behind its 101 and never before, whether in the packet of the handshake or after it', async () => {
      await open();
      const first = frame('in the same packet', { mask: MASK });
      const second = frame('while it waits', { mask: MASK });
      const client = await rawClient(stand.port, first);
      const end = await upstream.handshake();
      client.send(second);
      const [socket] = stand.clients;
      await turnsUntil(() => socket?.bytesRead === HANDSHAKE.length + first.length + second.length);
      expect(end.received).toHaveLength(0);
      end.send(switching(end.head));
      await end.until(({ frames }) => frames.length === 2);
      expect(end.frames.map(({ payload }) => String(payload))).toEqual(['in the same packet', 'while it waits']);
      client.socket.destroy();
    });

    it('are kept up to a bound only', async () => {
      await open();
      const client = await handshake();
      await upstream.handshake();
      const flood = frame(Buffer.alloc(8_000_000), { mask: MASK });
      client.send(flood);
      const [socket] = stand.clients;
      await turnsUntil(() => socket?.isPaused() === true);
      const read = socket?.bytesRead ?? 0;
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
      expect((socket?.bytesRead ?? 0) - read).toBeLessThanOrEqual(128 * 1024);
      expect(read).toBeLessThan(512 * 1024);
      client.destroy();
    });

    it('of the upstream follow the 101', async () => {
      await open();
      const client = await rawClient(stand.port);
      await upstream.accept(0, frame('welcome'));
      await client.readHead();
      await client.until(({ frames }) => frames.length === 1);
      expect(String(client.frames[0]?.payload)).toBe('welcome');
      client.socket.destroy();
    });

    it('are thrown away when the upstream refuses', async () => {
      const { client, end } = await unanswered();
      client.send('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n');
      end.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
      expect((await client.answer()).status).toBe(403);
      expect(await client.closed()).toBe('');
      await end.until(isOver);
      expect(end.received).toHaveLength(0);
    });
  });
});
