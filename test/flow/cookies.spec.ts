import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { told } from '../support/answers.ts';
import { openHouse, type House, type HouseOptions } from '../support/house.ts';

const SESSION = '__Host-Http-cloakroom';
const OTHER_KEY = 'b3RoZXIta2V5LXdpdGgtbWFueS1ieXRlcy0wMTIzNDU2Nzg5K2FiY2RlZmdoaWo';
const REFUSED = { status: 401, code: 'not_logged_in', set: [], cleared: [], retryAfter: undefined } as const;

async function signIn(house: House, user = 'alice'): Promise<string> {
  const agent = house.newAgent();
  await agent.login(user);
  return house.cookiesOf(agent);
}

const valueOf = (cookie: string): string => cookie.slice(cookie.indexOf('=') + 1);
/** Another character of the same alphabet at this place. */
const flip = (text: string, at: number): string => {
  const other = text[at] === 'a' ? 'b' : 'a';
  return text.slice(0, at) + other + text.slice(at + 1);
};

describe('a session cookie that is not what we sealed', () => {
  let house: House;
  let cookie: string;
  let value: string;

  beforeAll(async () => {
    house = await openHouse();
    cookie = await signIn(house);
    value = valueOf(cookie);
  });

  afterAll(() => house.close());

  const presented = (changed: string): Promise<Response> => house.call('/api/x', { cookie: `${SESSION}=${changed}` });
  /** The seal's parts: magic, key, salt, iv, ciphertext, expiry, salt of the MAC, MAC. */
  const withPart = (part: number, change: (text: string) => string): string =>
    value
      .split('*')
      .map((text, at) => (at === part ? change(text) : text))
      .join('*');

  it.each([
    ['salt', 2],
    ['initialisation vector', 3],
    ['ciphertext', 4],
    ['salt of the MAC', 6],
    ['MAC', 7],
  ])('is tampered with when its %s was changed: 401, and cleared', async (_, part) => {
    for (const at of [0, 10, 20]) {
      const changed = withPart(part, (text) => flip(text, at));
      expect(told(await presented(changed))).toEqual({ ...REFUSED, cleared: [SESSION] });
    }
  });

  it.each<[string, (it: string) => string]>([
    ['random text', () => 'hello'],
    ['another format', () => 'eyJhbGciOiJkaXIifQ..abc.def.ghi'],
    ['another version of the format', (it) => it.replace('Fe26.2', 'Fe26.3')],
    ['a key nobody knows', () => withPart(1, (id) => String(Number(id) + 1))],
    ['__proto__ as its key', () => withPart(1, () => '__proto__')],
    ['constructor as its key', () => withPart(1, () => 'constructor')],
    ['1e3 as its key', () => withPart(1, () => '1e3')],
    ['0 as its key', () => withPart(1, () => '0')],
    ['the suffix that iron writes', (it) => `${it}~2`],
    ['padding', (it) => `${it}=`],
    ['a planted expiry of the past', () => withPart(5, () => '1000000000000')],
    ['a planted expiry of the future', () => withPart(5, () => '99999999999999')],
    ['its last character missing', (it) => it.slice(0, -1)],
    ['one character more', (it) => `${it}A`],
    ['a part more', (it) => `${it}*`],
    ['upper-case hexadecimal', () => withPart(2, (salt) => salt.toUpperCase())],
    ['quotes around it', (it) => `"${it}"`],
    ['half of it', (it) => it.slice(0, it.length / 2)],
    ['it twice', (it) => it + it],
    ['nothing', () => ''],
    ['4,000 stars', () => '*'.repeat(4000)],
  ])('is none of ours with %s: 401, and left alone', async (_, change) => {
    expect(told(await presented(change(value)))).toEqual(REFUSED);
  });

  it('gets the same judgement at the endpoints, and never a 500', async () => {
    const tampered = `${SESSION}=${withPart(7, (mac) => flip(mac, 3))}`;
    const view = await house.call('/bff/session', { cookie: tampered });
    expect([told(view), await view.json()]).toEqual([
      { status: 200, code: undefined, set: [], cleared: [], retryAfter: undefined },
      { authenticated: false, reason: 'none', loginUrl: '/bff/login' },
    ]);
    expect(told(await house.call('/bff/refresh', { cookie: tampered, method: 'POST' }))).toEqual({ ...REFUSED, cleared: [SESSION] });
    expect(told(await house.call('/bff/refresh', { cookie: `${SESSION}=hello`, method: 'POST' }))).toEqual(REFUSED);
    expect((await house.call('/bff/logout', { cookie: tampered, method: 'POST' })).status).toBe(200);
    const continued = await house.call('/bff/continue?returnTo=/', {
      cookie: tampered,
      headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate' },
    });
    expect([continued.status, told(continued).cleared]).toEqual([200, [SESSION]]);
  });

  it('is not a seal that was made for something else', async () => {
    const agent = house.newAgent();
    await agent.navigate('/bff/login', { until: (url) => url.origin !== house.origin });
    const attempt = agent.cookies().find(({ name }) => name.includes('-login.'));
    expect(attempt?.value).toMatch(/^Fe26/);
    expect(told(await presented(attempt?.value ?? ''))).toEqual(REFUSED);
    await agent.login('alice');
    const hint = agent.cookies().find(({ name }) => name.endsWith('-hint'));
    expect(hint?.value).toMatch(/^Fe26/);
    expect(told(await presented(hint?.value ?? ''))).toEqual(REFUSED);
  });

  it('does no harm beside the right one, whichever comes first and however many there are', async () => {
    for (const planted of ['hello', withPart(7, (mac) => flip(mac, 3)), withPart(1, () => '7')]) {
      for (const header of [`${SESSION}=${planted}; ${cookie}`, `${cookie}; ${SESSION}=${planted}`, `${SESSION}.0=${planted}; ${cookie}`]) {
        expect((await house.call('/api/x', { cookie: header })).status).toBe(200);
      }
    }
    const junk = Array.from({ length: 500 }, (_, n) => `${SESSION}.${String(n)}=${'x'.repeat(20)}`).join('; ');
    expect((await house.call('/api/x', { cookie: `${cookie}; ${junk}` })).status).toBe(200);
  });

  it('leaves the session of a client that sends its own credentials besides at what the cookie says', async () => {
    const headers = { authorization: 'Bearer stolen' };
    expect(told(await house.call('/api/x?access_token=stolen', { headers }))).toEqual(REFUSED);
    expect((await house.call('/api/x', { headers, cookie })).status).toBe(200);
  });

  it('of another app, issuer or client is unknown here, and left alone', async () => {
    for (const config of [{ cookie: { name: 'other' } }, { provider: { clientId: 'other-client' } }]) {
      await house.reopen(config);
      const name = 'cookie' in config ? '__Host-Http-other' : SESSION;
      expect(told(await house.call('/api/x', { cookie: `${name}=${value}` }))).toEqual(REFUSED);
    }
    await house.reopen({});
    expect((await house.call('/api/x', { cookie })).status).toBe(200);
    const elsewhere = await openHouse();
    try {
      expect(told(await house.call('/api/x', { cookie: await signIn(elsewhere) }))).toEqual(REFUSED);
    } finally {
      await elsewhere.close();
    }
  });

  it('is refused with 431 and every name cleared when cookies make the head too large', async () => {
    const answer = await house.call('/api/x', { cookie: `${cookie}; junk=${'x'.repeat(40_000)}` });
    expect(told(answer)).toEqual({
      status: 431,
      code: 'header_too_large',
      set: [],
      cleared: [SESSION, ...[0, 1, 2, 3].map((n) => `${SESSION}.${String(n)}`), '__Secure-cloakroom-hint'],
      retryAfter: undefined,
    });
  });
});

