import { afterEach, describe, expect, it } from '@jest/globals';
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { listenOn } from '../../../src/ops/listen.ts';
import { createHttpServer } from '../../../src/server/http-server.ts';
import { ServerDrain } from '../../../src/server/server-drain.ts';
import { header, RawClient } from '../../support/raw-http.ts';

const get = (target: string, ...lines: string[]): string => [`GET ${target} HTTP/1.1`, 'Host: a', ...lines, '', ''].join('\r\n');
const post = (...lines: string[]): string => get('/post', ...lines).replace('GET', 'POST');
const ahead = (count: number): string => Array.from({ length: count }, (_, at) => get(`/${String(at)}`)).join('');
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Begun {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

describe('requests that are sent ahead on one connection', () => {
  let server: Server;
  let drain: ServerDrain;
  let client: RawClient;
  let isClosed: Promise<unknown>;
  let begun: Begun[];

  afterEach(async () => {
    client.destroy();
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });

  async function open(side: { heldOpen?: boolean } = {}): Promise<void> {
    begun = [];
    const never = (): never => {
      throw new Error('not in these tests');
    };
    server = createHttpServer(
      { maxHeaderSize: 16_384, headersTimeout: 60_000, keepAliveTimeout: 60_000, bodyIdleTimeout: 60_000, maxConnections: 10 },
      {
        listener: (request, response) => void begun.push({ request, response }),
        upgrade: never,
        onBodyLost: never,
        loginUrl: '/bff/login',
        nextRequestId: () => 'id',
        clearAll: () => [],
      },
    );
    drain = new ServerDrain(server);
    const { port } = await listenOn(server, { host: '127.0.0.1', port: 0 }, 'listen.port');
    isClosed = once(server, 'connection').then(([socket]) => once(socket as Socket, 'close'));
    client = await RawClient.open(port, side);
  }

  async function begunAt(at: number): Promise<Begun> {
    for (;;) {
      const it = begun[at];
      if (it !== undefined) return it;
      await turn();
    }
  }

  const targets = (): (string | undefined)[] => begun.map(({ request }) => request.url);

  it('are begun one after another, each when the one before has its answer', async () => {
    await open();
    client.send(ahead(3));
    for (const at of [0, 1, 2]) {
      const { response } = await begunAt(at);
      await turn();
      expect(begun).toHaveLength(at + 1);
      response.end(String(at));
      expect((await client.answer()).body).toBe(String(at));
    }
    expect(targets()).toEqual(['/0', '/1', '/2']);
  });

  it.each([
    ['a few', ahead(3)],
    ['a thousand', ahead(1_000)],
    ['one with a small body', get('/0') + post('Content-Length: 4') + 'body'],
    ['one with a large body', get('/0') + post('Content-Length: 10000000') + 'b'.repeat(1_000_000)],
    ['one with a body in chunks', `${get('/0')}${post('Transfer-Encoding: chunked')}f4240\r\n${'b'.repeat(1_000_000)}`],
  ])('are never begun when the client leaves, which is seen at once behind %s', async (_, bytes) => {
    await open();
    client.send(bytes);
    const { response } = await begunAt(0);
    await turn();
    client.destroy();
    await once(response, 'close');
    await isClosed;
    await turn();
    expect(begun).toHaveLength(1);
  });

  it('are not begun either when the client has left by the time that their turn comes', async () => {
    await open();
    client.send(ahead(2));
    const { request, response } = await begunAt(0);
    response.on('finish', () => request.socket.destroy());
    response.end('first');
    await isClosed;
    await turn();
    expect(begun).toHaveLength(1);
  });

  it('wait up to a limit: the last within it is the last of its connection, whatever comes behind', async () => {
    await open({ heldOpen: true });
    client.send(ahead(40));
    for (let at = 0; at < 33; at++) {
      (await begunAt(at)).response.end(String(at));
      const answer = await client.answer();
      expect([answer.body, header(answer, 'connection')]).toEqual([String(at), at < 32 ? 'keep-alive' : 'close']);
    }
    await once(client.socket, 'end');
    client.send(ahead(2)); // thrown away: no reset that would lose the last answer
    client.socket.end();
    await client.closed();
    expect([begun.length, client.wasReset, client.received]).toEqual([33, false, '']);
  });

  it('wait up to that limit too behind a large answer that is read late, of which nothing is lost', async () => {
    await open();
    client.socket.pause();
    client.send(get('/large'));
    const { request, response } = await begunAt(0);
    response.end(Buffer.alloc(20_000_000));
    const before = request.socket.bytesRead;
    client.send(ahead(40));
    while (request.socket.bytesRead === before) await turn();
    client.socket.resume();
    expect((await client.answer()).body).toHaveLength(20_000_000);
    for (let at = 1; at <= 32; at++) (await begunAt(at)).response.end();
    for (let at = 1; at <= 32; at++) await client.answer();
    expect([await client.closed(), begun.length]).toEqual(['', 33]);
  });

  it('cost nothing beyond the limit: they are not even read', async () => {
    let read = 0;
    const count = (): void => {
      read++;
    };
    channel('http.server.request.start').subscribe(count);
    await open();
    client.send(ahead(40));
    const { request } = await begunAt(0);
    const before = request.socket.bytesRead;
    client.send(ahead(500));
    while (request.socket.bytesRead === before) await turn();
    channel('http.server.request.start').unsubscribe(count);
    expect(read).toBe(40);
  });

  it('bring a small body along, which waits as well', async () => {
    await open();
    client.send(get('/0') + post('Content-Length: 4') + 'body' + get('/2'));
    (await begunAt(0)).response.end('first');
    const { request, response } = await begunAt(1);
    request.setEncoding('utf8').on('data', (text: string) => response.end(text));
    expect([(await client.answer()).body, (await client.answer()).body]).toEqual(['first', 'body']);
    await begunAt(2);
  });

  it.each([
    ['a large one', post('Content-Length: 20000') + 'b'.repeat(20_000)],
    ['one in chunks', `${post('Transfer-Encoding: chunked')}4\r\nbody\r\n0\r\n\r\n`],
  ])('have no turn when their body is %s: the answer before is the last', async (_, bytes) => {
    await open();
    client.send(ahead(2) + bytes + get('/3'));
    (await begunAt(0)).response.end();
    (await begunAt(1)).response.end();
    const answers = [await client.answer(), await client.answer()];
    expect([answers.map((it) => header(it, 'connection')), await client.closed()]).toEqual([['keep-alive', 'close'], '']);
    expect(begun).toHaveLength(2);
  });

  it('have no turn behind an answer whose head had said that more would follow: the connection is closed after it', async () => {
    await open();
    client.send(get('/0'));
    const { response } = await begunAt(0);
    response.writeHead(200, { 'content-length': 4 }).write('pa');
    await client.until((it) => it.endsWith('pa'));
    client.send(`${post('Transfer-Encoding: chunked')}4\r\nbody\r\n0\r\n\r\n`);
    while (response.shouldKeepAlive) await turn();
    response.end('rt');
    expect([(await client.answer()).body, await client.closed(), begun.length]).toEqual(['part', '', 1]);
  });

  it('are asked for their body when it is their turn', async () => {
    await open();
    client.send(get('/0') + post('Content-Length: 4', 'Expect: 100-continue'));
    (await begunAt(0)).response.end('first');
    const { response } = await begunAt(1);
    response.writeContinue();
    expect(await client.until((it) => it.includes(' 100 '))).toMatch(/first.*HTTP\/1\.1 100 Continue\r\n\r\n$/s);
  });

  it('are the last of their connection when the shutdown was announced while they waited', async () => {
    await open();
    client.send(ahead(2));
    const { response } = await begunAt(0);
    response.writeHead(200, { 'content-length': 2 }).flushHeaders();
    drain.announce();
    response.end('ok');
    (await begunAt(1)).response.end();
    await client.answer();
    expect(header(await client.answer(), 'connection')).toBe('close');
  });
});
