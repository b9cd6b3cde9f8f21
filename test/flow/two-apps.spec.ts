import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { UserAgent } from '../support/user-agent.ts';
import { headerOf, jsonOf, queryOf, verdictOf } from '../support/wire.ts';

const SESSION = '__Host-Http-cloakroom';

/** Two applications with the same key and the same cookie name: on localhost a browser sends the cookies of both to both. */
describe('two applications in one process', () => {
  let left: House;
  let right: House;

  beforeAll(async () => {
    [left, right] = await Promise.all([openHouse(), openHouse()]);
  });

  afterAll(async () => {
    await left.close();
    await right.close();
  });

  const cookieOf = (agent: UserAgent): string => `${SESSION}=${agent.jar.get(SESSION)?.value ?? ''}`;

  it('do not know the sessions of one another, and do not clear them', async () => {
    const agent = left.newAgent();
    await agent.login('alice');
    const headers = { cookie: cookieOf(agent) };
    const answers = [await right.newAgent().fetch('/api/orders', { headers }), await right.newAgent().fetch('/bff/session', { headers })];
    expect(answers.map(verdictOf)).toEqual([
      [401, 'not_logged_in'],
      [200, null],
    ]);
    expect(answers.flatMap(({ headers: them }) => them.getSetCookie())).toEqual([]);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(right.api.requests).toEqual([]);
  });

  it('do not take the authorization responses of one another', async () => {
    const agent = left.newAgent();
    await agent.navigate('/bff/login');
    const { stoppedAt = '' } = await agent.signIn('alice', { until: (url) => url.pathname === '/bff/callback' });
    const moved = stoppedAt.replace(left.origin, right.origin);
    right.provider.stats.reset();
    const { page } = await new UserAgent({ origin: right.origin, clock: right.clock }, agent.jar).navigate(moved);
    expect(verdictOf(page)).toEqual([400, 'login_failed']);
    expect(page.body).toContain('login_failed (attempt_missing)');
    expect(right.provider.stats.hits.token).toBeUndefined();
  });

  it('end the sessions of their own only', async () => {
    const [one, other] = [left.newAgent(), right.newAgent()];
    await one.login('alice');
    await other.login('alice');
    await one.fetch('/bff/logout', { method: 'POST' });
    expect(verdictOf(await one.fetch('/api/orders'))).toEqual([401, 'not_logged_in']);
    expect((await other.fetch('/api/orders')).status).toBe(200);
  });

  it('do not take a proof of logout from one another', async () => {
    const [one, other] = [left.newAgent(), right.newAgent()];
    await one.login('alice');
    await other.login('alice');
    const { logoutUrl } = await jsonOf(await one.fetch('/bff/session'));
    const { page } = await other.navigate(String(logoutUrl));
    expect(verdictOf(page)).toEqual([403, 'csrf_refused']);
    expect((await other.fetch('/api/orders')).status).toBe(200);
  });

  it('serve one user twice at the same moment, each with its own token', async () => {
    const [one, other] = [left.newAgent(), right.newAgent()];
    await one.login('alice');
    await other.login('alice');
    left.expireAccessToken();
    right.expireAccessToken();
    for (const house of [left, right]) {
      house.provider.stats.reset();
      house.api.reset();
    }
    const calls = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? one : other).fetch(`/api/${n}`));
    expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([200]));
    for (const { provider, api } of [left, right]) {
      expect(provider.stats.refreshes).toBe(1);
      expect(api.requests).toHaveLength(20);
      expect(new Set(api.requests.map(({ bearer }) => bearer !== false && bearer.fingerprint)).size).toBe(1);
    }
    const prints = [left, right].map(({ api }) => api.requests[0]?.bearer).map((bearer) => (bearer ? bearer.fingerprint : ''));
    expect(new Set(prints).size).toBe(2);
  });

  it('log to their own loggers, and go down one by one', async () => {
    const third = await openHouse();
    await third.newAgent().login('erin');
    expect(third.log.of('login_succeeded')).toHaveLength(1);
    await third.close();
    expect(verdictOf(await left.newAgent().fetch('/bff/session'))).toEqual([200, null]);
  });

  it('may share a host when their cookies have different names', async () => {
    const named = await openHouse({ config: { cookie: { name: 'other' } } });
    try {
      const agent = left.newAgent();
      const same = new UserAgent({ origin: named.origin, clock: named.clock }, agent.jar);
      await agent.login('alice');
      await same.login('erin');
      const users = [await jsonOf(await agent.fetch('/bff/session')), await jsonOf(await same.fetch('/bff/session'))];
      expect(users.map(({ user }) => (user as { sub: string }).sub)).toEqual(['alice', 'erin']);
      const out = await same.fetch('/bff/logout', { method: 'POST' });
      expect(out.headers.getSetCookie().filter((line) => line.includes('cloakroom'))).toEqual([]);
      expect((await agent.fetch('/api/orders')).status).toBe(200);
    } finally {
      await named.close();
    }
  });

  it('send the user to their own provider', async () => {
    const locations: string[] = [];
    for (const house of [left, right]) {
      const { page } = await house.newAgent().navigate('/bff/login', { until: (url) => url.origin === house.provider.origin });
      locations.push(headerOf(page, 'location'));
    }
    expect(locations.map((url) => [new URL(url).origin, queryOf(url)['redirect_uri']])).toEqual([
      [left.provider.origin, `${left.origin}/bff/callback`],
      [right.provider.origin, `${right.origin}/bff/callback`],
    ]);
  });
});