describe('a session that is over', () => {
  let house: House;

  afterEach(() => house.close());

  async function expectOver(cookie: string, code: string, cleared: readonly string[]): Promise<void> {
    house.api.reset();
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      expect(told(await house.call('/api/x', { cookie, method }))).toEqual({ ...REFUSED, code, cleared });
    }
    const page = await house.call('/api/x', { cookie, headers: { 'sec-fetch-mode': 'navigate', accept: 'text/html' } });
    expect([told(page), page.headers.get('content-type')]).toEqual([{ ...REFUSED, code, cleared }, 'text/html; charset=utf-8']);
    const view = await house.call('/bff/session', { cookie });
    expect(told(view)).toMatchObject({ status: 200, set: [], cleared });
    expect(await view.json()).toMatchObject({ authenticated: false, reason: code.replace('session_', '') });
    expect(told(await house.call('/bff/refresh', { cookie, method: 'POST' }))).toEqual({ ...REFUSED, code, cleared });
    expect(house.api.requests).toEqual([]);
    expect(house.provider.stats.refreshes).toBe(0);
  }

  it('by its idle limit is expired and cleared', async () => {
    house = await openHouse({ config: { session: { idle: '10m' } } });
    const cookie = await signIn(house);
    house.clock.skip(9 * 60_000);
    expect((await house.call('/bff/session', { cookie })).status).toBe(200); // asking does not extend it
    house.clock.skip(61_000);
    await expectOver(cookie, 'session_expired', [SESSION]);
  });

  it('by its absolute limit is expired and cleared, however busy it was', async () => {
    house = await openHouse({ config: { session: { idle: '30m', absolute: '1h' } } });
    const agent = house.newAgent();
    await agent.login('alice');
    for (let n = 0; n < 5; n++) {
      house.clock.skip(11 * 60_000);
      expect((await agent.fetch('/api/x')).status).toBe(200);
    }
    house.provider.stats.reset();
    house.clock.skip(5 * 60_000 + 1000);
    await expectOver(house.cookiesOf(agent), 'session_expired', [SESSION]);
  });

  it('with its access token, when there is no refresh token, is expired and cleared', async () => {
    house = await openHouse();
    const cookie = await signIn(house, 'dave');
    expect((await house.call('/api/x', { cookie })).status).toBe(200);
    expect(told(await house.call('/bff/refresh', { cookie, method: 'POST' }))).toMatchObject({
      status: 409,
      code: 'refresh_unavailable',
      cleared: [],
    });
    house.expireAccessToken();
    await expectOver(cookie, 'session_expired', [SESSION]);
  });

  it('by a logout is revoked and cleared', async () => {
    house = await openHouse();
    const cookie = await signIn(house);
    await house.call('/bff/logout', { cookie, method: 'POST' });
    await expectOver(cookie, 'session_revoked', [SESSION]);
  });

  it('because a login replaced it is revoked and not cleared: the browser holds the new one', async () => {
    house = await openHouse();
    const agent = house.newAgent();
    await agent.login('alice');
    const old = house.cookiesOf(agent);
    await agent.navigate('/bff/login'); // the provider still knows who it is
    expect(house.cookiesOf(agent)).not.toBe(old);
    await expectOver(old, 'session_revoked', []);
    expect((await agent.fetch('/api/x')).status).toBe(200);
  });

  it('is cleared in all its pieces, and only in those that were there', async () => {
    house = await openHouse({ provider: { accessTokenBytes: 4500 }, config: { session: { idle: '10m' }, cookie: { budget: '12KiB' } } });
    const cookie = await signIn(house);
    expect(cookie).toContain(`${SESSION}.1=`);
    house.clock.skip(11 * 60_000);
    await expectOver(
      cookie,
      'session_expired',
      cookie.split('; ').map((pair) => pair.replace(/=.*/, '')),
    );
  });
});

