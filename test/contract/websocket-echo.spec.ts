import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type WebSocket } from 'ws';
import { openClient, WsUpstream } from '../support/websocket-ends.ts';
import { WebSocketStand } from '../support/websocket-stand.ts';

const MiB = 1024 * 1024;
const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('WebSocketForwarder between two ws ends', () => {
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
    expect(hashOf(bytes)).toBe(hashOf(big));
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
    const closed = once(client, 'close') as Promise<[number, Buffer]>;
    client.send('close me');
    const [code, reason] = await closed;
    expect([code, String(reason)]).toEqual([4000, 'as you wish']);
    expect(await stand.end()).toBe('complete');
    const second = await openClient(stand.url);
    second.close(4001, 'enough');
    expect(await upstream.closed(1)).toEqual([4001, 'enough']);
    expect(await stand.end(1)).toBe('complete');
    expect(stand.told.leaves).toBe(2);
  });
});
