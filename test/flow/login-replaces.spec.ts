import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { clearings } from '../support/set-cookie.ts';
import type { StoredCookie } from '../support/cookie-jar.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { jsonOf, verdictOf } from '../support/wire.ts';

const SESSION = '__Host-Http-cloakroom';

let house: House;

beforeAll(async () => {
  house = await openHouse();
});

beforeEach(() => house.provider.stats.reset());

afterAll(() => house.close());

const sessionCookie = (agent: UserAgent): StoredCookie => {
  const cookie = agent.jar.get(SESSION);
  if (cookie === undefined) throw new Error('The browser has no session cookie');
  return cookie;
};

const replay = (cookie: string, path = '/api/orders'): Promise<Response> => house.newAgent().fetch(path, { headers: { cookie } });

describe('a second login in the same browser', () => {
  let agent: UserAgent;
  let old: string;

  beforeAll(async () => {
    agent = house.newAgent();
    await agent.login('alice');
    old = `${SESSION}=${sessionCookie(agent).value}`;
    const first = await jsonOf(await agent.fetch('/bff/session'));
    await agent.navigate('/bff/login?returnTo=/pages/page'); // signed in at the provider: no question there
    const second = await jsonOf(await agent.fetch('/bff/session'));
    expect(second['logoutUrl']).not.toBe(first['logoutUrl']);
  });

  it('gives the browser a session of a new id that works', async () => {
    expect(`${SESSION}=${sessionCookie(agent).value}`).not.toBe(old);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
  });

  it('ends the session before: its cookie is revoked on routes and is not cleared, because the browser holds the new one', async () => {
    const answer = await replay(old);
    expect(verdictOf(answer)).toEqual([401, 'session_revoked']);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it('ends the session before at the session endpoint as well', async () => {
    const answer = await replay(old, '/bff/session');
    expect(await jsonOf(answer)).toEqual({ authenticated: false, reason: 'revoked', loginUrl: '/bff/login' });
    expect(answer.headers.getSetCookie()).toEqual([]);
  });
});

describe('a login as somebody else', () => {
  it('leaves nothing of the first user', async () => {
    const agent = house.newAgent();
    await agent.login('alice');
    const before = agent.cookies().filter(({ name }) => name.includes('cloakroom'));
    await agent.navigate('/bff/login?prompt=select_account&returnTo=/pages/page');
    const { page } = await agent.signIn('erin');

    expect(page.status).toBe(200);
    const { user } = await jsonOf(await agent.fetch('/bff/session'));
    expect(user).toEqual({ sub: 'erin', name: 'Erin Unverified', email: 'erin@example.com' });
    const values = agent.cookies().map(({ value }) => value);
    for (const { value } of before) expect(values).not.toContain(value);
    expect((await replay(`${SESSION}=${before.find(({ name }) => name === SESSION)?.value ?? ''}`)).status).toBe(401);
  });
});

describe('a session in chunks', () => {
  let big: House;

  beforeAll(async () => {
    const user = { email: 'big@example.com', emailVerified: true, groups: [], situation: 'Large tokens' };
    const users = [
      { ...user, id: 'big', name: 'Big', accessTokenBytes: 3200 },
      { ...user, id: 'small', name: 'Small' },
    ];
    big = await openHouse({ provider: { users } });
  });

  afterAll(() => big.close());

  const names = (agent: UserAgent): string[] =>
    agent
      .cookies('/')
      .map(({ name }) => name)
      .filter((name) => name.startsWith(SESSION));

  it('lies in numbered cookies only, each small enough for a browser', async () => {
    const agent = big.newAgent();
    const { page } = await agent.login('big', { returnTo: '/pages/page' });
    expect(page.status).toBe(200);
    expect(names(agent)).toEqual([`${SESSION}.0`, `${SESSION}.1`]);
    expect(agent.jar.refused).toEqual([]);
  });

  it('is whole again on every request, and gone from the wire when a small session takes its place', async () => {
    const agent = big.newAgent();
    await agent.login('big');
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    await agent.navigate('/bff/login?prompt=select_account&returnTo=/pages/page');
    const { page } = await agent.signIn('small');
    expect(page.status).toBe(200);
    const { user } = await jsonOf(await agent.fetch('/bff/session'));
    expect(user).toMatchObject({ sub: 'small' });
    big.clock.skip(240_000); // the callback cannot see Strict cookies: the next cookie we set takes the chunks away
    const answer = await agent.fetch('/api/orders');
    expect(clearings(answer.headers.getSetCookie())).toEqual([`${SESSION}.0`, `${SESSION}.1`]);
    expect(names(agent)).toEqual([SESSION]);
  });

  it('is cleared with every chunk at logout', async () => {
    const agent = big.newAgent();
    await agent.login('big');
    const out = await agent.fetch('/bff/logout', { method: 'POST' });
    expect(clearings(out.headers.getSetCookie())).toEqual([`${SESSION}.0`, `${SESSION}.1`]);
    expect(names(agent)).toEqual([]);
  });
});

describe('session fixation', () => {
  it.each(['a valid one of the attacker', 'one that nobody can read'])('with a planted cookie, %s, gains nothing', async (kind) => {
    const attacker = house.newAgent();
    await attacker.login('erin');
    const victim = house.newAgent();
    const planted = sessionCookie(attacker);
    victim.jar.restore([kind.startsWith('a valid') ? planted : { ...planted, value: 'Fe26.2*1*planted' }]);

    const { page } = await victim.login('alice', { returnTo: '/pages/page' });

    expect(page.status).toBe(200);
    expect(sessionCookie(victim).value).not.toBe(planted.value);
    expect(await jsonOf(await victim.fetch('/bff/session'))).toMatchObject({ authenticated: true, user: { sub: 'alice' } });
    const seen = await jsonOf(await attacker.fetch('/bff/session'));
    expect(seen['user'] ?? {}).not.toMatchObject({ sub: 'alice' });
  });

  it('is no way in with a planted login attempt of the attacker', async () => {
    const attacker = house.newAgent();
    await attacker.navigate('/bff/login?returnTo=/pages/page');
    const { stoppedAt = '' } = await attacker.signIn('erin', { until: (url) => url.pathname === '/bff/callback' });
    const victim = house.newAgent();
    await victim.login('alice');
    const { value } = sessionCookie(victim);

    const { page, urls } = await victim.navigate(stoppedAt, { initiator: new URL('https://evil.example/') });

    expect(urls.map((url) => new URL(url).pathname)).toEqual(['/bff/callback', '/bff/continue', '/']);
    expect(page.url).toBe(`${house.origin}/`);
    expect(sessionCookie(victim).value).toBe(value);
    expect(house.provider.stats.tokenRequests).toHaveLength(1);
  });
});
