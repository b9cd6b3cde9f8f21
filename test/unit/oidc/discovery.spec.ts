import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ProviderOptions } from '../../../src/oidc/provider-options.ts';
import { HostileProvider, signingKey, type Answer } from '../../support/hostile-provider.ts';
import { callback, setUp, type Setup } from '../../support/openid-setup.ts';

const AUTHORIZATION = { state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43), params: {} };
const REFRESH = { refreshToken: 'r', sub: 'alice', scope: [] };

let hostile: HostileProvider;
let setup: Setup;

const make = (provider: Partial<ProviderOptions> = {}): Setup => {
  setup = setUp(hostile, { provider });
  return setup;
};

/** Begins what start() begins and waits for metadata and keys. */
const started = async (provider: Partial<ProviderOptions> = {}): Promise<Setup> => {
  const made = make(provider);
  made.provider.start();
  await made.provider.exchange(callback());
  return made;
};

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

beforeEach(async () => {
  hostile = await HostileProvider.create({ path: '/oauth2/default' });
});
afterEach(async () => {
  await setup.provider.close();
  await hostile.stop();
});

describe('a provider that is down at start', () => {
  beforeEach(() => hostile.stop());

  it('is down, not fatal: logins are told to come back, and nothing is thrown', async () => {
    const { provider } = make();
    expect(provider.status()).toBe('unknown');
    provider.start();
    expect(await provider.authorizationUrl(AUTHORIZATION)).toEqual({ kind: 'unavailable', retryAfter: 5 });
    expect(await provider.exchange(callback())).toEqual({ kind: 'unavailable', retryAfter: 5, spent: false });
    expect(await provider.revoke('r')).toBe('failed');
    expect(provider.endSessionUrl({ postLogoutRedirectUri: 'http://localhost/' })).toBeUndefined();
    expect(provider.status()).toBe('down');
  });

  it('is found by the background retry', async () => {
    const { provider, later } = make();
    provider.start();
    await until(() => later.pending.length === 1);
    await hostile.start();
    later.run();
    await until(() => provider.status() !== 'down');
    expect(provider.status()).toBe('up');
    expect((await provider.exchange(callback())).kind).toBe('signed-in');
  });

  it('is found by the next login', async () => {
    const { provider, clock } = make();
    provider.start();
    await provider.authorizationUrl(AUTHORIZATION);
    await hostile.start();
    clock.offset += 250;
    expect((await provider.authorizationUrl(AUTHORIZATION)).kind).toBe('ready');
  });

  it('is mentioned once, not at every attempt', async () => {
    const { provider, clock, logger } = make();
    for (let i = 0; i < 5; i++) {
      await provider.authorizationUrl(AUTHORIZATION);
      clock.offset += 250;
    }
    expect(logger.lines.filter((line) => line.level !== 'debug').map((line) => line.event)).toEqual(['provider_metadata_failed']);
  });

  it('is not asked again after close', async () => {
    const { provider, later } = make();
    provider.start();
    await until(() => later.pending.length === 1);
    await provider.close();
    expect(later.pending).toHaveLength(0);
  });
});

describe('discovery', () => {
  it('reads the metadata of an issuer with a path once, and the keys beforehand', async () => {
    const { provider } = make();
    provider.start();
    await until(() => hostile.count('jwks') === 1);
    await provider.exchange(callback());
    await provider.authorizationUrl(AUTHORIZATION);
    await provider.refresh(REFRESH);
    expect([hostile.count('discovery'), hostile.count('jwks')]).toEqual([1, 1]);
  });

  it('takes an issuer with a slash at the end', async () => {
    const slash = await HostileProvider.create({ path: '/realm/' });
    setup = setUp(slash);
    expect((await setup.provider.exchange(callback())).kind).toBe('signed-in');
    await slash.stop();
  });

  it.each<[string, (metadata: Record<string, unknown>) => Answer, string]>([
    ['another issuer', (metadata) => ({ json: { ...metadata, issuer: 'https://other.example' } }), 'issuer_mismatch'],
    ['no token endpoint', (metadata) => ({ json: { ...metadata, token_endpoint: undefined } }), 'endpoint_missing'],
    ['404', () => ({ status: 404 }), 'http_404'],
    ['HTML', () => ({ text: '<html>' }), 'not_json'],
    ['a redirect', () => ({ status: 301, headers: { location: 'https://other.example/.well-known/openid-configuration' } }), 'redirect'],
  ])('calls a provider that answers with %s misconfigured, and goes on', async (_title, answer, cause) => {
    hostile.answers.set('discovery', answer(hostile.metadata));
    const { provider, logger, clock } = make();
    expect((await provider.authorizationUrl(AUTHORIZATION)).kind).toBe('unavailable');
    expect(logger.of('provider_misconfigured')).toMatchObject([{ level: 'error', fields: { cause } }]);
    hostile.answers.clear();
    clock.offset += 250;
    expect((await provider.authorizationUrl(AUTHORIZATION)).kind).toBe('ready');
  });

  it.each([500, 503, 429])('calls a provider that answers %i down, not misconfigured', async (status) => {
    hostile.answers.set('discovery', { status });
    const { provider, logger } = make();
    await provider.authorizationUrl(AUTHORIZATION);
    expect(logger.of('provider_misconfigured')).toHaveLength(0);
    expect(logger.of('provider_metadata_failed')).toMatchObject([{ level: 'warn', fields: { cause: `http_${status}` } }]);
  });

  it('is read again after the configured time', async () => {
    const { later } = await started();
    expect(later.pending.map((entry) => entry.delay)).toEqual([3_600_000]);
    later.run();
    await until(() => hostile.count('jwks') === 2);
    expect(hostile.count('discovery')).toBe(2);
  });

  it.each<[string, Answer]>([
    ['503', { status: 503 }],
    ['another issuer', { json: { issuer: 'https://other.example' } }],
    ['rubbish', { text: 'rubbish' }],
  ])('keeps the last good copy when a later reading brings %s', async (_title, answer) => {
    const { provider, later } = await started();
    hostile.answers.set('discovery', answer);
    later.run();
    await until(() => provider.status() === 'down');
    expect((await provider.authorizationUrl(AUTHORIZATION)).kind).toBe('ready');
    expect((await provider.exchange(callback())).kind).toBe('signed-in');
  });

  it('is not done at all when the endpoints are configured', async () => {
    const { issuer } = hostile;
    const { provider } = make({
      endpoints: { authorization: `${issuer}/v1/authorize`, token: `${issuer}/v1/token`, jwks: `${issuer}/v1/keys` },
    });
    provider.start();
    expect((await provider.exchange(callback())).kind).toBe('signed-in');
    expect(provider.status()).toBe('up');
    expect(hostile.count('discovery')).toBe(0);
  });
});

