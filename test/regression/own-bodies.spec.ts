import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { rawExchange, header, type RawAnswer } from '../support/raw-http.ts';
import { jsonOf, queryOf } from '../support/wire.ts';

const EVIL = 'https://evil.example/';

describe('bodies of our own endpoints', () => {
  let house: House;
  let cookie: string;
  beforeAll(async () => {
    house = await openHouse();
    const agent = house.newAgent();
    await agent.login('alice');
    cookie = house.cookiesOf(agent);
  });
  afterAll(() => house.close());

  /** The session's own end is not asked for: an unknown field is what is judged. */
  function post(type: readonly string[], body: string, ...more: readonly string[]): Promise<RawAnswer> {
    const lines = [`Host: ${new URL(house.origin).host}`, 'Sec-Fetch-Site: same-origin', `Cookie: ${cookie}`, ...more];
    const length = `Content-Length: ${String(Buffer.byteLength(body))}`;
    const bytes = ['POST /bff/logout HTTP/1.1', ...lines, ...type.map((it) => `Content-Type: ${it}`), length, '', body].join('\r\n');
    return rawExchange(house.port, bytes);
  }

  const verdict = (answer: RawAnswer): readonly unknown[] => [answer.status, header(answer, 'cloakroom-error')];
  const stillSignedIn = async (): Promise<boolean> => (await house.call('/api/x', { cookie })).status === 200;

  describe('A48 CVE-2026-25223, GHSA-573f-x89g-hqp9, GHSA-247c-9743-5963: odd spellings of a type skip no validation', () => {
    it.each([
      'application/json',
      'application/json\t',
      'application/json\t; charset=utf-8',
      'application/json;',
      'application/json ;x=y',
      'APPLICATION/JSON',
      '\tapplication/json',
      'application/json; charset=utf-16',
    ])('%j is JSON: what is not valid is refused', async (type) => {
      for (const body of [
        '{"returnTo":["/a"]}',
        '{"returnTo":{"x":1}}',
        '{"returnTo":1}',
        '[]',
        '"x"',
        '{',
        '{"__proto__":{"returnTo":"/a"}}',
      ])
        expect(verdict(await post([type], body))).toEqual([400, 'bad_request']);
      expect(await stillSignedIn()).toBe(true);
    });

    it.each([
      'application/json\tx',
      'application/json,text/plain',
      'application/json x',
      'application/jsonx',
      'xapplication/json',
      'application/ld+json',
      'text/json',
      'text/plain',
      'text/plain; application/json',
      'multipart/form-data; boundary=x',
      '"application/json"',
      '',
      ';application/json',
    ])('%j is nothing that we read', async (type) => {
      expect(verdict(await post([type], '{"returnTo":"/a"}'))).toEqual([415, 'unsupported_media_type']);
      expect(await stillSignedIn()).toBe(true);
    });

    it('of two types the first is the one', async () => {
      expect(verdict(await post(['text/plain', 'application/json'], '{"returnTo":"/a"}'))).toEqual([415, 'unsupported_media_type']);
      expect(verdict(await post(['application/json', 'text/plain'], '{"returnTo":[]}'))).toEqual([400, 'bad_request']);
    });

    it.each(['gzip', 'br', 'identity, gzip', ''])('a body in the coding %j is not read', async (coding) => {
      expect(verdict(await post(['application/json'], '{}', `Content-Encoding: ${coding}`))).toEqual([415, 'unsupported_media_type']);
    });

    it('a type without a body, and none at all, are fine', async () => {
      for (const type of [[], ['text/plain']]) expect((await post(type, '', 'X-Dry: 1')).status).toBe(200);
    });
  });
});

describe('A47 GHSA-c5c4-8r6x-56w3: several values where one is expected', () => {
  let house: House;
  beforeAll(async () => (house = await openHouse()));
  afterAll(() => house.close());

  const signIn = async (): Promise<string> => {
    const agent = house.newAgent();
    await agent.login('alice');
    return house.cookiesOf(agent);
  };

  it.each([
    ['application/x-www-form-urlencoded', 'returnTo=%2Fa&returnTo=%2Fb'],
    ['application/x-www-form-urlencoded', `returnTo=%2Fa&%72eturnTo=${EVIL}`],
    ['application/json', '{"returnTo":["/a","/b"]}'],
    ['application/json', `{"returnTo":"/a","returnTo":"${EVIL}"}`],
  ])('in a body of %s: 400, nothing ended', async (type, body) => {
    const cookie = await signIn();
    const answer = await house.call('/bff/logout', { method: 'POST', cookie, headers: { 'content-type': type }, body });
    expect([answer.status, (await house.call('/api/x', { cookie })).status]).toEqual([400, 200]);
  });

  it.each([
    [`{"returnTo":"${EVIL}"}`],
    ['{"returnTo":"//evil.example"}'],
    ['{"returnTo":"/\\\\evil.example"}'],
    ['{"returnTo":"/a\\u0000b"}'],
  ])('a returnTo of a body obeys the rules of every other: %s', async (body) => {
    const cookie = await signIn();
    const answer = await house.call('/bff/logout', { method: 'POST', cookie, headers: { 'content-type': 'application/json' }, body });
    expect(answer.status).toBe(200);
    expect(JSON.stringify(await jsonOf(answer))).not.toContain('evil');
  });

  it.each(['returnTo=/a&returnTo=/b', 'prompt=login&prompt=none', 'max_age=1&max_age=2', `returnTo=/a&returnTo=${EVIL}`])(
    'in the query %s of a login: 400, no cookie',
    async (query) => {
      const headers = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
      const answer = await house.call(`/bff/login?${query}`, { headers });
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([400, []]);
    },
  );

  it('of a parameter that nobody knows do not matter', async () => {
    const headers = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const answer = await house.call('/bff/login?x=1&x=2&redirect_uri=a&redirect_uri=b', { headers });
    expect([answer.status, queryOf(answer.headers.get('location') ?? '')['redirect_uri']]).toEqual([302, `${house.origin}/bff/callback`]);
  });
});
