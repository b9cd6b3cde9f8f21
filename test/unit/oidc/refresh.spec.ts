import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { RefreshOutcome, RefreshRequest } from '../../../src/oidc/identity-provider.ts';
import type { OpenIdIdentityProviderOptions } from '../../../src/oidc/openid-identity-provider.ts';
import type { ProviderOptions } from '../../../src/oidc/provider-options.ts';
import { EgressProxy } from '../../support/egress-proxy.ts';
import { HostileProvider, signingKey, type Answer } from '../../support/hostile-provider.ts';
import { callback, REDIRECT_URI, setUp, type Setup } from '../../support/openid-setup.ts';

let hostile: HostileProvider;
const open: Setup[] = [];
const REQUEST: RefreshRequest = { refreshToken: 'refresh-0', sub: 'alice', scope: ['openid', 'profile', 'offline_access'] };

beforeAll(async () => {
  hostile = await HostileProvider.create();
});
afterAll(async () => {
  await Promise.all(open.map(({ provider }) => provider.close()));
  await hostile.stop();
});
beforeEach(() => {
  hostile.answers.clear();
  hostile.received.length = 0;
});

const make = (refresh: Partial<OpenIdIdentityProviderOptions['refresh']> = {}, provider: Partial<ProviderOptions> = {}): Setup => {
  const made = setUp(hostile, { refresh: { redirectUri: false, fallbackLifetime: 300_000, ...refresh }, provider });
  open.push(made);
  return made;
};

/** The metadata are asked for first, as everybody does who refreshes. */
const refresh = async ({ provider }: Pick<Setup, 'provider'>): Promise<RefreshOutcome> => {
  await provider.ready();
  return provider.refresh(REQUEST);
};

describe('the refresh request', () => {
  it('has HTTP Basic, the grant and the token, and nothing else by default', async () => {
    await refresh(make());
    const { form, headers } = hostile.last('token');
    expect(Object.fromEntries(form)).toEqual({ grant_type: 'refresh_token', refresh_token: 'refresh-0' });
    expect(headers.authorization).toMatch(/^Basic /);
  });

  it('has redirect_uri when configured', async () => {
    await refresh(make({ redirectUri: true }));
    expect(hostile.last('token').form.get('redirect_uri')).toBe(REDIRECT_URI);
  });

  it.each([
    ['granted' as const, 'openid profile offline_access'],
    [['profile', 'admin'], 'profile'],
    [['admin'], null],
    ['off' as const, null],
  ])('has for scope %j no more than was granted: %j', async (scope, sent) => {
    await refresh(make({ scope }));
    expect(hostile.last('token').form.get('scope')).toBe(sent);
  });
});

