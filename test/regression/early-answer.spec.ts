import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { signedHead } from '../support/attack.ts';
import { openStand, type Stand } from '../support/proxy-stand.ts';
import { RawClient, rawExchange } from '../support/raw-http.ts';
import { RawUpstream } from '../support/upstream-stub.ts';

const REFUSAL = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine';
const LOOKS_LIKE_A_REQUEST = 'GET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n';

describe('A35 an answer that comes while the client still sends', () => {
  let play: (socket: Socket, head: string) => void;
  let upstream: RawUpstream;
  let stand: Stand;

  beforeAll(async () => {
    upstream = await RawUpstream.start((socket, text) => play(socket, text));
    stand = await openStand({ upstream: upstream.origin, route: { maxBody: 10_000 } });
  });

  afterEach(() => void upstream.heads.splice(0));

  afterAll(async () => {
    await stand.close();
    await upstream.close();
  });

  it.each([
    ['of a known length', ['Content-Length: 8000'], 'x'.repeat(8_000)],
    ['in chunks', ['Transfer-Encoding: chunked'], `1f40\r\n${'x'.repeat(8_000)}\r\n0\r\n\r\n`],
  ])('a body %s: the rest of it never becomes a request, on neither connection', async (_, lines, body) => {
    play = (socket, text) => {
      if (text.startsWith('POST')) socket.write(REFUSAL);
      else if (text.startsWith('GET')) socket.write(OK);
    };
    const client = await RawClient.open(stand.port);
    client.send(signedHead('POST /api', ...lines) + body.slice(0, 1_000));
    const early = await client.answer();
    client.send(body.slice(1_000) + signedHead('GET /api/after'));
    const after = await client.answer();
    client.destroy();
    expect([early.status, early.body, after.status, after.body]).toEqual([413, 'big', 200, 'fine']);
    expect(upstream.heads.filter((it) => /^[A-Z]+ \//m.test(it)).map((it) => it.split(' HTTP', 1)[0])).toEqual([
      'POST /api',
      'GET /api/after',
    ]);
  });

  it('bytes that look like a request stay the body they are', async () => {
    const requests: string[] = [];
    play = (socket, text) => {
      requests.push(...(text.match(/^[A-Z]+ \/\S* HTTP/gm) ?? []));
      socket.write(text.startsWith('POST') ? REFUSAL : OK);
    };
    const client = await RawClient.open(stand.port);
    client.send(signedHead('POST /api', `Content-Length: ${String(2 + LOOKS_LIKE_A_REQUEST.length)}`) + 'ab');
    const early = await client.answer();
    client.send(LOOKS_LIKE_A_REQUEST + signedHead('GET /api/after'));
    const after = await client.answer();
    client.destroy();
    expect([early.status, after.status, after.body]).toEqual([413, 200, 'fine']);
    expect(requests).toEqual(['POST /api HTTP', 'GET /api/after HTTP']);
  });

  it('and closes: the answer still reaches the client', async () => {
    play = (socket, text) => {
      if (text.startsWith('POST')) socket.end(REFUSAL);
      else socket.write(OK);
    };
    const client = await RawClient.open(stand.port);
    client.send(signedHead('POST /api', 'Content-Length: 8000') + 'x'.repeat(1_000));
    expect((await client.answer()).body).toBe('big');
    client.destroy();
    expect((await rawExchange(stand.port, signedHead('GET /api'))).body).toBe('fine');
  });

  it.each([
    ['said', ['Content-Length: 20000'], 'x'.repeat(100)],
    ['shown only on the way', ['Transfer-Encoding: chunked'], `4e20\r\n${'x'.repeat(20_000)}\r\n`],
  ])('our own 413 for a size that is %s leaves no half request to be answered for the next one', async (_, lines, body) => {
    const closed: Promise<unknown>[] = [];
    play = (socket, text) => {
      if (text.startsWith('GET')) return void socket.write(OK);
      closed.push(once(socket, 'close'));
    };
    const client = await RawClient.open(stand.port);
    const answer = await client.send(signedHead('POST /api', ...lines) + body).answer();
    client.destroy();
    expect([answer.status, JSON.parse(answer.body)]).toEqual([413, expect.objectContaining({ code: 'payload_too_large' })]);
    await Promise.all(closed);
    expect((await rawExchange(stand.port, signedHead('GET /api'))).body).toBe('fine');
  });
});
