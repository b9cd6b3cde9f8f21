import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { shapesOf } from '../support/set-cookie.ts';
import { jsonOf, verdictOf } from '../support/wire.ts';

describe('access.allow at login', () => {
  let house: House;

  beforeAll(async () => {
    house = await openHouse({ config: { access: { allow: [{ claim: 'sub', anyOf: ['alice'] }, { emailDomain: ['staff.example'] }] } } });
  });

  beforeEach(() => {
    house.provider.stats.reset();
    house.log.lines.length = 0;
  });

  afterAll(() => house.close());

  it('lets in whom an entry admits', async () => {
    const { page } = await house.newAgent().login('alice', { returnTo: '/pages/page' });
    expect(page.status).toBe(200);
  });

  it('refuses others with a page that offers another account, and without a session', async () => {
    const agent = house.newAgent();
    const { page, hops } = await agent.login('erin', { returnTo: '/pages/page?x=1' });
    expect(new URL(page.url).pathname).toBe('/bff/callback');
    expect(hops.length).toBeLessThanOrEqual(6);
    expect(verdictOf(page)).toEqual([403, 'forbidden']);
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.body).toContain('href="/bff/login?prompt=select_account&#38;returnTo=%2Fpages%2Fpage%3Fx%3D1"');
    expect(page.body).toContain('Sign in as someone else');
    expect(shapesOf(page.setCookies)).toEqual(['__Host-Http-cloakroom-login.<id>=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax']);
    expect(agent.cookies().filter(({ name }) => name.includes('cloakroom'))).toEqual([]);
    expect(house.log.of('login_forbidden')).toHaveLength(1);
  });

  it('gives the refresh token of a refused login back', async () => {
    await house.newAgent().login('erin');
    expect(house.provider.stats.revocations).toEqual([{ tokenTypeHint: 'refresh_token', clientAuth: 'client_secret_basic', status: 200 }]);
    expect(house.provider.control.liveRefreshTokens('erin')).toBe(0);
  });

  it('lets the refused user come in as somebody else', async () => {
    const agent = house.newAgent();
    const { page } = await agent.login('erin', { returnTo: '/pages/page' });
    const link = /href="([^"]+)"/.exec(page.body)?.[1]?.replaceAll('&#38;', '&') ?? '';
    await agent.navigate(link, { initiator: 'page' });
    const end = await agent.signIn('alice');
    expect([end.page.url, end.page.status]).toEqual([`${house.origin}/pages/page`, 200]);
  });

  it('leaves a session that was there before alone', async () => {
    const agent = house.newAgent();
    await agent.login('alice');
    await agent.navigate('/bff/login?prompt=select_account');
    const { page } = await agent.signIn('erin');
    expect(page.status).toBe(403);
    expect(await jsonOf(await agent.fetch('/bff/session'))).toMatchObject({ authenticated: true, user: { sub: 'alice' } });
  });
});

describe('access.allow on a route', () => {
  let house: House;

  beforeAll(async () => {
    const access = { allow: [{ claim: 'groups', anyOf: ['admins', 'department-007'] }] };
    house = await openHouse({
      routes: (upstream) => [
        { path: '/api', upstream },
        { path: '/admin', upstream, access },
      ],
    });
  });

  afterAll(() => house.close());

  it('lets in whom it admits, and refuses others with 403 and the way to another account', async () => {
    const agent = house.newAgent();
    await agent.login('alice');
    house.api.reset();
    const answer = await agent.fetch('/admin/users');
    expect(verdictOf(answer)).toEqual([403, 'forbidden']);
    expect(await jsonOf(answer)).toMatchObject({ code: 'forbidden', loginUrl: '/bff/login?prompt=select_account' });
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(house.api.requests.map(({ url }) => url)).toEqual(['/api/orders']);
  });

  it('refuses a navigation with a page that leads back to it', async () => {
    const agent = house.newAgent();
    await agent.login('alice');
    const { page } = await agent.navigate('/admin/users?x=1');
    expect(verdictOf(page)).toEqual([403, 'forbidden']);
    expect(page.body).toContain('href="/bff/login?prompt=select_account&#38;returnTo=%2Fadmin%2Fusers%3Fx%3D1"');
  });

  it('reads a claim that the session keeps for the rule alone and shows to no page', async () => {
    const agent = house.newAgent();
    await agent.login('bob');
    expect((await agent.fetch('/admin/users')).status).toBe(200);
    const { user } = await jsonOf(await agent.fetch('/bff/session'));
    expect(Object.keys(user ?? {})).toEqual(['sub', 'name', 'email']);
  });
});

describe('access.allow that has changed since the login', () => {
  it('refuses the session everywhere, names the way to another account, and does not end it', async () => {
    const house = await openHouse();
    try {
      const agent = house.newAgent();
      await agent.login('alice');
      await house.reopen({ access: { allow: [{ claim: 'sub', anyOf: ['erin'] }] } });
      const session = await agent.fetch('/bff/session');
      const answers = [await agent.fetch('/api/orders'), await agent.fetch('/bff/refresh', { method: 'POST' })];
      expect(answers.map(verdictOf)).toEqual([
        [403, 'forbidden'],
        [403, 'forbidden'],
      ]);
      expect(await jsonOf(session)).toEqual({ authenticated: false, reason: 'forbidden', loginUrl: '/bff/login?prompt=select_account' });
      expect([session, ...answers].flatMap(({ headers }) => headers.getSetCookie())).toEqual([]);
      await house.reopen({ access: { allow: [] } });
      expect((await agent.fetch('/api/orders')).status).toBe(200);
    } finally {
      await house.close();
    }
  });
});
