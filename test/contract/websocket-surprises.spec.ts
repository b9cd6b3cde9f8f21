import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { Timer } from '../../src/kernel/timer.ts';
import type { ForwardPlan, HeadDecision } from '../../src/proxy/forwarder.ts';
import { header, RawClient } from '../support/raw-http.ts';
import { isOver, rawClient, RawWebSocketUpstream, turnsUntil, type RawEnd } from '../support/raw-websocket.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { clientClose, HANDSHAKE, serverClose } from '../support/websocket-bytes.ts';
import { WebSocketStand, type WebSocketStandOptions } from '../support/websocket-stand.ts';

class Surprise extends Error {
  override readonly name = 'Surprise';
}

const surprise = (): never => {
  throw new Surprise();
};

/** An error that leaves a listener or a timer ends the process, and with it the test. */
describe('WebSocketForwarder when something happens that nobody expects', () => {
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

  async function unanswered(plan: Partial<ForwardPlan> = {}): Promise<{ client: RawClient; end: RawEnd }> {
    await open({ plan });
    const client = (await RawClient.open(stand.port)).send(HANDSHAKE);
    return { client, end: await upstream.handshake() };
  }

  /** What the log says of them. */
  const surprises = (): unknown[] => stand.logger.of('websocket_error').map(({ fields }) => fields['error']);

  /** Nothing of the exchange is left; `close` would wait for what is. */
  async function nothingIsLeft(end: RawEnd): Promise<void> {
    await end.until(isOver);
    await turnsUntil(() => [...stand.clients, ...stand.upstreams].every(({ destroyed }) => destroyed));
    await stand.forwarder.close();
  }

  describe('in a head', () => {
    it.each([
      ['a status of 099', 'HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n'],
      ['a status of 000', 'HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n'],
      ['a status of 1', 'HTTP/1.1 1 X\r\nContent-Length: 0\r\n\r\n'],
      ['a status of 1000', 'HTTP/1.1 1000 X\r\nContent-Length: 0\r\n\r\n'],
      ['a negative status', 'HTTP/1.1 -99 X\r\nContent-Length: 0\r\n\r\n'],
      ['no status', 'HTTP/1.1 \r\nContent-Length: 0\r\n\r\n'],
      ['a version of its own', 'HTTP/2.7 200 OK\r\nContent-Length: 0\r\n\r\n'],
      ['a control character in a value', 'HTTP/1.1 200 OK\r\nX-A: a\u0001b\r\nContent-Length: 0\r\n\r\n'],
      ['a name that is none', 'HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 0\r\n\r\n'],
    ])('such as %s, it answers 502 upstream_protocol', async (_what, bytes) => {
      const { client, end } = await unanswered();
      end.send(Buffer.from(bytes, 'latin1'));
      const answer = await client.answer();
      expect([answer.status, answer.body]).toEqual([502, 'upstream_protocol']);
      await client.closed();
      await nothingIsLeft(end);
      expect(stand.told).toMatchObject({ heads: [], lives: [], failures: [{ code: 'upstream_protocol' }], ends: ['failed'] });
    });

    it('such as an unknown status of three digits, it passes that on, without its reason', async () => {
      const { client, end } = await unanswered();
      end.send('HTTP/1.1 999 Unheard\u0001Of\r\n__proto__: a\r\nconstructor: b\r\nContent-Length: 2\r\n\r\nok');
      expect(await client.until((it) => it.includes('\r\n\r\n'))).toMatch(/^HTTP\/1\.1 999 unknown\r\n/);
      const answer = await client.answer();
      expect([answer.status, answer.body, header(answer, 'constructor')]).toEqual([999, 'ok', 'b']);
      await nothingIsLeft(end);
      expect(stand.told).toMatchObject({ failures: [], ends: ['complete'] });
    });
  });

  describe('in the decision about a head', () => {
    it.each<[string, () => HeadDecision | Promise<HeadDecision>, string]>([
      ['throws', surprise, 'Surprise'],
      ['rejects', () => Promise.reject(new Surprise()), 'Surprise'],
      ['names a header that is none', () => ({ kind: 'head', headers: ['x a', 'b'] }), 'ERR_INVALID_HTTP_TOKEN'],
      ['has a value of two lines', () => ({ kind: 'head', headers: ['x-a', 'b\r\nc: d'] }), 'ERR_INVALID_CHAR'],
      ['has such a value later', () => Promise.resolve({ kind: 'head', headers: ['x-a', 'b\r\nc: d'] }), 'ERR_INVALID_CHAR'],
      ['has a value beyond latin1', () => ({ kind: 'head', headers: ['x-a', '\u20ac'] }), 'ERR_INVALID_CHAR'],
    ])('that %s, it answers 500 to a refusal and to a switch alike', async (_what, onHead, cause) => {
      await open({ plan: { onHead } });
      for (const [at, answerBy] of ['HTTP/1.1 204 No Content\r\n\r\n', undefined].entries()) {
        const client = (await RawClient.open(stand.port)).send(HANDSHAKE);
        const end = await (answerBy === undefined ? upstream.accept(at) : upstream.handshake(at));
        if (answerBy !== undefined) end.send(answerBy);
        const answer = await client.answer();
        expect([answer.status, answer.body]).toEqual([500, 'internal_error']);
        await client.closed();
        await end.until(isOver);
        expect(stand.told.failures[at]).toEqual({ code: 'internal_error', cause });
      }
      expect(stand.told.ends).toEqual(['failed', 'failed']);
      await turnsUntil(() => [...stand.clients, ...stand.upstreams].every(({ destroyed }) => destroyed));
      await stand.forwarder.close();
    });

    it('takes a late surprise for nothing once the client has left', async () => {
      const decision = Promise.withResolvers<HeadDecision>();
      const { client, end } = await unanswered({ onHead: () => decision.promise });
      end.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
      await turnsUntil(() => (stand.upstreams[0]?.bytesRead ?? 0) > 40);
      client.destroy();
      expect(await stand.end()).toBe('client_gone');
      decision.reject(new Surprise());
      await nothingIsLeft(end);
      expect(stand.told).toMatchObject({ failures: [], ends: ['client_gone'] });
    });
  });

  it('in a dial that throws at once, it answers 500', async () => {
    await open({ dial: surprise });
    const client = (await RawClient.open(stand.port)).send(HANDSHAKE);
    expect((await client.answer()).body).toBe('internal_error');
    await client.closed();
    await stand.forwarder.close();
    expect(stand.told).toMatchObject({ failures: [{ cause: 'Surprise' }], ends: ['failed'] });
  });

  describe('in its owner', () => {
    it.each<[string, string, (client: RawClient, end: RawEnd) => unknown]>([
      ['an answer', 'HTTP/1.1 099 X\r\n\r\n', () => undefined],
      ['an interim answer', 'HTTP/1.1 100 Continue\r\n\r\n', () => undefined],
      ['what is no answer', 'hello\r\n\r\n', () => undefined],
      ['a body', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno', () => undefined],
      ['a body that is cut', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nn', (_client, { socket }) => socket.destroy()],
      ['a client that leaves', '', (client) => client.socket.end()],
      ['an upstream that leaves', '', (_client, { socket }) => socket.end()],
    ])('which throws when it is told of %s, it closes both connections', async (_what, bytes, act) => {
      let asked = 0;
      const told = (): never => {
        asked++;
        return surprise();
      };
      const { client, end } = await unanswered({ onFailure: told, onEnd: told });
      if (bytes !== '') end.send(bytes);
      await turnsUntil(() => (stand.upstreams[0]?.bytesRead ?? 0) >= bytes.length);
      act(client, end);
      await client.closed();
      await nothingIsLeft(end);
      expect(asked).toBeGreaterThan(0);
      expect(surprises()).toHaveLength(asked);
    });

    it('which throws when its dial fails, it closes the connection', async () => {
      await open({ dial: () => Promise.reject(new Surprise()), plan: { onFailure: surprise } });
      const client = (await RawClient.open(stand.port)).send(HANDSHAKE);
      await client.closed();
      await stand.forwarder.close();
      expect(stand.told.ends).toEqual(['failed']);
    });

    it('which throws when the time for an answer is over, it closes both connections', async () => {
      const clock = new ManualClock();
      await open({ timer: clock, plan: { headersTimeout: 700, onFailure: surprise } });
      const client = (await RawClient.open(stand.port)).send(HANDSHAKE);
      const end = await upstream.handshake();
      await clock.advance(700);
      await client.closed();
      await nothingIsLeft(end);
      expect(stand.told.ends).toEqual(['failed']);
    });
  });

  describe('in a tunnel', () => {
    interface Open {
      readonly client: RawEnd;
      readonly server: RawEnd;
    }

    async function tunnel(options: Partial<WebSocketStandOptions> = {}): Promise<Open> {
      await open(options);
      const client = await rawClient(stand.port);
      const server = await upstream.accept();
      await client.readHead();
      return { client, server };
    }

    it('whose beginning throws, it closes both connections', async () => {
      const { client, server } = await tunnel({ plan: { onLive: surprise } });
      await client.until(isOver);
      client.socket.end();
      await nothingIsLeft(server);
      expect(stand.told).toMatchObject({ failures: [], ends: ['upstream_lost'] });
      expect(surprises()).toEqual(['Surprise']);
    });

    it.each<[string, Partial<ForwardPlan>]>([
      ['is told that it is over', { onEnd: surprise }],
      ['is told that it lives no more', { onLive: () => surprise }],
    ])('whose owner throws when it %s, it closes both connections', async (_what, plan) => {
      const { client, server } = await tunnel({ plan });
      client.send(clientClose(1000)).socket.end();
      server.send(serverClose(1000)).socket.end();
      await client.closed();
      await nothingIsLeft(server);
    });

    it('whose timer throws when it is asked again, it closes both connections', async () => {
      const clock = new ManualClock();
      let asked = 0;
      const timer: Timer = { after: (ms, run) => (ms === 25_000 && ++asked > 1 ? surprise() : clock.after(ms, run)) };
      const { client, server } = await tunnel({ ping: 25_000, timer });
      await clock.advance(25_000);
      await client.until(isOver);
      client.socket.end();
      await nothingIsLeft(server);
      expect(stand.told.ends).toEqual(['upstream_lost']);
      expect(clock.pending).toBe(0);
    });

    it.each(['client', 'upstream'] as const)('whose socket of the %s throws when it is written to, it closes both', async (who) => {
      const { client, server } = await tunnel();
      const [broken] = who === 'client' ? stand.clients : stand.upstreams;
      if (broken !== undefined) broken.write = surprise;
      (who === 'client' ? server : client).send(who === 'client' ? serverClose(1000) : clientClose(1000));
      if (broken?.closed === false) await once(broken, 'close');
      await client.until(isOver);
      client.socket.end();
      await nothingIsLeft(server);
      expect([stand.told.ends, stand.told.leaves]).toEqual([['upstream_lost'], 1]);
    });

    it('whose owner ends it and meets a surprise, it closes both connections', async () => {
      const { client, server } = await tunnel();
      const [broken] = stand.clients;
      if (broken !== undefined) broken.write = surprise;
      stand.told.lives[0]?.('session_revoked');
      await client.until(isOver);
      client.socket.end();
      await nothingIsLeft(server);
      expect(stand.told.ends).toEqual(['complete']);
    });
  });
});
