import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import type { StoredCookie } from '../support/cookie-jar.ts';
import { clearings } from '../support/set-cookie.ts';
import type { Trail, UserAgent } from '../support/user-agent.ts';
import { jsonOf, verdictOf } from '../support/wire.ts';

const SESSION = '__Host-Http-cloakroom';

let house: House;

beforeAll(async () => {
  const user = { email: 'x@example.com', emailVerified: true, groups: [], situation: '' };
  const users = [
    { ...user, id: 'alice', name: 'Alice' },
    { ...user, id: 'big', name: 'Big', accessTokenBytes: 3200 },
  ];
  house = await openHouse({ provider: { users } });
});

beforeEach(() => {
  house.provider.stats.reset();
  house.log.lines.length = 0;
});

afterAll(() => house.close());

const isContinue = (url: URL): boolean => url.pathname === '/bff/continue';

/** Logs in, lets something happen to the cookies on their way, and goes on. */
async function goOnWith(
  user: string,
  change: (cookies: readonly StoredCookie[], agent: UserAgent) => readonly StoredCookie[],
): Promise<Trail & { agent: UserAgent }> {
  const agent = house.newAgent();
  const { stoppedAt = '' } = await agent.login(user, { returnTo: '/pages/page', until: isContinue });
  agent.jar.restore(change(agent.cookies(), agent));
  const trail = await agent.navigate(stoppedAt, { initiator: 'page' });
  return Object.assign(trail, { agent });
}

const isSession = ({ name }: StoredCookie): boolean => name.startsWith(SESSION);

function expectDiagnosis({ page, hops }: Trail, reason: string): void {
  expect(verdictOf(page)).toEqual([400, 'cookie_not_stored']);
  expect(page.body).toContain(`cookie_not_stored (${reason})`);
  expect(page.headers.get('cache-control')).toBe('no-store');
  expect(page.headers.get('refresh')).toBeNull();
  expect(page.body).toContain('<a class="go" href="/bff/login?returnTo=%2Fpages%2Fpage">Try again</a>');
  expect(hops).toHaveLength(1);
  expect(house.log.of('cookie_not_stored').map(({ fields }) => fields['reason'])).toEqual([reason]);
}

describe('a browser that does not keep the session cookie', () => {
  it('ends on a page that says "absent", after at most six navigations and without a loop', async () => {
    const agent = house.newAgent({ refusesCookie: (name) => name === SESSION });
    const first = await agent.navigate('/bff/login?returnTo=/pages/page');
    const second = await agent.signIn('alice');
    expect(verdictOf(second.page)).toEqual([400, 'cookie_not_stored']);
    expect(second.page.body).toContain('cookie_not_stored (absent)');
    const ours = [...first.hops, ...second.hops].filter(({ url }) => url.startsWith(house.origin));
    expect(ours.map(({ url }) => new URL(url).pathname)).toEqual(['/bff/login', '/bff/callback', '/bff/continue']);
    expect(house.provider.stats.authorizations).toHaveLength(1);
  });

  it('ends there again and again however often the user tries', async () => {
    const agent = house.newAgent({ refusesCookie: (name) => name === SESSION });
    await agent.login('alice', { returnTo: '/pages/page' });
    for (let i = 0; i < 3; i++) {
      const { page, hops } = await agent.navigate('/bff/login?returnTo=/pages/page', { initiator: 'page' });
      expect(verdictOf(page)).toEqual([400, 'cookie_not_stored']);
      expect(hops.length).toBeLessThanOrEqual(6);
    }
  });

  it('that keeps no cookie at all ends on the page with a sign-in button', async () => {
    const agent = house.newAgent({ refusesCookie: (name) => name.includes('cloakroom') });
    const { page, hops } = await agent.login('alice', { returnTo: '/pages/page' });
    expect([page.status, new URL(page.url).pathname, page.body.includes('You are signed out')]).toEqual([200, '/bff/continue', true]);
    expect(hops.filter(({ url }) => url.startsWith(house.origin)).length).toBeLessThanOrEqual(6);
    expect(house.provider.stats.hits.token).toBeUndefined();
  });

  it('is told the same in JSON when a script asks', async () => {
    const answer = await house.newAgent().fetch('/bff/continue?fresh=1');
    expect(verdictOf(answer)).toEqual([400, 'cookie_not_stored']);
    expect(await jsonOf(answer)).toMatchObject({ code: 'cookie_not_stored', reason: 'absent' });
  });
});