describe('rolling the cookie keys', () => {
  let house: House;

  afterEach(() => house.close());

  const KEY = 'dGVzdC1rZXktd2l0aC1tYW55LWJ5dGVzLTAxMjM0NTY3ODkrYWJjZGVmZ2hpams';
  const first = { id: 1, secret: KEY };
  const second = { id: 2, secret: OTHER_KEY };
  const roll = (keys: readonly object[], activeKey: number): Promise<void> => house.reopen({ cookie: { keys, activeKey } });

  it('logs nobody out who was there while both keys were known', async () => {
    house = await openHouse();
    const agents = [house.newAgent(), house.newAgent()];
    for (const agent of agents) await agent.login('alice');
    const expectAll = async (): Promise<void> => {
      for (const agent of agents) expect((await agent.fetch('/api/x')).status).toBe(200);
    };
    await expectAll();
    await roll([first, second], 1);
    await expectAll();
    await roll([first, second], 2);
    await expectAll();
    house.clock.skip(3.5 * 60_000); // more than session.idleStep: sealed again, with the new key; and too early for a refresh
    await expectAll();
    await roll([second], 2);
    await expectAll();
    house.expireAccessToken();
    await expectAll();
    expect(house.provider.stats.grants).toEqual({ authorization_code: 2, refresh_token: 2 });
  });

  it('takes no cookie away that only an older key can read: with the key back it works again', async () => {
    house = await openHouse();
    const cookie = await signIn(house);
    await roll([second], 2);
    expect(told(await house.call('/api/x', { cookie }))).toEqual(REFUSED);
    expect(told(await house.call('/bff/session', { cookie }))).toMatchObject({ status: 200, cleared: [] });
    await roll([first, second], 2);
    expect((await house.call('/api/x', { cookie })).status).toBe(200);
  });
});

