import { afterEach, describe, expect, it } from '@jest/globals';
import { passwordOf } from '../../demo/provider/password-grant.ts';
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

describe('every way to a refresh token', () => {
  const PASSWORD_LOGIN: HouseOptions = {
    provider: { grantTypes: ['authorization_code', 'refresh_token', 'password'] },
    config: { passwordLogin: { enabled: true } },
  };
  const signInByPassword = (): Promise<Response> =>
    agent.fetch('/bff/password-login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'alice', password: passwordOf({ id: 'alice' }) }),
    });

  it.each([
    ['openid', 'offline_access'],
    ['offline_access', 'openid'],
    ['openid', 'offline_access', 'profile'],
  ])('authorization_code, with the scope asked for at /authorize: %s %s', async (...scope) => {
    await enter({ config: { provider: { scope } } });
    expect(house.provider.stats.authorizations.map((asked) => asked['scope'])).toEqual([scope.join(' ')]);
    expect(house.provider.stats.tokenRequests.map((asked) => [asked.grantType, asked.scope])).toEqual([['authorization_code', undefined]]);
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(1);
    expect((await refreshOnce()).status).toBe(200);
  });

  it('password, with the scope asked for at /token', async () => {
    house = await openHouse(PASSWORD_LOGIN);
    agent = house.newAgent();
    expect((await signInByPassword()).status).toBe(200);
    expect(house.provider.stats.hits).not.toHaveProperty('authorization');
    expect(house.provider.stats.tokenRequests.map((asked) => [asked.grantType, asked.scope])).toEqual([
      ['password', 'openid profile email offline_access'],
    ]);
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(1);
    expect((await refreshOnce()).status).toBe(200);
  });

  it.each(['static', 'one-time'] as const)('refresh_token, whatever grant began it (%s)', async (rotation) => {
    house = await openHouse({ ...PASSWORD_LOGIN, provider: { ...PASSWORD_LOGIN.provider, rotation } });
    for (const signIn of [() => agent.login('alice'), signInByPassword]) {
      const answered: (string | undefined)[] = [];
      house.provider.control.recover();
      house.provider.control.fail('token', {
        kind: 'rewrite',
        change: (answer) => {
          answered.push(typeof answer['refresh_token'] === 'string' ? answer['refresh_token'] : undefined);
          return { ...answer };
        },
      });
      agent = house.newAgent();
      await signIn();
      for (let round = 0; round < 3; round++) expect((await refreshOnce()).status).toBe(200);
      expect([answered.length, new Set(answered).size]).toEqual([4, rotation === 'static' ? 1 : 4]);
      expect(answered).not.toContain(undefined);
      await agent.fetch('/bff/logout', { method: 'POST' });
      expect(house.provider.control.liveRefreshTokens('alice')).toBe(0);
    }
  });

  it('and none of them without offline_access', async () => {
    const scope = ['openid', 'profile'];
    house = await openHouse({ ...PASSWORD_LOGIN, config: { ...PASSWORD_LOGIN.config, provider: { scope } } });
    agent = house.newAgent();
    expect((await signInByPassword()).status).toBe(200);
    await house.newAgent().login('alice');
    expect(house.provider.stats.grants).toEqual({ password: 1, authorization_code: 1 });
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(0);
    expect(house.log.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });
});