describe('a session cookie that changed on its way', () => {
  it('and cannot be read is "unreadable"', async () => {
    const trail = await goOnWith('alice', (cookies) => cookies.map((it) => (isSession(it) ? { ...it, value: 'something-else' } : it)));
    expectDiagnosis(trail, 'unreadable');
    expect(trail.page.setCookies).toEqual([]);
  });

  it('and fails its seal under our own key is "unreadable" and cleared', async () => {
    const flip = (value: string): string => value.slice(0, 200) + (value[200] === 'A' ? 'B' : 'A') + value.slice(201);
    const trail = await goOnWith('alice', (cookies) => cookies.map((it) => (isSession(it) ? { ...it, value: flip(it.value) } : it)));
    expectDiagnosis(trail, 'unreadable');
    expect(clearings(trail.page.setCookies)).toEqual([SESSION]);
  });

  it.each([0, 1])('and lost its chunk %d is "too_big"', async (chunk) => {
    const trail = await goOnWith('big', (cookies) => cookies.filter(({ name }) => name !== `${SESSION}.${chunk}`));
    expectDiagnosis(trail, 'too_big');
  });

  it('and is still the one of before is "old_kept"', async () => {
    const agent = house.newAgent();
    await agent.login('alice');
    const old = agent.cookies().filter(isSession);
    const { stoppedAt = '' } = await agent.navigate('/bff/login?returnTo=/pages/page', { until: isContinue });
    agent.jar.restore(old);
    expectDiagnosis(await agent.navigate(stoppedAt, { initiator: 'page' }), 'old_kept');
  });
});

describe('continue without a fresh login', () => {
  it('goes on with a session', async () => {
    const agent = house.newAgent();
    await agent.login('alice');
    const { page, hops } = await agent.navigate('/bff/continue?returnTo=/pages/page');
    expect([page.url, page.status, hops.length]).toEqual([`${house.origin}/pages/page`, 200, 2]);
  });

  it('is a page with a sign-in button otherwise, and never begins a login', async () => {
    const { page, hops } = await house.newAgent().navigate('/bff/continue?returnTo=/pages/page');
    expect([page.status, page.headers.get('cloakroom-error'), hops.length]).toEqual([200, null, 1]);
    expect(page.body).toContain('You are signed out');
    expect(page.body).toContain('<a class="go" href="/bff/login?returnTo=%2Fpages%2Fpage">Sign in</a>');
    expect(page.setCookies).toEqual([]);
    expect(house.provider.stats.authorizations).toEqual([]);
  });

  it.each(['returnTo', 'fresh'])('refuses %s twice', async (name) => {
    const { page } = await house.newAgent().navigate(`/bff/continue?${name}=1&${name}=1`);
    expect(verdictOf(page)).toEqual([400, 'bad_request']);
  });

  it.each(['POST', 'HEAD', 'PUT'])('knows no %s', async (method) => {
    const answer = await house.newAgent().fetch('/bff/continue', { method });
    expect([...verdictOf(answer), answer.headers.get('allow')]).toEqual([405, 'method_not_allowed', 'GET']);
  });
});

describe('a session over the budget', () => {
  let small: House;

  beforeAll(async () => {
    const user = { email: 'x@example.com', emailVerified: true, groups: [], situation: '' };
    const users = [
      { ...user, id: 'fits', name: 'Fits', accessTokenBytes: 1000 },
      { ...user, id: 'huge', name: 'Huge', accessTokenBytes: 5000 },
    ];
    small = await openHouse({ provider: { users }, config: { cookie: { budget: '3KiB' } } });
  });

  afterAll(() => small.close());

  it('is an explained error at the callback, with the sizes, without a session, and its token given back', async () => {
    const agent = small.newAgent();
    const { page } = await agent.login('huge');
    expect(verdictOf(page)).toEqual([500, 'cookie_budget']);
    expect(page.body).toMatch(/needs \d+ bytes of cookies; the budget \(cookie\.budget\) is 3072 bytes/);
    expect(page.body).toMatch(/access token has \d+ bytes/);
    expect(agent.cookies().filter(({ name }) => name.includes('cloakroom'))).toEqual([]);
    expect(small.provider.control.liveRefreshTokens('huge')).toBe(0);
    expect(small.log.of('cookie_budget_exceeded')).toHaveLength(1);
  });

  it('drops the hint first', async () => {
    const agent = small.newAgent();
    const { page } = await agent.login('fits', { returnTo: '/pages/page' });
    expect(page.status).toBe(200);
    expect(
      agent
        .cookies()
        .filter(({ name }) => name.includes('cloakroom'))
        .map(({ name }) => name),
    ).toEqual([SESSION]);
  });
});