describe('a session too large for one cookie', () => {
  let house: House;

  afterEach(() => house.close());

  const LARGE = 4500;
  async function open(more: HouseOptions['config'] = {}, accessTokenBytes = LARGE): Promise<void> {
    house = await openHouse({ provider: { accessTokenBytes }, config: { cookie: { budget: '12KiB' }, ...more } });
  }

  const sessionNames = (agent: ReturnType<House['newAgent']>): string[] =>
    agent
      .cookies(`${house.origin}/`)
      .map(({ name }) => name)
      .sort();
  /** Changes the access tokens of refreshes from now on. */
  const issue = (length: number): void => {
    house.provider.control.recover();
    // Random, because a seal compresses what it holds.
    const change = (answer: Readonly<Record<string, unknown>>) => ({
      ...answer,
      access_token: randomBytes(length).toString('hex').slice(0, length),
    });
    house.provider.control.fail('token', { kind: 'rewrite', change });
  };

  it('travels in chunks, shrinks into one cookie and grows again, and no piece is left behind', async () => {
    await open();
    const agent = house.newAgent();
    await agent.login('alice');
    const chunks = [`${SESSION}.0`, `${SESSION}.1`];
    expect(sessionNames(agent)).toEqual(chunks);
    for (const [length, names] of [
      [40, [SESSION]],
      [LARGE, chunks],
      [1000, [SESSION]],
    ] as const) {
      issue(length);
      house.expireAccessToken();
      const answers = await Promise.all([agent.fetch('/api/a'), agent.fetch('/api/b'), agent.fetch('/api/c')]);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(sessionNames(agent)).toEqual(names);
      expect((await agent.fetch('/api/x')).status).toBe(200);
    }
    expect(agent.jar.refused).toEqual([]);
  });

  it('is no session with its pieces swapped, missing, or of two users', async () => {
    await open();
    const alice = (await signIn(house, 'alice')).split('; ');
    const erin = (await signIn(house, 'erin')).split('; ');
    const values = (pairs: readonly string[]): string[] => pairs.map((pair) => valueOf(pair));
    const [a0 = '', a1 = ''] = values(alice);
    const [e0 = '', e1 = ''] = values(erin);
    const ask = async (...chunks: readonly string[]): Promise<number> => {
      const cookie = chunks.map((value, n) => `${SESSION}.${String(n)}=${value}`).join('; ');
      return (await house.call('/api/x', { cookie })).status;
    };
    expect(await ask(a0, a1)).toBe(200);
    for (const wrong of [
      [a1, a0],
      [a0],
      [a1],
      [a0, e1],
      [e0, a1],
      [a0, a0],
      [a0, a0, a1],
      [a0.slice(1), a1],
      [a0, a1.slice(1)],
      [a0, `${a1}A`],
    ]) {
      expect(await ask(...wrong)).toBe(401);
    }
    // A piece too many from an older, longer session does no harm.
    expect(await ask(a0, a1, e1)).toBe(200);
  });

  it('over the budget at login is an explained error with the sizes, and no cookie', async () => {
    await open({ cookie: { budget: '4KiB' } });
    const agent = house.newAgent();
    const { page } = await agent.login('alice');
    expect([page.status, page.headers.get('cloakroom-error')]).toEqual([500, 'cookie_budget']);
    expect(page.body).toMatch(/4,?096/);
    expect(sessionNames(agent)).toEqual([]);
    expect(told(await agent.fetch('/api/x'))).toMatchObject({ status: 401, code: 'not_logged_in' });
  });

  it('over the budget at a refresh goes on: the browser keeps its cookie, and every request is healed', async () => {
    await open({ cookie: { budget: '6KiB' } }, 43);
    const agent = house.newAgent();
    await agent.login('alice');
    house.provider.stats.reset();
    issue(9000);
    house.expireAccessToken();
    house.api.reset();
    for (let n = 0; n < 4; n++) {
      const answer = await agent.fetch('/api/x');
      expect(told(answer)).toEqual({ status: 200, code: undefined, set: [], cleared: [], retryAfter: undefined });
      house.clock.skip(20_000);
    }
    expect(house.provider.stats.refreshes).toBe(1);
    expect(new Set(house.api.requests.map(({ bearer }) => bearer && bearer.fingerprint)).size).toBe(1);
    expect(house.log.of('cookie_budget')).toHaveLength(1);
    expect(sessionNames(agent)).toEqual([SESSION]);
    expect(agent.jar.refused).toEqual([]);

    // The next token fits again.
    issue(43);
    house.expireAccessToken();
    expect(told(await agent.fetch('/api/x')).set).toHaveLength(1);
    house.clock.skip(10_000);
    expect(told(await agent.fetch('/api/x'))).toMatchObject({ status: 200, set: [] });
  });
});
