import { afterEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { dialer } from '../../src/proxy/dial.ts';
import { loopbackCertificate } from '../support/loopback-certificate.ts';
import { closeOf, openClient } from '../support/websocket-ends.ts';
import { WebSocketStand } from '../support/websocket-stand.ts';

describe('WebSocketForwarder to an upstream behind TLS', () => {
  let server: Server;
  let stand: WebSocketStand;

  async function open(insecureSkipVerify: boolean): Promise<WebSocketServer> {
    const { cert, key } = loopbackCertificate(Date.now());
    server = createServer({ cert, key });
    const sockets = new WebSocketServer({ server, maxPayload: 64 * 1024 * 1024 });
    sockets.on('connection', (socket) => {
      socket.on('error', () => undefined); // told by 'close'
      socket.on('message', (message: Buffer, binary) => socket.send(message, { binary }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const dial = dialer({ origin: `https://127.0.0.1:${String(port)}`, connectTimeout: 2_000, tls: { insecureSkipVerify } });
    stand = await WebSocketStand.open({ upstream: port, dial });
    return sockets;
  }

  afterEach(async () => {
    await stand.close();
    server.closeAllConnections();
    server.close();
  });

  it('carries 16 MiB both ways, and ends in order', async () => {
    await open(true);
    const client = await openClient(stand.url, { perMessageDeflate: false });
    const big = randomBytes(16 * 1024 * 1024);
    const answer = once(client, 'message') as Promise<[Buffer]>;
    client.send(big);
    expect((await answer)[0].equals(big)).toBe(true);
    const closed = closeOf(client);
    client.close(1000);
    expect((await closed)[0]).toBe(1000);
    expect(await stand.end()).toBe('complete');
  });

  it('tells the client when the upstream is cut off', async () => {
    const sockets = await open(true);
    const client = await openClient(stand.url);
    const closed = closeOf(client);
    for (const socket of sockets.clients) socket.terminate();
    expect(await closed).toEqual([1011, 'upstream_lost']);
    expect(await stand.end()).toBe('upstream_lost');
  });

  it('answers 502 when the certificate is not trusted', async () => {
    await open(false);
    await expect(openClient(stand.url)).rejects.toThrow('502');
    expect(stand.told).toMatchObject({ failures: [{ code: 'upstream_unreachable' }], ends: ['failed'] });
  });
});
