import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Attack, head, HOST, refused, SIGNED, signedHead } from '../support/attack.ts';
import { header, headers, RawClient, type RawAnswer } from '../support/raw-http.ts';

const SESSION = '__Host-Http-cloakroom';
const NAMES = [SESSION, ...[0, 1, 2, 3].map((it) => `${SESSION}.${String(it)}`), '__Secure-cloakroom-hint'];
const LARGE = `Cookie: x=${'y'.repeat(40_000)}`;
const HANDSHAKE = ['Connection: Upgrade', 'Upgrade: websocket', 'Origin: https://app.example.com'];

describe('A31 oauth2-proxy#2163, nextjs-auth0#2450: headers that have grown too large', () => {
  let attack: Attack;
  beforeAll(async () => (attack = await Attack.open()));
  afterEach(() => attack.forget());
  afterAll(() => attack.close());

  function expectWayOut(answer: RawAnswer): void {
    expect([header(answer, 'connection'), header(answer, 'cache-control')]).toEqual(['close', 'no-store']);
    const cleared = headers(answer, 'set-cookie');
    expect(cleared.map((it) => it.split('=')[0])).toEqual(NAMES);
    expect(cleared.filter((it) => !/^[^=]+=; .*Max-Age=0(?:;|$)/.test(it))).toEqual([]);
    expect(cleared.filter((it) => !it.endsWith('; Secure; HttpOnly; SameSite=Strict'))).toEqual([]);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'header_too_large', status: 431 });
  }

  it.each([
    ['20 KB of cookies twice', signedHead('GET /api', `Cookie: a=${'y'.repeat(20_000)}`, `Cookie: b=${'y'.repeat(20_000)}`)],
    ['one large cookie', signedHead('GET /api', LARGE)],
    ['a navigation', head('GET /', HOST, 'Sec-Fetch-Mode: navigate', 'Accept: text/html', LARGE)],
    ['many headers', signedHead('GET /api', ...Array.from({ length: 900 }, (_, at) => `X-${String(at)}: ${'y'.repeat(40)}`))],
    ['a long header name', signedHead('GET /api', `${'x'.repeat(40_000)}: y`)],
    ['a long target', signedHead(`GET /api/${'x'.repeat(40_000)}`)],
    ['HTTP/1.0', signedHead('GET /api', LARGE).replace('HTTP/1.1', 'HTTP/1.0')],
    ['a POST with a body', signedHead('POST /api', LARGE, 'Content-Length: 2') + 'ok'],
    ['a WebSocket handshake', head('GET /api', HOST, ...HANDSHAKE, LARGE)],
    ['one without a Host', head('GET /api', LARGE)],
  ])('%s: 431, which clears every cookie of ours', async (_, bytes) => {
    const client = await RawClient.open(attack.stand.port);
    const answer = await client.send(bytes).answer();
    expectWayOut(answer);
    await client.closed();
    expect(await attack.judge(answer)).toEqual(refused(431, 'header_too_large'));
  });

  it('on a kept connection, behind an answered request', async () => {
    const client = await RawClient.open(attack.stand.port);
    await client.send(signedHead('GET /api')).answer();
    attack.forget();
    const answer = await client.send(signedHead('GET /api', LARGE)).answer();
    expectWayOut(answer);
    expect(await attack.judge(answer)).toEqual(refused(431, 'header_too_large'));
  });

  it('pipelined behind an unanswered request: never taken for its answer', async () => {
    let answer: () => void = () => undefined;
    attack.upstream.handler = (_request, response) => (answer = () => response.end('first'));
    const client = await RawClient.open(attack.stand.port);
    client.send(signedHead('GET /api/first') + signedHead('GET /api/second', LARGE));
    await attack.upstream.request();
    answer();
    expect([(await client.answer()).body, await client.closed()]).toEqual(['first', '']);
    attack.upstream.handler = (_request, response) => response.end('ok');
    expect(attack.upstream.requests.map((it) => it.url)).toEqual(['/api/first']);
  });

  it('loses no answer when the client is still sending', async () => {
    const client = await RawClient.open(attack.stand.port);
    const answer = await client.send(signedHead('GET /api', `Cookie: x=${'y'.repeat(2_000_000)}`)).answer();
    client.destroy();
    expectWayOut(answer);
  });

  it('leaves a head of just under the limit alone, cookies and all', async () => {
    const answer = await attack.ask(head('GET /api', ...SIGNED.slice(0, 2), `${SIGNED[2] ?? ''}; x=${'y'.repeat(32_000)}`));
    expect([answer.status, (await attack.upstream.request()).headers.cookie]).toEqual([200, undefined]);
  });
});
