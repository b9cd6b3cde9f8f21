import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LiveEnd } from '../../src/session/live-connections.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import { LINGER_MS, openRawTunnel, PING_MS, type RawTunnel } from '../support/raw-tunnel.ts';
import { isOver, rawClient, turnsUntil, type RawEnd } from '../support/raw-websocket.ts';
import { clientClose, closeText, frame, MASK, serverClose } from '../support/websocket-bytes.ts';
import type { WebSocketStand } from '../support/websocket-stand.ts';

const CLOSE = 8;
const PING = 9;
const PONG = frame('', { opcode: 10, mask: MASK });
const opcodes = (end: RawEnd): number[] => end.frames.map(({ opcode }) => opcode);
const closes = (end: RawEnd): string[] => end.frames.filter(({ opcode }) => opcode === CLOSE).map(({ payload }) => closeText(payload));

describe('WebSocketForwarder as a tunnel between bare sockets', () => {
  let tunnel: RawTunnel;
  let clock: ManualClock;
  let stand: WebSocketStand;
  let client: RawEnd;
  let server: RawEnd;

  beforeEach(async () => {
    tunnel = await openRawTunnel();
    ({ clock, stand, client, server } = tunnel);
  });

  afterEach(async () => {
    await tunnel.close();
    expect(clock.pending).toBe(0);
  });

  const allClosed = (): Promise<void> => turnsUntil(() => [...stand.clients, ...stand.upstreams].every(({ closed }) => closed));

  describe('pings', () => {
    it('both sides, masked only towards the upstream', async () => {
      await clock.advance(PING_MS);
      await client.until(({ frames }) => frames.length === 1);
      await server.until(({ frames }) => frames.length === 1);
      expect(client.frames).toMatchObject([{ opcode: PING, isMasked: false }]);
      expect(server.frames).toMatchObject([{ opcode: PING, isMasked: true }]);
    });

    it('go in only behind the frame that is under way', async () => {
      const up = frame('from the client', { mask: MASK });
      const down = frame(Buffer.alloc(100_000, 1), { opcode: 2 });
      client.send(up.subarray(0, 3));
      server.send(down.subarray(0, 70_000));
      await server.until(({ received }) => received.length === 3);
      await client.until(({ received }) => received.length === 70_000);
      await clock.advance(PING_MS);
      client.send(Buffer.concat([up.subarray(3), up]));
      server.send(Buffer.concat([down.subarray(70_000), down]));
      await server.until(({ frames }) => frames.length === 3);
      await client.until(({ frames }) => frames.length === 3);
      expect(opcodes(server)).toEqual([1, PING, 1]);
      expect(opcodes(client)).toEqual([2, PING, 2]);
      expect(client.received.subarray(0, down.length)).toEqual(down);
    });

    it('keep a quiet tunnel for as long as both sides answer', async () => {
      for (let beats = 1; beats <= 20; beats++) {
        await clock.advance(PING_MS);
        await client.until(({ frames }) => opcodesOf(frames, PING) === beats);
        await server.until(({ frames }) => opcodesOf(frames, PING) === beats);
        client.send(PONG);
        server.send(frame('', { opcode: 10 }));
        await server.until(({ frames }) => opcodesOf(frames, 10) === beats);
        await client.until(({ frames }) => opcodesOf(frames, 10) === beats);
      }
      expect(stand.told.ends).toEqual([]);
    });

    it('find a client that is silent: the upstream is told that it has gone', async () => {
      await clock.advance(PING_MS);
      server.send(frame('', { opcode: 10 }));
      await client.until(({ frames }) => frames.length === 2);
      await clock.advance(PING_MS);
      await client.until(isOver);
      await server.until(isOver);
      expect(closes(server)).toEqual(['1001']);
      await clock.advance(LINGER_MS);
      expect(await stand.end()).toBe('client_gone');
      await allClosed();
    });

    it('find an upstream that is silent: the client is told that it is lost', async () => {
      await clock.advance(PING_MS);
      client.send(PONG);
      await server.until(({ frames }) => frames.length === 2);
      await clock.advance(PING_MS);
      await server.until(isOver);
      await client.until((end) => closes(end).length === 1);
      expect(closes(client)).toEqual(['1011 upstream_lost']);
      client.send(clientClose(1011)).socket.end();
      expect(await stand.end()).toBe('upstream_lost');
      await allClosed();
    });

    it('are not sent behind a Close, whose answer is due instead', async () => {
      client.send(clientClose(1000));
      await server.until(({ frames }) => frames.length === 1);
      await clock.advance(PING_MS);
      await clock.advance(PING_MS);
      await server.until(isOver);
      await client.until(({ frames }) => frames.length > 0);
      expect([closes(server), closes(client)]).toEqual([['1000'], ['1011 upstream_lost']]);
      expect([opcodes(server), opcodes(client)]).toEqual([[CLOSE], [CLOSE]]);
      await clock.advance(LINGER_MS);
      expect(await stand.end()).toBe('upstream_lost');
      await allClosed();
    });
  });

  describe('ended by its owner', () => {
    it.each<[LiveEnd, string]>([
      ['session_expired', '4401 session_expired'],
      ['session_revoked', '4401 session_revoked'],
      ['max_age', '1012 max_age'],
      ['shutdown', '1012 shutdown'],
    ])('with %s says %s to the client and 1001 to the upstream', async (why, close) => {
      stand.told.lives[0]?.(why);
      await client.until(({ frames }) => frames.length === 1);
      await server.until(({ frames }) => frames.length === 1);
      expect(closes(client)).toEqual([close]);
      expect([closes(server), server.frames[0]?.isMasked]).toEqual([['1001'], true]);
      client.send(clientClose(4401));
      server.send(serverClose(1001));
      await client.until(isOver);
      await server.until(isOver);
      client.socket.end();
      server.socket.end();
      expect(await stand.end()).toBe('complete');
      await allClosed();
      expect([stand.told.leaves, stand.told.ends]).toEqual([1, ['complete']]);
    });

    it('sends nothing of the upstream behind the Close, and nothing of the client', async () => {
      stand.told.lives[0]?.('session_revoked');
      await client.until(({ frames }) => frames.length === 1);
      server.send(frame('late'));
      client.send(frame('late', { mask: MASK }));
      await turnsUntil(() => (stand.upstreams[0]?.bytesRead ?? 0) > 100 && (stand.clients[0]?.bytesRead ?? 0) > 150);
      await clock.advance(LINGER_MS);
      await client.until(isOver);
      await server.until(isOver);
      expect([opcodes(client), opcodes(server)]).toEqual([[CLOSE], [CLOSE]]);
      await allClosed();
    });

    it('waits for the frames that are under way', async () => {
      const up = frame('from the client', { mask: MASK });
      const down = frame('from the upstream');
      client.send(up.subarray(0, 4));
      server.send(down.subarray(0, 4));
      await server.until(({ received }) => received.length === 4);
      await client.until(({ received }) => received.length === 4);
      stand.told.lives[0]?.('session_revoked');
      client.send(Buffer.concat([up.subarray(4), up]));
      server.send(Buffer.concat([down.subarray(4), down]));
      await server.until(({ frames }) => frames.length === 2);
      await client.until(({ frames }) => frames.length === 2);
      expect([opcodes(client), opcodes(server)]).toEqual([
        [1, CLOSE],
        [1, CLOSE],
      ]);
      await clock.advance(LINGER_MS);
      await allClosed();
      expect(opcodes(client)).toEqual([1, CLOSE]);
    });

    it('destroys both when a frame does not end in time, without a Close in its midst', async () => {
      const down = frame('from the upstream').subarray(0, 4);
      server.send(down);
      await client.until(({ received }) => received.length === 4);
      stand.told.lives[0]?.('session_revoked');
      await clock.advance(LINGER_MS - 1);
      expect(stand.clients[0]?.destroyed).toBe(false);
      await clock.advance(1);
      await client.until(isOver);
      expect(client.received).toEqual(down);
      await allClosed();
      expect(stand.told.ends).toEqual(['complete']);
    });

    it.each(['client', 'upstream'] as const)(
      'closes the connection of the %s at once when that leaves without its own Close',
      async (who) => {
        const end = who === 'client' ? client : server;
        const other = who === 'client' ? server : client;
        stand.told.lives[0]?.('session_revoked');
        await end.until(({ frames }) => frames.length === 1);
        await other.until(({ frames }) => frames.length === 1);
        end.socket.end();
        await end.closed();
        expect(isOver(other)).toBe(false); // it may still answer
        await clock.advance(LINGER_MS);
        await allClosed();
      },
    );

    it('ends once, however often it is told to', async () => {
      const [end] = stand.told.lives;
      end?.('session_revoked');
      end?.('shutdown');
      await client.until(({ frames }) => frames.length === 1);
      await clock.advance(LINGER_MS);
      await allClosed();
      end?.('shutdown');
      expect(closes(client)).toEqual(['4401 session_revoked']);
      expect([stand.told.leaves, stand.told.ends]).toEqual([1, ['complete']]);
    });

    it('does so when the forwarder closes', async () => {
      const closed = stand.forwarder.close();
      await client.until(({ frames }) => frames.length === 1);
      expect(closes(client)).toEqual(['1012 shutdown']);
      await clock.advance(LINGER_MS);
      await closed;
      expect(stand.told.ends).toEqual(['complete']);
    });
  });

  it('does not outlive a forwarder that closed during its handshake', async () => {
    const late = await rawClient(stand.port);
    await tunnel.upstream.handshake(1);
    const closed = stand.forwarder.close();
    await tunnel.upstream.accept(1);
    await late.readHead();
    await late.until(({ frames }) => frames.length === 1);
    expect(closes(late)).toEqual(['1012 shutdown']);
    await clock.advance(LINGER_MS);
    await closed;
    expect(stand.told.ends).toEqual(['complete', 'complete']);
    late.socket.destroy();
  });

  describe('when a side goes without a Close', () => {
    it.each(['FIN', 'RST'] as const)('tells the upstream of a client gone with %s', async (how) => {
      if (how === 'FIN') client.socket.end();
      else client.socket.resetAndDestroy();
      await server.until(isOver);
      expect([closes(server), server.frames[0]?.isMasked]).toEqual([['1001'], true]);
      server.socket.end();
      expect(await stand.end()).toBe('client_gone');
      await allClosed();
    });

    it.each(['FIN', 'RST'] as const)('tells the client of an upstream gone with %s', async (how) => {
      if (how === 'FIN') server.socket.end();
      else server.socket.resetAndDestroy();
      await client.until(({ frames }) => frames.length === 1);
      expect(closes(client)).toEqual(['1011 upstream_lost']);
      client.send(clientClose(1011));
      await client.until(isOver);
      client.socket.end();
      expect(await stand.end()).toBe('upstream_lost');
      await allClosed();
    });

    it('says nothing to the upstream in the midst of a frame of the client', async () => {
      const half = frame('from the client', { mask: MASK }).subarray(0, 9);
      client.send(half);
      await server.until(({ received }) => received.length === 9);
      client.socket.resetAndDestroy();
      await server.until(isOver);
      expect(server.received).toEqual(half);
      await clock.advance(LINGER_MS);
      await allClosed();
      expect(stand.told.ends).toEqual(['client_gone']);
    });

    it('destroys the client’s connection in the midst of a frame of the upstream', async () => {
      const half = frame('from the upstream').subarray(0, 9);
      server.send(half);
      await client.until(({ received }) => received.length === 9);
      server.socket.resetAndDestroy();
      await client.until(isOver);
      expect(client.received).toEqual(half);
      expect(await stand.end()).toBe('upstream_lost');
      await allClosed();
    });

    it.each(['client', 'upstream'] as const)('does not wait longer than the linger when only the %s closes its half', async (who) => {
      (who === 'client' ? client : server).socket.end();
      await (who === 'client' ? server : client).until(({ frames }) => frames.length === 1);
      expect(stand.told.ends).toEqual([]);
      await clock.advance(LINGER_MS);
      await allClosed();
      expect(stand.told.ends).toEqual([who === 'client' ? 'client_gone' : 'upstream_lost']);
    });
  });

  describe('after a proper Close', () => {
    it('passes the ends of the connections on', async () => {
      client.send(clientClose(1000));
      await server.until(({ frames }) => frames.length === 1);
      server.send(serverClose(1000)).socket.end();
      await client.until(({ hasEnded }) => hasEnded);
      expect(closes(client)).toEqual(['1000']);
      client.socket.end();
      expect(await stand.end()).toBe('complete');
      await allClosed();
    });

    it('hands on what the upstream still says to a client that has closed its half', async () => {
      client.send(clientClose(1000)).socket.end();
      await server.until(({ hasEnded }) => hasEnded);
      server.send(Buffer.concat([frame('last words'), serverClose(1000)])).socket.end();
      await client.until(({ hasEnded }) => hasEnded);
      expect(opcodes(client)).toEqual([1, CLOSE]);
      expect(await stand.end()).toBe('complete');
    });

    it.each(['client', 'upstream'] as const)('counts it as orderly when the %s only closes its connection in return', async (who) => {
      const end = who === 'client' ? client : server;
      const other = who === 'client' ? server : client;
      other.send(who === 'client' ? serverClose(1000) : clientClose(1000));
      await end.until(({ frames }) => frames.length === 1);
      end.socket.end();
      await other.until(({ hasEnded }) => hasEnded);
      other.socket.end();
      expect(await stand.end()).toBe('complete');
      expect(other.frames).toEqual([]);
    });

    it('closes both when neither does', async () => {
      client.send(clientClose(1000));
      await server.until(({ frames }) => frames.length === 1);
      server.send(serverClose(1000));
      await client.until(({ frames }) => frames.length === 1);
      expect(stand.told.ends).toEqual([]);
      await clock.advance(LINGER_MS);
      await client.until(isOver);
      await server.until(isOver);
      await allClosed();
      expect(stand.told.ends).toEqual(['complete']);
    });

    it('sends no second Close when its owner ends it meanwhile', async () => {
      server.send(serverClose(1000));
      await client.until(({ frames }) => frames.length === 1);
      stand.told.lives[0]?.('session_revoked');
      await server.until(({ frames }) => frames.length === 1);
      await clock.advance(LINGER_MS);
      await allClosed();
      expect([closes(client), closes(server)]).toEqual([['1000'], ['1001']]);
    });
  });

  it('carries frames that come one byte at a time', async () => {
    const up = Buffer.concat([frame('from the client', { mask: MASK }), frame(Buffer.alloc(130), { opcode: 2, mask: MASK })]);
    for (let at = 0; at < up.length; at++) {
      client.send(up.subarray(at, at + 1));
      if (at % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await server.until(({ received }) => received.length === up.length);
    expect(server.received).toEqual(up);
  });

  it('leaves no listener and no timeout of the http server on the client’s socket', async () => {
    const [socket] = stand.clients;
    expect([socket?.timeout, socket?.listenerCount('timeout')]).toEqual([0, 0]);
    expect([socket?.listenerCount('data'), socket?.listenerCount('drain')]).toEqual([1, 1]);
    expect(socket?.listenerCount('error')).toBeGreaterThan(0);
    expect(stand.upstreams[0]?.listenerCount('error')).toBeGreaterThan(0);
  });
});

const opcodesOf = (frames: RawEnd['frames'], wanted: number): number => frames.filter(({ opcode }) => opcode === wanted).length;