describe('a refresh that the provider grants', () => {
  it('gives the new tokens and the claims of a refreshed ID token', async () => {
    hostile.answerTokens({ id_token: await hostile.idToken({ nonce: undefined, name: 'Alice' }) });
    expect(await refresh(make())).toMatchObject({
      kind: 'granted',
      tokens: { accessToken: 'access-1', refreshToken: 'refresh-1' },
      claims: { name: 'Alice' },
    });
  });

  it('gives no refresh token when the answer has none', async () => {
    hostile.answerTokens({ refresh_token: undefined, id_token: undefined });
    const outcome = await refresh(make());
    expect(outcome).toMatchObject({ kind: 'granted' });
    expect(outcome).not.toHaveProperty('tokens.refreshToken');
    expect(outcome).not.toHaveProperty('claims');
  });

  it.each(['abc', -1, null, 0, 1e18, [], ''])('keeps the rotated token when expires_in is %j', async (expires_in) => {
    hostile.answerTokens({ expires_in });
    const { provider, clock } = make();
    const before = clock.now();
    const outcome = await refresh({ provider });
    expect(outcome).toMatchObject({ kind: 'granted', tokens: { refreshToken: 'refresh-1' } });
    const lifetime = outcome.kind === 'granted' ? outcome.tokens.accessTokenExpiresAt - before : 0;
    expect(lifetime).toBeGreaterThanOrEqual(300_000);
    expect(lifetime).toBeLessThan(310_000);
  });

  it('keeps the rotated token when expires_in is 1e400', async () => {
    hostile.answers.set('token', {
      text: '{"access_token":"a","token_type":"bearer","refresh_token":"refresh-1","expires_in":1e400}',
      headers: { 'content-type': 'application/json' },
    });
    expect(await refresh(make())).toMatchObject({ kind: 'granted', tokens: { refreshToken: 'refresh-1' } });
  });

  it.each<[string, Answer]>([
    ['answers 500', { status: 500 }],
    ['resets', 'reset'],
    ['answers HTML', { text: '<html>' }],
    ['never answers', 'hang'],
  ])('keeps the rotated token and the claims when the key endpoint %s', async (_title, answer) => {
    hostile.answers.set('jwks', answer);
    const outcome = await refresh(make({}, { timeout: 200 }));
    expect(outcome).toMatchObject({ kind: 'granted', tokens: { refreshToken: 'refresh-1' } });
    expect(outcome).not.toHaveProperty('claims');
  });

  it('does not wait for keys that do not come', async () => {
    const { provider, later } = make();
    await provider.authorizationUrl({ state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43), params: {} });
    hostile.answers.set('jwks', 'hang');
    const before = later.pending.length;
    const running = provider.refresh(REQUEST);
    while (later.pending.length === before) await new Promise((resolve) => setImmediate(resolve));
    expect(later.pending.at(-1)?.delay).toBe(1000);
    later.pending.at(-1)?.run();
    expect(await running).toMatchObject({ kind: 'granted', tokens: { refreshToken: 'refresh-1' } });
  });

  it('keeps the tokens and the claims when only the clock or the key is in doubt', async () => {
    for (const token of [
      await hostile.idToken({ exp: 1000 }),
      await hostile.idToken({ iat: 4_000_000_000, exp: 4_000_000_300 }),
      await hostile.idToken({}, { key: await signingKey('ES256', 'key-2') }),
      'opaque',
    ]) {
      hostile.answerTokens({ id_token: token });
      const { provider, logger } = make();
      const outcome = await refresh({ provider });
      expect(outcome).toMatchObject({ kind: 'granted', tokens: { refreshToken: 'refresh-1' } });
      expect(outcome).not.toHaveProperty('claims');
      expect(logger.of('refreshed_id_token_refused')).toHaveLength(1);
    }
  });
});

