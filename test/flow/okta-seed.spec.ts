import { afterEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House, type HouseOptions } from '../support/house.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { jsonOf, verdictOf } from '../support/wire.ts';

/** "Refreshing Access Tokens" at a provider like Okta, row by row. */
let house: House;
let agent: UserAgent;

const enter = async (options: HouseOptions = {}, user = 'alice'): Promise<void> => {
  house = await openHouse(options);
  agent = house.newAgent();
  await agent.login(user, { returnTo: '/pages/page' });
};

const refreshOnce = async (): Promise<Response> => {
  house.expireAccessToken();
  return agent.fetch('/api/orders');
};

afterEach(() => house.close());

describe('an issuer with a path', () => {
  it('is found by discovery below that path, and so are its endpoints', async () => {
    await enter({ provider: { issuerPath: '/oauth2/default' } });
    expect(house.provider.issuer).toMatch(/\/oauth2\/default$/);
    expect(agent.page.status).toBe(200);
    expect((await refreshOnce()).status).toBe(200);
    const { redirectTo } = await jsonOf(await agent.fetch('/bff/logout', { method: 'POST' }));
    const trail = await agent.navigate(String(redirectTo), { initiator: 'page' });
    expect(trail.urls).toContainEqual(expect.stringContaining(`${house.provider.issuer}/v1/logout?`));
    expect(house.provider.stats.hits).toMatchObject({ discovery: 1, jwks: 1, authorization: 1, token: 2, revocation: 1, end_session: 1 });
  });

  it.each(['', '/oauth2/aus1a2b3c', '/a/b/c'])('may be %j', async (issuerPath) => {
    await enter({ provider: { issuerPath } });
    expect([agent.page.url, agent.page.status]).toEqual([`${house.origin}/pages/page`, 200]);
  });
});

describe('the code flow', () => {
  it('asks for offline_access at the authorization endpoint and sends no scope to the token endpoint', async () => {
    await enter();
    expect(house.provider.stats.authorizations.map(({ scope }) => scope)).toEqual(['openid profile email offline_access']);
    expect(house.provider.stats.tokenRequests.map(({ scope, params }) => [scope, params.includes('scope')])).toEqual([[undefined, false]]);
  });
});

describe('the refresh request', () => {
  it('is grant_type=refresh_token with HTTP Basic, and nothing that was not configured', async () => {
    await enter();
    house.provider.stats.reset();
    expect((await refreshOnce()).status).toBe(200);
    expect(house.provider.stats.tokenRequests).toEqual([
      {
        grantType: 'refresh_token',
        params: expect.any(Array),
        scope: undefined,
        redirectUri: undefined,
        clientAuth: 'client_secret_basic',
        status: 200,
        error: undefined,
      },
    ]);
    expect([...(house.provider.stats.tokenRequests[0]?.params ?? [])].sort()).toEqual(['grant_type', 'refresh_token']);
  });

  it('would not be served with the secret in the body: the provider of these tests is strict', async () => {
    await enter({ config: { provider: { clientAuthMethod: 'client_secret_post' } } });
    expect(verdictOf(agent.page)).toEqual([400, 'login_failed']);
    expect(house.provider.stats.tokenRequests.map(({ clientAuth, status, error }) => [clientAuth, status, error])).toEqual([
      ['client_secret_post', 401, 'invalid_client'],
    ]);
  });

  it('has the secret in the body where the provider wants it there', async () => {
    await enter({ provider: { clientAuthMethod: 'client_secret_post' }, config: { provider: { clientAuthMethod: 'client_secret_post' } } });
    expect((await refreshOnce()).status).toBe(200);
    expect(house.provider.stats.tokenRequests.map(({ clientAuth, status }) => [clientAuth, status])).toEqual([
      ['client_secret_post', 200],
      ['client_secret_post', 200],
    ]);
  });

  it('carries redirect_uri when refresh.redirectUri says so', async () => {
    await enter({ config: { refresh: { redirectUri: true } } });
    await refreshOnce();
    expect(house.provider.stats.tokenRequests.at(-1)).toMatchObject({ redirectUri: `${house.origin}/bff/callback`, status: 200 });
  });

  it.each([
    ['granted', 'granted', 'openid profile email offline_access'],
    ['some words', ['openid', 'email', 'offline_access'], 'openid email offline_access'],
    ['words beyond what was granted', ['openid', 'offline_access', 'admin'], 'openid offline_access'],
    ['off', 'off', undefined],
  ])('carries scope as refresh.scope says: %s', async (_what, scope, sent) => {
    await enter({ config: { refresh: { scope } } });
    expect((await refreshOnce()).status).toBe(200);
    const { scope: received, status } = house.provider.stats.tokenRequests.at(-1) ?? {};
    expect([received?.split(' ').sort(), status]).toEqual([sent?.split(' ').sort(), 200]);
  });
});

describe('the answer to a refresh', () => {
  const bearers = async (rounds: number): Promise<unknown[]> => {
    const seen: unknown[] = [];
    for (let i = 0; i < rounds; i++) seen.push(((await jsonOf(await refreshOnce()))['bearer'] as { fingerprint: string }).fingerprint);
    return seen;
  };

  it('with the same refresh token keeps it, refresh after refresh', async () => {
    await enter({ provider: { rotation: 'static' } });
    expect(new Set(await bearers(4)).size).toBe(4);
    expect(house.provider.stats.tokenRequests.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(1);
  });

  it('with a new refresh token takes it, and never sends the old one again', async () => {
    await enter({ provider: { rotation: 'one-time' } });
    expect(new Set(await bearers(4)).size).toBe(4);
    expect(house.provider.stats.tokenRequests.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(1);
  });

  it.each(['one-time', 'static'] as const)('without a refresh token keeps the one we have (%s)', async (rotation) => {
    await enter({ provider: { rotation: 'static' } });
    house.provider.control.fail(
      'token',
      { kind: 'rewrite', change: ({ refresh_token: _, ...rest }) => rest },
      rotation === 'static' ? Infinity : 1,
    );
    expect(new Set(await bearers(3)).size).toBe(3);
  });
});

describe('a client that may not use the grant type "Refresh Token"', () => {
  const WITHOUT: HouseOptions = { provider: { grantTypes: ['authorization_code'] } };

  it('has a session that works until its access token ends, and is then expired', async () => {
    await enter(WITHOUT);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    house.provider.stats.reset();
    const answer = await refreshOnce();
    expect(verdictOf(answer)).toEqual([401, 'session_expired']);
    expect(answer.headers.getSetCookie()).toEqual(['__Host-Http-cloakroom=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict']);
    expect(house.provider.stats.hits).toEqual({});
  });

  it('is one warning, however many log in, and it names what to look at', async () => {
    await enter(WITHOUT);
    for (const user of ['alice', 'erin', 'bob']) await house.newAgent().login(user);
    const warnings = house.log.lines.filter(({ level }) => level === 'warn' || level === 'error');
    expect(warnings.map(({ event }) => event)).toEqual(['refresh_token_missing']);
    const said = JSON.stringify(warnings[0]?.fields);
    for (const word of ['Refresh Token', 'prompt=consent', 'access_type=offline']) expect(said).toContain(word);
  });

  it('is no warning when nobody asked for offline_access', async () => {
    await enter({ ...WITHOUT, config: { provider: { scope: ['openid', 'profile'] } } });
    expect(house.log.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });
});