describe('the keys of the provider', () => {
  it('do not cost the code when they cannot be had', async () => {
    hostile.answers.set('jwks', { status: 503 });
    const { provider } = make();
    expect((await provider.exchange(callback())).kind).toBe('unavailable');
    expect(hostile.count('token')).toBe(0);
  });

  it('may rotate right before a login', async () => {
    const { provider } = await started();
    hostile.keys = [await signingKey('ES256', 'key-2')];
    expect((await provider.exchange(callback())).kind).toBe('signed-in');
    expect(hostile.count('jwks')).toBe(2);
  });

  it('may rotate while many log in: they share one fetch', async () => {
    const { provider } = await started();
    hostile.keys = [await signingKey('ES256', 'key-2')];
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => provider.exchange(callback())));
    expect(new Set(outcomes.map((outcome) => outcome.kind))).toEqual(new Set(['signed-in']));
    expect(hostile.count('jwks')).toBe(2);
  });

  it('may rotate under the same kid, or without one', async () => {
    const { provider } = await started();
    hostile.keys = [await signingKey('ES256', 'key-1')];
    expect((await provider.exchange(callback())).kind).toBe('signed-in');
  });

  it('are fetched at most twice in a flood of unknown key ids', async () => {
    const { provider } = await started();
    const attacker = await signingKey('ES256', 'evil');
    hostile.answers.set('token', async () => ({
      json: {
        access_token: 'a',
        token_type: 'bearer',
        id_token: await hostile.idToken({}, { key: attacker, header: { kid: crypto.randomUUID() } }),
      },
    }));
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => provider.exchange(callback())));
    for (let i = 0; i < 10; i++) outcomes.push(await provider.exchange(callback()));
    expect(new Set(outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.check : outcome.kind)))).toEqual(
      new Set(['unknown_key']),
    );
    expect(hostile.count('jwks')).toBe(2);
  });

  it('are fetched for an unknown key id again after a minute', async () => {
    const { provider, clock } = await started();
    const unknown = await hostile.idToken({ exp: Math.floor(Date.now() / 1000) + 3600 }, { key: await signingKey('ES256', 'evil') });
    hostile.answerTokens({ id_token: unknown });
    await provider.exchange(callback());
    clock.offset += 59_000;
    await provider.exchange(callback());
    expect(hostile.count('jwks')).toBe(2);
    clock.offset += 1000;
    await provider.exchange(callback());
    expect(hostile.count('jwks')).toBe(3);
  });

  it.each<[string, Answer]>([
    ['503', { status: 503 }],
    ['no keys', { json: { keys: [] } }],
    ['no key set', { json: { keys: 'none' } }],
    ['rubbish', { text: 'rubbish' }],
  ])('stay the last good ones when a later reading brings %s', async (_title, answer) => {
    const { provider, later } = await started();
    hostile.answers.set('jwks', answer);
    later.run();
    await until(() => hostile.count('jwks') === 2);
    expect((await provider.exchange(callback())).kind).toBe('signed-in');
  });

  it('leave a token with an unknown key undecided when they cannot be fetched', async () => {
    const { provider } = await started();
    hostile.keys = [await signingKey('ES256', 'key-2')];
    hostile.answers.set('jwks', { status: 503 });
    expect((await provider.exchange(callback())).kind).toBe('unavailable');
  });

  it('are dropped when the provider dropped them', async () => {
    const { provider, later } = await started();
    const old = await hostile.idToken();
    hostile.keys = [await signingKey('ES256', 'key-2')];
    later.run();
    await until(() => hostile.count('jwks') === 2);
    await new Promise((resolve) => setImmediate(resolve));
    hostile.answerTokens({ id_token: old });
    expect(await provider.exchange(callback())).toMatchObject({ reason: 'id_token_invalid', check: 'unknown_key' });
  });
});

describe('the end-session URL', () => {
  it('comes from the metadata, and without waiting', async () => {
    const { provider } = make();
    const request = { idToken: 'i', postLogoutRedirectUri: 'http://localhost:3000/bff/logged-out' };
    expect(provider.endSessionUrl(request)).toBeUndefined();
    await provider.authorizationUrl(AUTHORIZATION);
    expect(provider.endSessionUrl(request)).toMatch(/\/v1\/logout\?id_token_hint=i&post_logout_redirect_uri=/);
  });

  it('comes from the template, also while the provider is down', () => {
    setup = setUp(hostile, { logout: { endSessionUrl: 'https://x/logout?c={clientId}&r={postLogoutUri}' } });
    expect(setup.provider.endSessionUrl({ postLogoutRedirectUri: 'http://a/' })).toBe('https://x/logout?c=cloakroom&r=http%3A%2F%2Fa%2F');
  });
});
