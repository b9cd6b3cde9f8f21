import { afterEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House, type HouseOptions } from '../support/house.ts';
import { shapesOf } from '../support/set-cookie.ts';
import type { Trail, UserAgent } from '../support/user-agent.ts';
import { jsonOf } from '../support/wire.ts';

let house: House;
let agent: UserAgent;

const enter = async (options: HouseOptions, user = 'alice'): Promise<Trail> => {
  house = await openHouse(options);
  agent = house.newAgent();
  return agent.login(user, { returnTo: '/pages/page' });
};

afterEach(() => house.close());

describe('providers of every kind', () => {
  it.each<[string, HouseOptions]>([
    ['a public client', { provider: { clientAuthMethod: 'none' }, config: { provider: { clientAuthMethod: 'none' } } }],
    [
      'a secret in the body',
      { provider: { clientAuthMethod: 'client_secret_post' }, config: { provider: { clientAuthMethod: 'client_secret_post' } } },
    ],
    ['ES256 ID tokens', { provider: { idTokenAlg: 'ES256' } }],
    ['access tokens that are JWTs', { provider: { accessTokenFormat: 'jwt' } }],
    ['claims at userinfo only', { provider: { claimsIn: 'userinfo' } }],
    ['refresh tokens that stay', { provider: { rotation: 'static' } }],
  ])('let somebody in, renew and let out: %s', async (_kind, options) => {
    const { page } = await enter(options);
    expect([page.url, page.status]).toEqual([`${house.origin}/pages/page`, 200]);
    house.expireAccessToken();
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    const { user } = await jsonOf(await agent.fetch('/bff/session'));
    expect(user).toEqual({ sub: 'alice', name: 'Alice Ordinary', email: 'alice@example.com' });
    await agent.fetch('/bff/logout', { method: 'POST' });
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(0);
    expect(house.provider.stats.serverErrors).toEqual([]);
  });

  it('let a user with 150 groups and large tokens in', async () => {
    const { page } = await enter({ config: { session: { claims: ['name', 'groups'] } } }, 'bob');
    expect(page.status).toBe(200);
    const { user } = await jsonOf(await agent.fetch('/bff/session'));
    expect((user as { groups: unknown[] }).groups).toHaveLength(151);
  });
});

describe('cookies of every kind', () => {
  it.each<[string, Record<string, unknown>, readonly string[]]>([
    [
      'devCookies',
      { devCookies: true },
      [
        'cloakroom=…; Path=/; Max-Age=46800; HttpOnly; SameSite=Strict',
        'cloakroom-hint=…; Path=/bff/logout; Max-Age=46800; HttpOnly; SameSite=Strict',
        'cloakroom-login.<id>=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax',
      ],
    ],
    [
      'another name',
      { name: 'shop-2' },
      [
        '__Host-Http-shop-2=…; Path=/; Max-Age=46800; Secure; HttpOnly; SameSite=Strict',
        '__Secure-shop-2-hint=…; Path=/bff/logout; Max-Age=46800; Secure; HttpOnly; SameSite=Strict',
        '__Host-Http-shop-2-login.<id>=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax',
      ],
    ],
  ])('are as configured: %s', async (_kind, cookie, lines) => {
    const trail = await enter({ config: { cookie } });
    expect(shapesOf(trail.at('/bff/callback')?.setCookies ?? [])).toEqual(lines);
    expect([trail.page.status, agent.jar.refused]).toEqual([200, []]);
  });
});

describe('another base path', () => {
  it('moves every endpoint, the redirect URIs and the hint cookie', async () => {
    house = await openHouse({ config: { basePath: '/_auth/v1' } });
    agent = house.newAgent({ loginPath: '/_auth/v1/login' });
    const { page } = await agent.navigate('/_auth/v1/login?returnTo=/pages/page', { until: (url) => url.origin !== house.origin });
    const asked = new URL(page.headers.get('location') ?? '').searchParams;
    expect(asked.get('redirect_uri')).toBe(`${house.origin}/_auth/v1/callback`);
    const session = await jsonOf(await agent.fetch('/_auth/v1/session'));
    expect(session['loginUrl']).toBe('/_auth/v1/login');
    expect((await agent.fetch('/bff/session')).status).toBe(404);
  });
});
