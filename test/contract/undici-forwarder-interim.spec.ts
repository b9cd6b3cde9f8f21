import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import { UndiciForwarder } from '../../src/proxy/undici-forwarder.ts';
import { GET } from './forwarder/case.ts';
import { ForwarderStage } from './forwarder/stage.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const interim = (status: string, ...lines: string[]): string => [`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n');
const HINTS = interim('103 Early Hints', 'Link: </a>; rel=preload; as=style');

describe('undici forwarder, with interim answers', () => {
  let stage: ForwarderStage;

  beforeEach(() => {
    stage = new ForwarderStage((origin, limits) => new UndiciForwarder({ origin, ...limits }));
  });
  afterEach(() => stage.close());

  /** What the client gets before the head of the answer. */
  const before = async (bytes: string, request = GET): Promise<string> => {
    const { port } = await stage.withRaw((socket) => socket.write(bytes + OK));
    const client = await stage.client(port);
    const received = await client.send(request).until((it) => it.endsWith('ok'));
    expect(stage.ends).toEqual(['complete']);
    return received.slice(0, received.indexOf('HTTP/1.1 200'));
  };

  it.each([
    ['a 102', interim('102 Processing'), interim('102 Processing')],
    ['a 103', HINTS, HINTS],
    ['one after the other', interim('102 Processing') + HINTS + HINTS, interim('102 Processing') + HINTS + HINTS],
    [
      'of a 103 every Link and nothing else',
      interim('103 Early Hints', 'Set-Cookie: a=b', 'Link: </a>', 'Link: </b>; rel=preload', 'X-A: b', 'Content-Security-Policy: x'),
      interim('103 Early Hints', 'Link: </a>, </b>; rel=preload'),
    ],
    ['of a 102 nothing else', interim('102 Processing', 'Set-Cookie: a=b'), interim('102 Processing')],
  ])('passes on %s', async (_, bytes, passed) => {
    expect(await before(bytes)).toBe(passed);
  });

  it.each([
    ['a 103 without Link', interim('103 Early Hints', 'Set-Cookie: a=b')],
    ['a Link that is none', interim('103 Early Hints', 'Link: nonsense')],
    ['a Link that is not of plain characters', interim('103 Early Hints', 'Link: </\xe4>; rel=preload')],
    ['another one', interim('104 Upload Resumption Supported', 'Link: </a>')],
  ])('drops %s, and gives the answer', async (_, bytes) => {
    expect(await before(bytes)).toBe('');
  });

  it('drops them all for HTTP/1.0', async () => {
    expect(await before(interim('102 Processing') + HINTS, GET.replace('HTTP/1.1', 'HTTP/1.0'))).toBe('');
  });

  it('passes them on as they come, before there is an answer', async () => {
    let upstream: Socket | undefined;
    const { port } = await stage.withRaw((socket) => (upstream = socket).write(HINTS));
    const client = await stage.client(port);
    await client.send(GET).until((it) => it === HINTS);
    upstream?.write(OK);
    expect((await client.until((it) => it.endsWith('ok'))).startsWith(`${HINTS}HTTP/1.1 200 OK\r\n`)).toBe(true);
  });

  it('keeps them in the order of the requests', async () => {
    const waiting: Socket[] = [];
    const { port } = await stage.withRaw((socket, head) => {
      if (!head.startsWith('GET /second')) return void waiting.push(socket);
      socket.write(HINTS + OK);
      for (const first of waiting) first.write(OK);
    });
    const client = await stage.client(port);
    client.send(GET);
    await stage.until(() => waiting.length > 0);
    const received = await client.send(GET.replace('/x', '/second')).until((it) => it.split('\r\n\r\nok').length === 3);
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 103', 'HTTP/1.1 200']);
  });

  it('passes no more than a few on: a flood is no answer', async () => {
    const { port } = await stage.withRaw((socket) => socket.write(HINTS.repeat(100) + OK));
    const client = await stage.client(port);
    const received = await client.send(GET).until((it) => it.includes('HTTP/1.1 502'));
    expect([received.split('HTTP/1.1 103').length - 1, stage.failures.map((it) => it.code)]).toEqual([16, ['upstream_protocol']]);
  });
});