describe('a refreshed ID token', () => {
  it.each([
    ['of another subject', { sub: 'mallory' }],
    ['for another client', { aud: 'other' }],
    ['of another issuer', { iss: 'https://other.example' }],
  ])('%s ends the session, and the new tokens are handed out to be revoked', async (_title, claims) => {
    hostile.answerTokens({ id_token: await hostile.idToken(claims) });
    expect(await refresh(make())).toMatchObject({ kind: 'subject-changed', tokens: { refreshToken: 'refresh-1' } });
  });

  it('without signature, or with a wrong one, ends the session', async () => {
    const [, payload] = (await hostile.idToken()).split('.');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload ?? ''}.`;
    const forged = await hostile.idToken({}, { key: await signingKey('ES256', 'key-1') });
    for (const id_token of [unsigned, forged]) {
      hostile.answerTokens({ id_token });
      expect((await refresh(make())).kind).toBe('subject-changed');
    }
  });
});

describe('a wrong signature while the keys may not be fetched again', () => {
  it('proves nothing: the tokens are kept and the claims stay', async () => {
    const { provider, logger } = make();
    hostile.answerTokens({ id_token: await hostile.idToken({}, { key: await signingKey('ES256', 'key-2') }) });
    await refresh({ provider });
    const fetches = hostile.count('jwks');
    hostile.answerTokens({ id_token: await hostile.idToken({}, { key: await signingKey('ES256', 'key-1') }) });
    const outcome = await refresh({ provider });
    expect(outcome).toMatchObject({ kind: 'granted', tokens: { refreshToken: 'refresh-1' } });
    expect(outcome).not.toHaveProperty('claims');
    expect(hostile.count('jwks')).toBe(fetches);
    expect(logger.of('refreshed_id_token_refused').at(-1)?.fields).toEqual({ check: 'signature_unconfirmed' });
  });

  it('signs nobody in', async () => {
    const { provider } = make();
    hostile.answerTokens({ id_token: await hostile.idToken({}, { key: await signingKey('ES256', 'key-2') }) });
    await provider.exchange(callback());
    hostile.answerTokens({ id_token: await hostile.idToken({}, { key: await signingKey('ES256', 'key-1') }) });
    expect(await provider.exchange(callback())).toMatchObject({
      kind: 'refused',
      reason: 'id_token_invalid',
      check: 'signature_unconfirmed',
    });
  });
});

describe('a refresh that brings no tokens', () => {
  it.each<[string, Answer, object]>([
    ['invalid_grant', { status: 400, json: { error: 'invalid_grant' } }, { kind: 'refused', error: 'invalid_grant', status: 400 }],
    ['invalid_client', { status: 401, json: { error: 'invalid_client' } }, { kind: 'refused', error: 'invalid_client', status: 401 }],
    ['429', { status: 429, headers: { 'retry-after': '17' } }, { kind: 'throttled', retryAfter: 17 }],
    ['503', { status: 503, headers: { 'retry-after': '9' } }, { kind: 'failed', sent: true, cause: 'http_503', retryAfter: 9 }],
    ['500 with invalid_grant', { status: 500, json: { error: 'invalid_grant' } }, { kind: 'failed', sent: true, cause: 'http_500' }],
    ['HTML with 200', { text: '<html>' }, { kind: 'failed', sent: true, cause: 'not_json' }],
    ['a redirect', { status: 302, headers: { location: '/' } }, { kind: 'failed', sent: true, cause: 'redirect' }],
    ['a reset', 'reset', { kind: 'failed', sent: true, cause: 'reset' }],
    ['a DPoP token', { json: { access_token: 'a', token_type: 'DPoP' } }, { kind: 'failed', sent: true, cause: 'token_type' }],
    ['no access token', { json: { token_type: 'Bearer', refresh_token: 'r' } }, { kind: 'failed', sent: true, cause: 'access_token' }],
    ['a huge body', { text: 'x'.repeat(70_000) }, { kind: 'failed', sent: true, cause: 'too_large' }],
  ])('says so: %s', async (_title, answer, expected) => {
    hostile.answers.set('token', answer);
    expect(await refresh(make({}, { maxResponse: 65_536 }))).toEqual(expected);
    expect(hostile.count('token')).toBe(1);
  });

  it('says that it was sent when the provider never answers', async () => {
    hostile.answers.set('token', 'hang');
    expect(await refresh(make({}, { timeout: 100 }))).toEqual({ kind: 'failed', sent: true, cause: 'timeout' });
  });

  it('says that nothing was sent when the provider went down', async () => {
    const { provider } = make();
    await refresh({ provider });
    await hostile.stop();
    const outcome = await refresh({ provider });
    await hostile.start();
    expect(outcome).toEqual({ kind: 'failed', sent: false, cause: 'refused' });
  });

  it('says that nothing was sent when the egress proxy is down or refuses the tunnel', async () => {
    const proxy = await EgressProxy.start();
    const endpoints = { authorization: 'https://127.0.0.1:9/a', token: 'https://127.0.0.1:9/t', jwks: 'https://127.0.0.1:9/k' };
    const { provider } = make({}, { proxy: proxy.url, endpoints });
    proxy.refusal = 403;
    expect(await refresh({ provider })).toEqual({ kind: 'failed', sent: false, cause: 'connect' });
    expect(proxy.tunnels).toEqual(['127.0.0.1:9']);
    await proxy.down();
    expect(await refresh({ provider })).toEqual({ kind: 'failed', sent: false, cause: 'refused' });
  });

  it('says that nothing was sent when the provider was never seen', async () => {
    hostile.answers.set('discovery', { status: 503 });
    expect(await refresh(make())).toMatchObject({ kind: 'failed', sent: false, cause: 'metadata_unknown' });
    expect(hostile.count('token')).toBe(0);
  });
});

describe('revocation', () => {
  it('sends the token with its hint and the client authentication', async () => {
    expect(await make().provider.revoke('refresh-9')).toBe('revoked');
    const { form, headers } = hostile.last('revocation');
    expect(Object.fromEntries(form)).toEqual({ token: 'refresh-9', token_type_hint: 'refresh_token' });
    expect(headers.authorization).toMatch(/^Basic /);
  });

  it.each<[string, Answer]>([
    ['an error', { status: 400, json: { error: 'unsupported_token_type' } }],
    ['a redirect', { status: 302, headers: { location: '/' } }],
    ['a reset', 'reset'],
    ['503', { status: 503 }],
  ])('fails with one line in the log after %s', async (_title, answer) => {
    hostile.answers.set('revocation', answer);
    const { provider, logger } = make();
    expect(await provider.revoke('refresh-9')).toBe('failed');
    expect(logger.of('token_revocation_failed')).toHaveLength(1);
  });

  it('without a revocation endpoint is nothing to mention', async () => {
    hostile.answers.set('discovery', { json: { ...hostile.metadata, revocation_endpoint: undefined } });
    const { provider, logger } = make();
    expect(await provider.revoke('refresh-9')).toBe('no-endpoint');
    expect(hostile.count('revocation')).toBe(0);
    expect(logger.of('token_revocation_failed')).toEqual([]);
  });
});
