import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startDevProvider, type DevProvider } from '../../../demo/provider/dev-provider.ts';
import type { DevProviderOptions } from '../../../demo/provider/options.ts';
import { makeSigningKeys, type SigningKeys } from '../../../demo/provider/signing-keys.ts';
import { DirectClient, POST_LOGOUT_URI, REDIRECT_URI, callbackParams, isCallback } from '../../support/provider/direct-client.ts';

let signingKeys: SigningKeys;
let running: DevProvider[] = [];

beforeAll(async () => {
  signingKeys = await makeSigningKeys();
});

afterEach(async () => {
  const errors = running.flatMap(({ stats }) => stats.serverErrors);
  await Promise.all(running.map((provider) => provider.close()));
  running = [];
  expect(errors).toEqual([]);
});

async function start(options: Partial<DevProviderOptions> = {}): Promise<{ provider: DevProvider; client: DirectClient }> {
  const provider = await startDevProvider({
    redirectUris: [REDIRECT_URI],
    postLogoutRedirectUris: [POST_LOGOUT_URI],
    signingKeys,
    ...options,
  });
  running.push(provider);
  return { provider, client: new DirectClient(provider) };
}

function payloadOf(token: unknown): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}

describe('signing in at the development provider', () => {
  it('needs one click on a user and answers with code, state and iss', async () => {
    const { provider, client } = await start();
    const page = await client.authorize();
    expect(page.statuses).toEqual([303, 200]);
    const answer = await client.pick('alice');
    expect([...answer.keys()]).toEqual(['code', 'state', 'iss']);
    expect(answer.get('iss')).toBe(provider.issuer);
    const tokens = await client.exchange(answer.get('code') ?? '');
    expect(tokens).toMatchObject({ status: 200, expires_in: 60, token_type: 'Bearer' });
    expect(payloadOf(tokens['id_token'])).toMatchObject({ sub: 'alice', nonce: 'nonce-1', groups: ['staff'], email_verified: true });
  });

  it('puts the hinted user first', async () => {
    const { client } = await start();
    const { page } = await client.authorize({ login_hint: 'bob@example.com' });
    expect(/name="user" value="(\w+)"/.exec(page.body)?.[1]).toBe('bob');
    expect(page.body).toContain('value="bob" class="hinted" autofocus');
  });

  it('goes straight through for somebody who is signed in, and asks again for select_account', async () => {
    const { client } = await start();
    await client.login('alice');
    expect(callbackParams(await client.authorize()).has('code')).toBe(true);
    const asked = await client.authorize({ prompt: 'select_account consent' });
    expect(asked.page.status).toBe(200);
    const tokens = await client.exchange((await client.pick('erin')).get('code') ?? '');
    expect(payloadOf(tokens['id_token'])).toMatchObject({ sub: 'erin', email_verified: false });
  });

  it('answers prompt=none with login_required when nobody is signed in', async () => {
    const { client } = await start();
    expect(callbackParams(await client.authorize({ prompt: 'none' })).get('error')).toBe('login_required');
  });

  it('posts the answer when asked for form_post', async () => {
    const { client } = await start();
    await client.authorize({ response_mode: 'form_post' });
    const trail = await client.agent.signIn('alice', { until: isCallback });
    expect(trail.stoppedAt).toBe(REDIRECT_URI);
    expect(trail.page.body).toContain('name="code"');
  });

  it('refuses an authorization request without PKCE', async () => {
    const { client } = await start();
    const trail = await client.authorize({ code_challenge: '', code_challenge_method: '' });
    expect(callbackParams(trail).get('error')).toBe('invalid_request');
  });
});

describe('the users as situations', () => {
  it('lets carol refuse consent', async () => {
    const { client } = await start();
    await client.authorize();
    expect((await client.pick('carol')).get('error')).toBe('access_denied');
  });

  it('gives dave no refresh token although offline_access was asked for', async () => {
    const { client } = await start();
    const tokens = await client.login('dave');
    expect(tokens.status).toBe(200);
    expect(tokens).not.toHaveProperty('refresh_token');
  });

  it('gives nobody a refresh token when the client lacks the grant type', async () => {
    const { client } = await start({ grantTypes: ['authorization_code'] });
    expect(await client.login('alice')).not.toHaveProperty('refresh_token');
  });

  it('gives no refresh token without prompt=consent', async () => {
    const { client } = await start();
    expect(await client.login('alice', { prompt: 'login' })).not.toHaveProperty('refresh_token');
  });

  it('gives bob an ID token with 150 groups and a large access token', async () => {
    const { client } = await start();
    const tokens = await client.login('bob');
    expect(payloadOf(tokens['id_token'])['groups']).toHaveLength(151);
    expect(String(tokens['access_token']).length).toBeGreaterThanOrEqual(1600);
  });

  it('keeps claims for userinfo when told so', async () => {
    const { provider, client } = await start({ claimsIn: 'userinfo' });
    const tokens = await client.login('alice');
    expect(payloadOf(tokens['id_token'])).not.toHaveProperty('name');
    const headers = { authorization: `Bearer ${String(tokens['access_token'])}` };
    const userinfo = await fetch(`${provider.issuer}/v1/userinfo`, { headers });
    expect(await userinfo.json()).toMatchObject({ sub: 'alice', name: 'Alice Ordinary' });
  });

  it('issues JWT access tokens when told so', async () => {
    const { client } = await start({ accessTokenFormat: 'jwt', accessTokenTtl: 5 });
    const tokens = await client.login('alice');
    const { iat, exp } = payloadOf(tokens['access_token']);
    expect(Number(exp) - Number(iat)).toBe(5);
    expect(tokens['scope']).toBe('openid profile email offline_access');
  });
});

