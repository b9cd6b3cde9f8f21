import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import type { Server } from 'node:http';
import { ManualClock } from '../support/manual-clock.ts';
import { SeededRandom } from '../support/random.ts';
import { LINGER_MS, openRawTunnel, PING_MS, type RawTunnel } from '../support/raw-tunnel.ts';
import { rawClient, RawWebSocketUpstream, turnsUntil, type RawEnd } from '../support/raw-websocket.ts';
import { clientClose, frame, HANDSHAKE, MASK, serverClose, switching } from '../support/websocket-bytes.ts';
import { WebSocketStand } from '../support/websocket-stand.ts';

const MiB = 1024 * 1024;
// What loopback's kernel buffers hold at most, on both connections, and a few chunks of ours.
const MOST_UNDER_WAY = 32 * MiB;

describe('a WebSocket whose reader does not read', () => {
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

  /** Writes frames until the tunnel takes no more, and says how many bytes it took. */
  async function flood(end: RawEnd, bytes: Buffer): Promise<number> {
    while (end.socket.bytesWritten < 4 * MOST_UNDER_WAY) {
      if (!end.socket.write(bytes) && (await isStuck(end))) break;
    }
    return end.socket.bytesWritten - end.socket.writableLength;
  }

  /** Nothing of what waits has been taken for many turns of the loop. */
  async function isStuck({ socket }: RawEnd): Promise<boolean> {
    const before = socket.writableLength;
    for (let turns = 0; turns < 300; turns++) {
      if (socket.writableLength < before) return false;
      await new Promise((resolve) => setTimeout(resolve, turns < 250 ? 0 : 1));
    }
    return true;
  }

  it.each(['client', 'upstream'] as const)(
    'takes no more from the other side than the %s’s buffers hold, and goes on when it reads',
    async (slow) => {
      const [reader, writer] = slow === 'client' ? [client, server] : [server, client];
      const message = frame(Buffer.alloc(MiB, 7), slow === 'client' ? { opcode: 2 } : { opcode: 2, mask: MASK });
      reader.socket.pause();
      expect(await flood(writer, message)).toBeLessThan(MOST_UNDER_WAY);
      for (const socket of [...stand.clients, ...stand.upstreams]) expect(socket.writableLength).toBeLessThan(MiB);
      // Behind the head that each side began with.
      const sent = writer.socket.bytesWritten - (slow === 'client' ? switching(server.head) : HANDSHAKE).length;
      let seen = reader.received.length;
      reader.socket.removeAllListeners('data').on('data', (chunk: Buffer) => (seen += chunk.length));
      reader.socket.resume();
      await turnsUntil(() => seen >= sent);
      expect(seen).toBe(sent);
      client.socket.destroy();
    },
  );

  it('is not dead because we do not read from it, and dead when it takes nothing for two pings', async () => {
    client.socket.pause();
    await flood(server, frame(Buffer.alloc(MiB, 7), { opcode: 2 }));
    await clock.advance(PING_MS);
    await clock.advance(PING_MS);
    expect(stand.told.ends).toEqual([]);
    await clock.advance(PING_MS);
    await turnsUntil(() => stand.clients[0]?.closed === true);
    await clock.advance(LINGER_MS);
    expect(await stand.end()).toBe('client_gone');
  });

  it('gets all that was said before a Close, though the upstream has gone', async () => {
    client.socket.pause();
    const messages = 24;
    for (let i = 0; i < messages; i++) server.send(frame(Buffer.alloc(MiB, i), { opcode: 2 }));
    server.send(serverClose(1000)).socket.end();
    await isStuck(server);
    let seen = client.received.length;
    client.socket.removeAllListeners('data').on('data', (chunk: Buffer) => (seen += chunk.length));
    client.socket.resume();
    await client.until(({ hasEnded }) => hasEnded);
    expect(seen).toBe(messages * (MiB + 10) + 4);
    client.socket.end();
    expect(await stand.end()).toBe('complete');
  });

  it('does not hold the other side up when it is gone', async () => {
    client.socket.pause();
    const sent = flood(server, frame(Buffer.alloc(MiB, 7), { opcode: 2 }));
    client.send(clientClose(1000));
    await server.until(({ frames }) => frames.length === 1);
    await sent;
    client.socket.resetAndDestroy();
    await server.until(({ hasEnded }) => hasEnded);
    server.socket.end();
    expect(await stand.end()).toBe('complete');
    expect(clock.now()).toBe(new ManualClock().now());
  });
});

describe('WebSocket connections that are broken off', () => {
  const CYCLES = 1_000;

  it(`leave no descriptor, no connection and no timer behind after ${String(CYCLES)} of them, at every stage`, async () => {
    const clock = new ManualClock();
    const upstream = await RawWebSocketUpstream.start();
    const stand = await WebSocketStand.open({ upstream: upstream.port, ping: PING_MS, timer: clock });
    await cycle(stand, upstream, 0, 'tunnel');
    await settledDown(stand, upstream, clock);
    const before = descriptors();
    const random = new SeededRandom(82);
    for (let i = 1; i <= CYCLES; i++)
      await cycle(stand, upstream, i, random.pick(['handshake', 'switching', 'tunnel', 'frame', 'upstream']));
    await settledDown(stand, upstream, clock);
    expect(stand.told.ends).toHaveLength(CYCLES + 1);
    expect(stand.told.leaves).toBe(stand.told.lives.length);
    expect(new Set(stand.told.ends)).toEqual(new Set(['client_gone', 'upstream_lost']));
    expect(descriptors()).toBeLessThanOrEqual(before);
    expect(clock.pending).toBe(0);
    await stand.close();
    await upstream.close();
  });

  async function cycle(stand: WebSocketStand, upstream: RawWebSocketUpstream, at: number, stage: string): Promise<void> {
    const client = await rawClient(stand.port);
    const server = await upstream.handshake(at);
    if (stage === 'handshake') return void client.socket.resetAndDestroy();
    await upstream.accept(at);
    if (stage === 'switching') return void client.socket.resetAndDestroy();
    await client.readHead();
    if (stage === 'frame') client.send(frame('half', { mask: MASK }).subarray(0, 5));
    if (stage !== 'upstream') return void client.socket.resetAndDestroy();
    server.socket.resetAndDestroy();
    await client.until(({ frames }) => frames.length === 1);
    client.socket.end();
    client.socket.on('end', () => client.socket.destroy());
  }

  async function settledDown(stand: WebSocketStand, upstream: RawWebSocketUpstream, clock: ManualClock): Promise<void> {
    await turnsUntil(() => stand.clients.length === upstream.ends.length);
    for (
      let rounds = 0;
      rounds < 2_000 && (stand.told.ends.length < upstream.ends.length || (await connections(stand.server)) > 0);
      rounds++
    ) {
      for (const { socket } of upstream.ends) socket.end();
      await clock.advance(LINGER_MS);
    }
    expect(await connections(stand.server)).toBe(0);
    for (const { socket } of upstream.ends) socket.destroy();
    await turnsUntil(() => stand.upstreams.every(({ closed }) => closed) && upstream.ends.every(({ isClosed }) => isClosed));
  }
});

const descriptors = (): number => readdirSync('/proc/self/fd').length;

const connections = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))));
