import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { RequestFact } from '../../src/kernel/request-fact.ts';
import { signedHead } from '../support/attack.ts';
import { openStand, type Stand } from '../support/proxy-stand.ts';
import { header, RawClient, rawExchange } from '../support/raw-http.ts';
import { RawUpstream } from '../support/upstream-stub.ts';

const REFUSAL = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine';
const LOOKS_LIKE_A_REQUEST = 'GET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n';

describe('A35 an answer that comes while the client still sends', () => {
  let play: (socket: Socket, head: string) => void;
  let upstream: RawUpstream;
  let stand: Stand;
  const facts: RequestFact[] = [];

  beforeAll(async () => {
    upstream = await RawUpstream.start((socket, text) => play(socket, text));
    stand = await openStand({ upstream: upstream.origin, route: { maxBody: 10_000 }, onAnswered: (fact) => facts.push(fact) });
  });

  afterEach(() => {
    upstream.heads.splice(0);
    facts.splice(0);
  });

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

  describe('and after which the connection is closed reaches a client that goes on sending', () => {
    const LARGE = 20_000_000;

    it.each<[string, string]>([
      ['because the client asked for that', signedHead('POST /api', 'Connection: close', `Content-Length: ${String(LARGE)}`)],
      ['because it is HTTP/1.0', signedHead('POST /api', `Content-Length: ${String(LARGE)}`).replace('HTTP/1.1', 'HTTP/1.0')],
      ['because its expectation was not met', signedHead('POST /api', 'Expect: 100-continue', `Content-Length: ${String(LARGE)}`)],
      ['to an upstream that had answered too', signedHead('POST /api', 'Connection: close', 'Transfer-Encoding: chunked') + '1312d00\r\n'],
    ])('%s', async (_, requestHead) => {
      play = (socket, text) => {
        if (text.startsWith('POST')) socket.end(REFUSAL);
      };
      const client = await RawClient.open(stand.port, { heldOpen: true });
      const over = once(client.socket, 'end');
      client.send(requestHead).send(Buffer.alloc(LARGE, 'x'));
      const answer = await client.answer();
      await over;
      client.socket.end();
      await client.closed();
      expect([answer.status, header(answer, 'connection'), client.wasReset]).toEqual([413, 'close', false]);
    });
  });

  it.each([
    ['after its answer', 'Content-Length: 20000', 413],
    ['before it', 'Content-Length: 200', undefined],
  ])('a client that ends in the middle of its body, %s, hears nothing more, and counts once', async (_, length, status) => {
    const seen = new Promise<void>((resolve) => (play = () => resolve()));
    const client = await RawClient.open(stand.port, { heldOpen: true });
    client.send(`${signedHead('POST /api', length)}part`);
    if (status === undefined) await seen;
    else expect((await client.answer()).status).toBe(status);
    client.socket.end();
    expect(await client.closed()).toBe('');
    expect(facts.map((it) => [it.method, it.status])).toEqual([['POST', status ?? 0]]);
  });

  it('to a body whose rest cannot be read is not followed by another one', async () => {
    play = (socket) => socket.write(REFUSAL);
    const client = await RawClient.open(stand.port);
    client.send(`${signedHead('POST /api', 'Transfer-Encoding: chunked')}1\r\na\r\n`);
    expect((await client.answer()).body).toBe('big');
    client.send('no chunk\r\n');
    expect(await client.closed()).toBe('');
    expect(facts.map((it) => it.status)).toEqual([413]);
  });
});
