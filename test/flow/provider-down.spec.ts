import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { authorizationResponse } from '../support/callback-hop.ts';
import { openHouse, type House } from '../support/house.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { jsonOf, verdictOf } from '../support/wire.ts';

let house: House;

const readiness = async (): Promise<unknown> => (await fetch(`${house.managementUrl}/readyz`)).json();
const toProvider = (url: URL): boolean => url.origin === house.provider.origin;

/** Asks until the answer is no 503: the provider is looked for again at every login, and in between. */
async function loginOnceUp(agent: UserAgent): Promise<number> {
  for (let tries = 1; tries <= 200; tries++) {
    const { page, stoppedAt } = await agent.navigate('/bff/login?returnTo=/pages/page', { until: toProvider });
    if (stoppedAt !== undefined) {
      await agent.navigate(stoppedAt, { initiator: 'page' });
      return tries;
    }
    expect(verdictOf(page)).toEqual([503, 'provider_unavailable']);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('The provider is up, and the login never noticed');
}

afterEach(() => house.close());

describe('a provider that is down at boot', () => {
  beforeEach(async () => {
    house = await openHouse({ providerDown: true });
  });

  it('does not keep the process from listening and answering', async () => {
    const agent = house.newAgent();
    expect(await jsonOf(await agent.fetch('/bff/session'))).toEqual({ authenticated: false, reason: 'none', loginUrl: '/bff/login' });
    expect(verdictOf(await agent.fetch('/api/orders'))).toEqual([401, 'not_logged_in']);
    expect((await fetch(`${house.managementUrl}/livez`)).status).toBe(200);
    expect(house.provider.stats.hits).toEqual({});
  });

  it('does not make the process unready', async () => {
    const answer = await fetch(`${house.managementUrl}/readyz`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ status: 'ready', provider: expect.stringMatching(/^(down|unknown)$/), redis: 'off' });
  });

  it('makes a login a page that says so, with Retry-After, without a cookie, and a link to try again', async () => {
    const agent = house.newAgent();
    const { page } = await agent.navigate('/bff/login?returnTo=/pages/page');
    expect(verdictOf(page)).toEqual([503, 'provider_unavailable']);
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.setCookies).toEqual([]);
    expect(page.body).toContain('<a class="go" href="/bff/login?returnTo=/pages/page">Try again</a>');
    expect(agent.cookies()).toEqual([]);
    expect(await readiness()).toMatchObject({ status: 'ready', provider: 'down' });
  });

  it('is found again without a restart', async () => {
    const agent = house.newAgent();
    await agent.navigate('/bff/login');
    await house.provider.control.up();
    await loginOnceUp(agent);
    const { page } = await agent.signIn('alice');
    expect([page.url, page.status]).toEqual([`${house.origin}/pages/page`, 200]);
    expect(await readiness()).toEqual({ status: 'ready', provider: 'up', redis: 'off' });
  });

  it('is found again when nobody asks for a login', async () => {
    await house.provider.control.up();
    for (let tries = 0; tries < 400; tries++) {
      const { provider } = (await readiness()) as { provider: string };
      if (provider === 'up') break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    expect(await readiness()).toMatchObject({ provider: 'up' });
    expect(house.provider.stats.hits.authorization).toBeUndefined();
  });

  it('is one warning while it lasts, not one for every try', async () => {
    const agent = house.newAgent();
    for (let i = 0; i < 10; i++) await agent.navigate('/bff/login');
    const loud = house.log.lines.filter(({ level }) => level === 'warn' || level === 'error');
    expect(loud.length).toBeGreaterThan(0);
    expect(loud.length).toBeLessThanOrEqual(3);
  });

  it('lets a form and a script log out all the same', async () => {
    const answer = await house.newAgent().fetch('/bff/logout', { method: 'POST' });
    expect([answer.status, await jsonOf(answer)]).toEqual([200, { redirectTo: '/' }]);
  });
});

describe('a provider that goes down later', () => {
  let agent: UserAgent;

  beforeEach(async () => {
    house = await openHouse();
    agent = house.newAgent();
    await agent.login('alice', { returnTo: '/pages/page' });
    await house.provider.control.down();
    house.log.lines.length = 0;
    house.api.reset();
  });

  it('is not noticed by a session whose token is good', async () => {
    for (let i = 0; i < 5; i++) expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(house.log.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });

  it('is not noticed either when the token is due for an early renewal', async () => {
    house.clock.skip(250_000);
    const answer = await agent.fetch('/api/orders');
    expect(answer.status).toBe(200);
    expect(await jsonOf(answer)).toMatchObject({ bearer: { fingerprint: expect.any(String) } });
  });

  it('is 503 with Retry-After when the token is over, and the session is kept', async () => {
    house.expireAccessToken();
    const answer = await agent.fetch('/api/orders');
    expect(verdictOf(answer)).toEqual([503, 'provider_unavailable']);
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(house.api.requests).toEqual([]);
    expect(await jsonOf(await agent.fetch('/bff/session'))).toMatchObject({ authenticated: true, accessTokenExpiresIn: 0 });
  });

  it('is 503 as a page for a navigation', async () => {
    house.expireAccessToken();
    const { page } = await agent.navigate('/pages/page');
    expect(verdictOf(page)).toEqual([503, 'provider_unavailable']);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  });

  it('is forgotten when it is back: the same session goes on with one grant', async () => {
    house.expireAccessToken();
    const first = await agent.fetch('/api/orders');
    await house.provider.control.up();
    house.provider.stats.reset();
    house.clock.skip(Number(first.headers.get('retry-after')) * 1000);
    const answer = await agent.fetch('/api/orders');
    expect(answer.status).toBe(200);
    expect(answer.headers.getSetCookie()).toHaveLength(1);
    expect(house.provider.stats.tokenRequests.map(({ grantType, status }) => [grantType, status])).toEqual([['refresh_token', 200]]);
  });

  it('lets a login begin with the metadata we know, and end on a 503 page that can be tried again', async () => {
    await house.provider.control.up();
    const other = house.newAgent();
    const url = await authorizationResponse(other, 'erin');
    await house.provider.control.down();
    const { page } = await other.navigate(url.href);
    expect(verdictOf(page)).toEqual([503, 'provider_unavailable']);
    await house.provider.control.up();
    const again = await other.navigate(url.href);
    expect([again.page.url, again.page.status]).toEqual([`${house.origin}/pages/page`, 200]);
  });
});

describe('a provider whose metadata are of somebody else', () => {
  it('is never used, and the process goes on', async () => {
    house = await openHouse();
    const wrong = house.provider.issuer.replace('/default', '/other');
    await house.reopen({ provider: { issuer: wrong } });
    const { page } = await house.newAgent().navigate('/bff/login');
    expect(verdictOf(page)).toEqual([503, 'provider_unavailable']);
    expect((await house.newAgent().fetch('/bff/session')).status).toBe(200);
  });
});
