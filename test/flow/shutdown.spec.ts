import { afterEach, describe, expect, it } from '@jest/globals';
import { Agent, get, type IncomingMessage } from 'node:http';
import { openHouse, type House, type HouseOptions } from '../support/house.ts';
import { header, RawClient } from '../support/raw-http.ts';

describe('stopping', () => {
  let house: House;
  const clients: RawClient[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await house.close();
  });

  const routes = (upstream: string) => [{ path: '/api', upstream, stripPrefix: true, token: 'none' }];
  const open = async (those: HouseOptions['routes'] = routes): Promise<void> => void (house = await openHouse({ routes: those }));
  const request = (path: string, ...lines: string[]): string =>
    [`GET ${path} HTTP/1.1`, `Host: localhost:${String(house.port)}`, ...lines, '', ''].join('\r\n');
  const connected = async (bytes: string, heldOpen = true): Promise<RawClient> => {
    const client = await RawClient.open(house.port, { heldOpen });
    clients.push(client);
    return client.send(bytes);
  };

  it.each([
    ['a connection without a request', ''],
    ['half a request head', 'GET /api HTTP/1.1\r\nHo'],
    ['an answered request', 'answered'],
    ['a refused WebSocket handshake', 'handshake'],
    ['an unreadable request', 'nonsense\r\n\r\n'],
  ])('is over although a client holds %s', async (_, kind) => {
    await open();
    const handshake = request('/api/ws', 'Connection: Upgrade', 'Upgrade: websocket');
    const client = await connected(kind === 'answered' ? request('/api/x') : kind === 'handshake' ? handshake : kind);
    if (!['', 'GET /api HTTP/1.1\r\nHo'].includes(kind)) await client.until((it) => it.includes('\r\n\r\n'));
    await house.app.stop();
    await expect(RawClient.open(house.port)).rejects.toThrow('ECONNREFUSED');
  });

  it('cuts no busy client off: each gets whole answers, the last with Connection: close', async () => {
    await open();
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const answers: { connection: string | undefined; isWhole: boolean }[] = [];
    const trouble: string[] = [];
    const one = (): Promise<boolean> =>
      new Promise((resolve) => {
        const asked = get({
          port: house.port,
          host: '127.0.0.1',
          agent,
          path: '/api/x',
          headers: { host: `localhost:${String(house.port)}` },
        });
        asked.on('response', (response: IncomingMessage) => {
          response.resume().on('close', () => {
            answers.push({ connection: response.headers.connection, isWhole: response.complete });
            resolve(true);
          });
        });
        asked.on('error', (error: NodeJS.ErrnoException) => {
          trouble.push(error.code ?? error.name);
          resolve(false);
        });
      });
    const busy = Array.from({ length: 4 }, async () => {
      while (await one());
    });
    while (answers.length < 100) await new Promise((resolve) => setImmediate(resolve));
    await house.app.stop();
    await Promise.all(busy);
    agent.destroy();
    // A client ends because it cannot connect any more, never because its connection was taken away.
    expect(new Set(trouble)).toEqual(new Set(['ECONNREFUSED']));
    expect(answers.every(({ isWhole }) => isWhole)).toBe(true);
    expect(answers.filter(({ connection }) => connection === 'close')).toHaveLength(4);
  });

  it('asks clients to go from the announcement on, while it still serves them', async () => {
    await open();
    const client = await connected(request('/api/1'), false);
    const before = await client.answer();
    house.app.announceShutdown();
    const after = await client.send(request('/api/2')).answer();
    await client.closed();
    expect([before, after].map((it) => [it.status, header(it, 'connection')])).toEqual([
      [200, 'keep-alive'],
      [200, 'close'],
    ]);
    expect((await (await connected(request('/bff/session'))).answer()).status).toBe(200);
  });

  it('lets a client read a refusal although it is still sending when the connection ends', async () => {
    await open((upstream) => [{ path: '/api', upstream, token: 'none', maxBody: '1KiB' }]);
    house.app.announceShutdown();
    const length = 20_000_000;
    const post = request('/api/x', 'X-CSRF: 1', `Content-Length: ${String(length)}`).replace('GET', 'POST');
    const client = await connected(post + 'x'.repeat(length));
    const answer = await client.answer();
    client.socket.end();
    await client.closed();
    expect([answer.status, header(answer, 'connection'), client.wasReset]).toEqual([413, 'close', false]);
  });

  it('ends event streams in order, so that their clients come back to another process', async () => {
    await open();
    const client = await connected(request('/api/sse?every=1000'), false);
    await client.until((it) => it.includes('"count":1'));
    const stopped = house.app.stop();
    expect((await client.answer()).body).toContain('"count":1'); // up to its last chunk
    await stopped;
  });

  it('happens once, however often it is asked for', async () => {
    await open();
    expect(house.app.stop()).toBe(house.app.stop());
    await house.app.stop();
    await house.app.stop();
  });

  it('is nothing to do for an app that never listened', async () => {
    await open();
    const { createApp } = await import('../../src/app.ts');
    const other = await createApp(house.config, { clock: house.clock, logger: house.log });
    await expect(other.listen()).rejects.toThrow(/listen\.port/);
    await other.stop();
  });
});
