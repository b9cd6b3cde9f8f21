import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { WebSocket } from 'ws';
import type { LiveEnd } from '../../src/session/live-connections.ts';
import { closeOf, openClient, WsUpstream } from '../support/websocket-ends.ts';
import { WebSocketStand } from '../support/websocket-stand.ts';

const MiB = 1024 * 1024;

let upstream: WsUpstream;
let stand: WebSocketStand;

beforeEach(async () => {
  upstream = await WsUpstream.start();
  stand = await WebSocketStand.open({ upstream: upstream.port });
});

afterEach(async () => {
  await stand.close();
  await upstream.close();
});

async function echoOf(client: WebSocket, message: string | Buffer): Promise<{ bytes: Buffer; isBinary: boolean }> {
  const answer = once(client, 'message') as Promise<[Buffer, boolean]>;
  client.send(message);
  const [bytes, isBinary] = await answer;
  return { bytes, isBinary };
}

describe('WebSocketForwarder between two ws ends', () => {
  it('carries text and binary messages both ways', async () => {
    const client = await openClient(stand.url);
    expect(await echoOf(client, 'grüße')).toEqual({ bytes: Buffer.from('grüße'), isBinary: false });
    expect(await echoOf(client, Buffer.from([0, 255, 10, 13]))).toEqual({ bytes: Buffer.from([0, 255, 10, 13]), isBinary: true });
    expect(await echoOf(client, '')).toEqual({ bytes: Buffer.alloc(0), isBinary: false });
    client.terminate();
  });

  it('sends the upgrade and the plan’s headers upstream, with the upstream’s authority as Host', async () => {
    const client = await openClient(stand.url, { headers: { 'x-mine': 'yes' } });
    const [seen] = upstream.handshakes;
    expect(seen?.url).toBe('/chat?room=1');
    expect(seen?.headers).toMatchObject({ host: 'upstream.test', connection: 'Upgrade', upgrade: 'websocket', 'x-mine': 'yes' });
    client.terminate();
  });

  it('carries a message of 16 MiB up and down unchanged', async () => {
    const client = await openClient(stand.url, { perMessageDeflate: false });
    const big = randomBytes(16 * MiB);
    const { bytes } = await echoOf(client, big);
    expect(bytes.equals(big)).toBe(true);
    client.terminate();
  });

  it('carries fragmented messages with control frames in between', async () => {
    const client = await openClient(stand.url);
    const answer = once(client, 'message') as Promise<[Buffer, boolean]>;
    const pong = once(client, 'pong') as Promise<[Buffer]>;
    client.send('one ', { fin: false });
    client.ping('in between');
    client.send('two ', { fin: false });
    client.send('three', { fin: true });
    expect(String((await pong)[0])).toBe('in between');
    expect(String((await answer)[0])).toBe('one two three');
    client.terminate();
  });

  it('lets the two ends compress', async () => {
    const client = await openClient(stand.url, { perMessageDeflate: { threshold: 0 } });
    expect(client.extensions).toContain('permessage-deflate');
    const text = 'again and again '.repeat(10_000);
    expect(String((await echoOf(client, text)).bytes)).toBe(text);
    client.terminate();
  });

  it('lets the upstream choose the subprotocol', async () => {
    const client = await openClient(stand.url, {}, ['v1.chat', 'v2.chat']);
    expect(client.protocol).toBe('v2.chat');
    client.terminate();
  });

  it('passes a flood of messages in order', async () => {
    const client = await openClient(stand.url, { perMessageDeflate: false });
    const received: string[] = [];
    client.on('message', (message: Buffer) => received.push(message.toString()));
    for (let i = 0; i < 20_000; i++) client.send(String(i));
    while (received.length < 20_000) await once(client, 'message');
    expect(received.every((it, i) => it === String(i))).toBe(true);
    client.terminate();
  });

  it('passes the close code and reason of either side, and ends with the connections', async () => {
    const client = await openClient(stand.url);
    const closed = closeOf(client);
    client.send('close me');
    expect(await closed).toEqual([4000, 'as you wish']);
    expect(await stand.end()).toBe('complete');
    const second = await openClient(stand.url);
    second.close(4001, 'enough');
    expect(await upstream.closed(1)).toEqual([4001, 'enough']);
    expect(await stand.end(1)).toBe('complete');
    expect(stand.told.leaves).toBe(2);
  });
});

describe('WebSocketForwarder as a tunnel as a ws client sees it', () => {
  it.each<[LiveEnd, number]>([
    ['session_revoked', 4401],
    ['session_expired', 4401],
    ['shutdown', 1012],
    ['max_age', 1012],
  ])('ends for %s with %i and its reason, the upstream with 1001', async (why, code) => {
    const client = await openClient(stand.url);
    const closed = closeOf(client);
    stand.told.lives[0]?.(why);
    expect(await closed).toEqual([code, why]);
    expect(await upstream.closed()).toEqual([1001, '']);
    expect(await stand.end()).toBe('complete');
  });

  it('ends with 1011 when the upstream is lost', async () => {
    const client = await openClient(stand.url);
    const closed = closeOf(client);
    (await upstream.socket()).terminate();
    expect(await closed).toEqual([1011, 'upstream_lost']);
    expect(await stand.end()).toBe('upstream_lost');
  });

  it('lets the upstream know of a client that was cut off', async () => {
    const client = await openClient(stand.url);
    await upstream.socket();
    client.terminate();
    expect(await upstream.closed()).toEqual([1001, '']);
    expect(await stand.end()).toBe('client_gone');
  });

  it('is not cut by the server’s timeouts while it is quiet', async () => {
    const quiet = await WebSocketStand.open({ upstream: upstream.port, bodyIdleTimeout: 5 });
    const client = await openClient(quiet.url);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(String((await echoOf(client, 'still here')).bytes)).toBe('still here');
    client.terminate();
    await quiet.close();
  });
});
