import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Attack, signedHead } from '../support/attack.ts';
import { header, RawClient } from '../support/raw-http.ts';

const CLOSE = 'Connection: close';
const next = signedHead('GET /api/behind');
const post = (...lines: string[]): string => `${signedHead('POST /api/first', 'Content-Length: 2', ...lines)}ok`;
const old = (bytes: string): string => bytes.replace('HTTP/1.1', 'HTTP/1.0');

describe('bytes behind a request that is not answered yet', () => {
  let attack: Attack;
  let client: RawClient;
  beforeAll(async () => {
    attack = await Attack.open({ server: { headersTimeout: 60, maxHeaderSize: 8_192 } });
  });
  afterEach(() => {
    client.destroy();
    attack.forget();
  });
  afterAll(() => attack.close());

  it.each([
    ['an empty line behind the last request', post(CLOSE), '\r\n'],
    ['a byte behind the last request', post(CLOSE), 'X'],
    ['a request behind the last one', post(CLOSE), next],
    ['a request behind a last one without a body', signedHead('GET /api/first', CLOSE), next],
    ['a byte behind a request of HTTP/1.0', old(post()), 'X'],
    ['a request behind one of HTTP/1.0', old(post()), next],
    ['bytes behind a request of HTTP/1.0 without a length', old(signedHead('GET /api/first')), 'xx'],
    ['what is no request', signedHead('GET /api/first'), '\x01'],
    ['a head that is too large', signedHead('GET /api/first'), signedHead('GET /api/behind', `X: ${'x'.repeat(10_000)}`)],
    ['a head that does not come to its end', signedHead('GET /api/first'), 'GET /api/behind HTTP/1.1\r\nHost'],
  ])('(%s) are thrown away: it is answered, and the connection closed', async (_, first, behind) => {
    for (const pieces of [[first + behind], [first, behind], [first, behind.slice(0, 1), behind.slice(1)]]) {
      attack.forget();
      let answer: () => void = () => undefined;
      attack.upstream.handler = (_request, response) => (answer = () => response.end('answer'));
      client = await RawClient.open(attack.stand.port);
      for (const piece of pieces) {
        client.send(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await attack.upstream.request();
      await new Promise((resolve) => setTimeout(resolve, 200)); // longer than a head may take
      answer();
      const got = await client.answer();
      expect([got.status, got.body, header(got, 'connection'), await client.closed(), client.wasReset]).toEqual([
        200,
        'answer',
        'close',
        '',
        false,
      ]);
      expect(attack.upstream.requests.map(({ url }) => url)).toEqual(['/api/first']);
    }
  });

  it('are thrown away too when they come in the middle of its answer, of which nothing is lost', async () => {
    let finish: () => void = () => undefined;
    attack.upstream.handler = (_request, response) => {
      response.writeHead(200, { 'content-length': 4 }).write('pa');
      finish = () => response.end('rt');
    };
    client = await RawClient.open(attack.stand.port);
    await client.send(signedHead('GET /api/first')).until((it) => it.endsWith('pa'));
    client.send(`\x01${next}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    finish();
    expect([(await client.answer()).body, await client.closed(), client.wasReset]).toEqual(['part', '', false]);
  });

  it('end no request before theirs that waits for its turn', async () => {
    attack.upstream.handler = (_request, response) => response.end('ok');
    client = await RawClient.open(attack.stand.port);
    client.send(`${signedHead('GET /api/1')}${signedHead('GET /api/2')}\x01`);
    const answers = [await client.answer(), await client.answer()];
    expect([answers.map((it) => header(it, 'connection')), await client.closed()]).toEqual([['keep-alive', 'close'], '']);
  });

  it('do not hide that the client has gone', async () => {
    attack.upstream.handler = () => undefined;
    client = await RawClient.open(attack.stand.port);
    client.send(`${post(CLOSE)}X`);
    const seen = await attack.upstream.request();
    client.send('X'.repeat(1_000_000));
    client.destroy();
    expect(await seen.closed).toBe(false);
  });
});