describe('refresh tokens', () => {
  it('are one-time: the loser of two at once gets invalid_grant and the grant is dead', async () => {
    const { provider, client } = await start();
    const { refresh_token: first } = await client.login('alice');
    const answers = await Promise.all([client.refresh(first), client.refresh(first)]);
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    expect(won[0]?.['refresh_token']).not.toBe(first);
    expect(answers.find(({ status }) => status === 400)?.['error']).toBe('invalid_grant');
    expect((await client.refresh(won[0]?.['refresh_token']))['error']).toBe('invalid_grant');
    expect(provider.stats.refreshes).toBe(1);
  });

  it('may be static', async () => {
    const { client } = await start({ rotation: 'static' });
    const { refresh_token: first } = await client.login('alice');
    expect((await client.refresh(first))['refresh_token']).toBe(first);
    expect((await client.refresh(first)).status).toBe(200);
  });

  it('die when the grants of the user are revoked', async () => {
    const { provider, client } = await start();
    const { refresh_token: token } = await client.login('alice');
    expect(provider.control.liveRefreshTokens('alice')).toBe(1);
    expect(provider.control.revokeGrants('alice')).toBe(1);
    expect((await client.refresh(token))['error']).toBe('invalid_grant');
  });

  it('die when revoked by the client (RFC 7009)', async () => {
    const { provider, client } = await start();
    const { refresh_token: token } = await client.login('alice');
    const answer = await client.post('/v1/revoke', { token: String(token), token_type_hint: 'refresh_token' });
    expect(answer.status).toBe(200);
    expect(provider.stats.revocations).toEqual([{ tokenTypeHint: 'refresh_token', clientAuth: 'client_secret_basic', status: 200 }]);
    expect((await client.refresh(token))['error']).toBe('invalid_grant');
  });
});

describe('client authentication', () => {
  it('takes HTTP Basic only, unless told otherwise', async () => {
    const { provider, client } = await start();
    const secretInBody = { client_id: provider.clientId, client_secret: provider.clientSecret };
    const body = { grant_type: 'refresh_token', refresh_token: 'x', ...secretInBody };
    expect(await client.token(body, '')).toMatchObject({ status: 401, error: 'invalid_client' });
    expect(provider.stats.tokenRequests[0]).toMatchObject({ clientAuth: 'client_secret_post', status: 401, error: 'invalid_client' });
  });

  it('takes the secret in the body when the client is registered so, and then no Basic', async () => {
    const { provider, client } = await start({ clientAuthMethod: 'client_secret_post' });
    const secretInBody = { client_id: provider.clientId, client_secret: provider.clientSecret };
    const body = { grant_type: 'refresh_token', refresh_token: 'x' };
    expect(await client.token({ ...body, ...secretInBody }, '')).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(await client.token(body)).toMatchObject({ status: 401, error: 'invalid_client' });
  });
});

describe('the record of what was asked', () => {
  it('names parameters, scope, redirect_uri and status of token requests', async () => {
    const { provider, client } = await start();
    const { refresh_token: token } = await client.login('alice');
    await client.token({ grant_type: 'refresh_token', refresh_token: String(token), scope: 'openid', redirect_uri: REDIRECT_URI });
    expect(provider.stats.authorizations[0]).toMatchObject({ prompt: 'consent', scope: 'openid profile email offline_access' });
    expect(provider.stats.tokenRequests[0]?.params).toEqual(['grant_type', 'code', 'redirect_uri', 'code_verifier']);
    expect(provider.stats.tokenRequests[1]).toMatchObject({
      grantType: 'refresh_token',
      scope: 'openid',
      redirectUri: REDIRECT_URI,
      status: 200,
    });
    expect(provider.stats.grants).toEqual({ authorization_code: 1, refresh_token: 1 });
    provider.stats.reset();
    expect(provider.stats.tokenRequests).toEqual([]);
    expect(provider.stats.grants).toEqual({});
  });

  it('does not count a token request by a wrong method as an answer', async () => {
    const { provider, client } = await start();
    const answer = await fetch(`${provider.issuer}/v1/token`, { headers: { authorization: client.basic() } });
    expect(answer.status).toBe(404);
    expect(provider.stats.grants).toEqual({});
  });
});