describe('the grace period of a rotated refresh token', () => {
  /** The provider rotates, and its answer is lost so many milliseconds later. */
  const loseAnswerAfter = (ms: number): void =>
    house.provider.control.fail('token', { kind: 'rewrite', change: () => (house.clock.skip(ms), {}) }, 1);
  /** Into the window of early refreshes: the access token is still good. */
  const soon = (): void => house.clock.skip(250_000);
  const sent = (): readonly unknown[] => house.provider.stats.tokenRequests.map(({ grantType, error }) => error ?? grantType);
  const enterWith = async (leeway: number, config: Readonly<Record<string, unknown>>): Promise<void> => {
    await enter({ provider: { rotation: 'one-time', leeway }, config: { refresh: { earlyWait: '2s', ...config } } });
    house.provider.stats.reset();
  };

  it.each([10, 30, 60])('of %d seconds at the provider forgives the second use of a token', async (leeway) => {
    await enterWith(leeway, { providerLeeway: `${String(leeway)}s` });
    loseAnswerAfter(0);
    expect((await refreshOnce()).status).toBe(200);
    expect(sent()).toEqual(['refresh_token', 'refresh_token']);
    expect((await refreshOnce()).status).toBe(200);
    expect(house.provider.stats.refreshes).toBe(3);
  });

  it('lets a lost answer be asked for again while it lasts, at once', async () => {
    await enterWith(60, { providerLeeway: '5s' });
    soon();
    loseAnswerAfter(4000);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(sent()).toEqual(['refresh_token', 'refresh_token']);
    expect(await jsonOf(await agent.fetch('/bff/session'))).toMatchObject({ authenticated: true });
  });

  it('does not when it has ended: requests go on with the token that is still good', async () => {
    await enterWith(60, { providerLeeway: '5s' });
    soon();
    loseAnswerAfter(6000);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(sent()).toEqual(['refresh_token']);
    house.clock.skip(10_000);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(sent()).toEqual(['refresh_token']);
  });

  it('is none unless it is configured: a good access token is not risked', async () => {
    await enterWith(60, {});
    soon();
    loseAnswerAfter(0);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(sent()).toEqual(['refresh_token']);
  });

  it('that the provider does not have ends the session with the second use', async () => {
    await enterWith(0, { providerLeeway: '30s' });
    loseAnswerAfter(0);
    expect(verdictOf(await refreshOnce())).toEqual([401, 'session_revoked']);
    expect(sent()).toEqual(['refresh_token', 'invalid_grant']);
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(0);
  });

  it('that is over at the provider is over for every copy of the token', async () => {
    await enterWith(60, { providerLeeway: '60s' });
    house.provider.control.leeway = 0;
    loseAnswerAfter(0);
    expect(verdictOf(await refreshOnce())).toEqual([401, 'session_revoked']);
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

  const advice = (): readonly unknown[] =>
    house.log.of('grant_not_allowed').map(({ level, fields }) => [level, fields['step'], fields['providerError']]);

  it.each(['unauthorized_client', 'invalid_scope', 'access_denied'])(
    'is explained on the error page and once in the log when the authorization endpoint says %s',
    async (error) => {
      house = await openHouse();
      house.provider.control.fail('authorization', { kind: 'login-error', error });
      for (let i = 0; i < 3; i++) {
        const { page } = await house.newAgent().navigate('/bff/login?returnTo=/pages/page');
        expect(verdictOf(page)).toEqual([400, 'login_failed']);
        expect(page.body).toContain(`The identity provider answered: ${error}.`);
        expect(page.body).toContain('&#34;Refresh Token&#34; among the client&#39;s allowed grant types');
        expect(page.body).not.toContain('as planned');
      }
      expect(advice()).toEqual([['warn', 'authorization', error]]);
      expect(JSON.stringify(house.log.lines)).not.toContain('as planned');
    },
  );

  it('is explained on the error page and once in the log when the code is refused with unauthorized_client', async () => {
    house = await openHouse();
    house.provider.control.fail('token', { kind: 'oauth-error', error: 'unauthorized_client' });
    for (let i = 0; i < 3; i++) {
      const { page } = await house.newAgent().login('alice');
      expect(verdictOf(page)).toEqual([400, 'login_failed']);
      expect(page.body).toContain('The identity provider answered: unauthorized_client.');
      expect(page.body).toContain('&#34;Authorization Code&#34; must be ticked');
      expect(page.body).toContain('&#34;Refresh Token&#34;');
    }
    expect(advice()).toEqual([['warn', 'code', 'unauthorized_client']]);
  });

  it('is explained once in the log when a refresh is refused with unauthorized_client, and no session ends', async () => {
    await enter();
    house.provider.control.fail('token', { kind: 'oauth-error', error: 'unauthorized_client' }, 1);
    expect(verdictOf(await refreshOnce())).toEqual([503, 'provider_unavailable']);
    expect(advice()).toEqual([['warn', 'refresh', 'unauthorized_client']]);
    expect(JSON.stringify(house.log.of('grant_not_allowed'))).toContain('\\"Refresh Token\\" must be ticked');
    house.clock.skip(60_000);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
  });
});