describe('signing out at the provider', () => {
  it('happens at once with an ID token hint, and leaves the refresh token alive', async () => {
    const { provider, client } = await start();
    const tokens = await client.login('alice');
    const query = new URLSearchParams({
      id_token_hint: String(tokens['id_token']),
      post_logout_redirect_uri: POST_LOGOUT_URI,
      state: 'back',
    });
    const trail = await client.agent.navigate(`${provider.issuer}/v1/logout?${query.toString()}`, { until: isCallback });
    expect(trail.stoppedAt).toBe(`${POST_LOGOUT_URI}?state=back`);
    expect(provider.stats.endSessions).toHaveLength(1);
    expect((await client.authorize()).page.body).toContain('Pick a user');
    expect((await client.refresh(tokens['refresh_token'])).status).toBe(200);
  });

  it('asks first when only the client is named', async () => {
    const { provider, client } = await start();
    await client.login('alice');
    const query = new URLSearchParams({ client_id: provider.clientId, post_logout_redirect_uri: POST_LOGOUT_URI });
    const { page } = await client.agent.navigate(`${provider.issuer}/v1/logout?${query.toString()}`, { until: isCallback });
    expect(page.body).toContain('Sign out?');
    const trail = await client.agent.submit({ logout: 'yes' }, { until: isCallback });
    expect(trail.stoppedAt).toBe(POST_LOGOUT_URI);
    expect((await client.authorize()).page.body).toContain('Pick a user');
  });
});

describe('planned faults', () => {
  it('answer with OAuth errors as often as planned, then the endpoint recovers', async () => {
    const { provider, client } = await start();
    const { refresh_token: token } = await client.login('alice');
    provider.control.fail('token', { kind: 'oauth-error', error: 'slow_down', status: 429, headers: { 'retry-after': '7' } }, 1);
    provider.control.fail('token', { kind: 'status', status: 500, body: '{}' }, 1);
    expect(await client.refresh(token)).toMatchObject({ status: 429, error: 'slow_down', retryAfter: '7' });
    expect((await client.refresh(token)).status).toBe(500);
    expect((await client.refresh(token)).status).toBe(200);
    expect(provider.stats.tokenRequests.map(({ status }) => status)).toEqual([200, 429, 500, 200]);
  });

  it('reset the connection before the request is carried out: the token stays good', async () => {
    const { provider, client } = await start();
    const { refresh_token: token } = await client.login('alice');
    provider.control.fail('token', { kind: 'reset' }, 1);
    await expect(client.refresh(token)).rejects.toThrow('fetch failed');
    expect(provider.stats.tokenRequests.at(-1)).toMatchObject({ grantType: 'refresh_token', status: 0 });
    expect((await client.refresh(token)).status).toBe(200);
  });

  it('reset the connection after the request was carried out: the token is spent', async () => {
    const { provider, client } = await start();
    const { refresh_token: token } = await client.login('alice');
    provider.control.fail('token', { kind: 'reset', when: 'after' }, 1);
    await expect(client.refresh(token)).rejects.toThrow('fetch failed');
    expect((await client.refresh(token))['error']).toBe('invalid_grant');
  });

  it('change the JSON of an answer', async () => {
    const { provider, client } = await start();
    provider.control.fail('token', { kind: 'rewrite', change: (answer) => ({ ...answer, expires_in: 'abc' }) }, 1);
    expect(await client.login('alice')).toMatchObject({ status: 200, expires_in: 'abc' });
  });

  it('serve garbage until recovery', async () => {
    const { provider } = await start();
    provider.control.fail('discovery', { kind: 'garbage' });
    const discover = (): Promise<Response> => fetch(`${provider.issuer}/.well-known/openid-configuration`);
    expect(await (await discover()).text()).toContain('<html>');
    expect(await (await discover()).text()).toContain('<html>');
    provider.control.recover('discovery');
    expect(await (await discover()).json()).toMatchObject({ issuer: provider.issuer });
  });

  it('hold requests at a gate in a known order', async () => {
    const { provider, client } = await start();
    const { refresh_token: token } = await client.login('alice');
    const gate = provider.control.hold('token');
    const answer = client.refresh(token);
    await gate.waitFor(1);
    expect(provider.stats.refreshes).toBe(0);
    gate.open();
    expect((await answer).status).toBe(200);
  });

  it('hang until the provider goes down', async () => {
    const { provider, client } = await start();
    const { refresh_token: token } = await client.login('alice');
    provider.control.fail('token', { kind: 'hang' }, 1);
    const answer = expect(client.refresh(token)).rejects.toThrow('fetch failed');
    while (provider.stats.tokenRequests.length < 2) await new Promise(setImmediate);
    await provider.control.down();
    await answer;
  });

  it('go down and come up on the same port, knowing what was known', async () => {
    const { provider, client } = await start();
    const { refresh_token: token } = await client.login('alice');
    await provider.control.down();
    await expect(client.refresh(token)).rejects.toThrow('fetch failed');
    await provider.control.up();
    expect((await client.refresh(token)).status).toBe(200);
  });
});

describe('the issuer', () => {
  it('may have no path', async () => {
    const { provider, client } = await start({ issuerPath: '' });
    expect(provider.issuer).toBe(provider.origin);
    expect((await client.login('alice')).status).toBe(200);
  });
});
