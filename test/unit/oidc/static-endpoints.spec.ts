import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ProviderOptions } from '../../../src/oidc/provider-options.ts';
import { HostileProvider, signingKey } from '../../support/hostile-provider.ts';
import { callback, setUp, type Setup } from '../../support/openid-setup.ts';

const AUTHORIZATION = { state: 'state-1', nonce: 'nonce-1', codeVerifier: 'v'.repeat(43), params: {} };
const REFRESH = { refreshToken: 'refresh-0', sub: 'alice', scope: ['openid'] };

let hostile: HostileProvider;
let setup: Setup;

beforeEach(async () => {
  hostile = await HostileProvider.create();
  hostile.answers.set('discovery', { status: 500 });
});
afterEach(async () => {
  await setup.provider.close();
  await hostile.stop();
});

const configured = (overrides: Partial<ProviderOptions> = {}): Setup => {
  const at = `${hostile.issuer}/v1`;
  const endpoints = {
    authorization: `${at}/authorize`,
    token: `${at}/token`,
    jwks: `${at}/keys`,
    userinfo: `${at}/userinfo`,
    revocation: `${at}/revoke`,
    endSession: `${at}/logout`,
  };
  setup = setUp(hostile, { provider: { endpoints, userinfo: 'always', ...overrides } });
  return setup;
};

const untilKeysRead = async (times: number): Promise<void> => {
  while (hostile.count('jwks') < times) await new Promise((resolve) => setImmediate(resolve));
};

describe('a provider whose endpoints are all configured', () => {
  it('is used from login to logout, and discovery is never asked', async () => {
    const { provider } = configured();
    expect(provider.status()).toBe('unknown');
    provider.start();
    expect(await provider.authorizationUrl(AUTHORIZATION)).toMatchObject({ kind: 'ready' });
    expect(await provider.exchange(callback())).toMatchObject({ kind: 'signed-in', claims: { email: 'alice@example.com' } });
    expect(await provider.refresh(REFRESH)).toMatchObject({ kind: 'granted', tokens: { refreshToken: 'refresh-1' } });
    expect(await provider.revoke('refresh-1')).toBe('revoked');
    expect(provider.endSessionUrl({ postLogoutRedirectUri: 'http://a/' })).toContain('/v1/logout?');
    expect(provider.status()).toBe('up');
    expect(hostile.count('discovery')).toBe(0);
  });

  it('leads to its login also while it is down, with nothing spent afterwards', async () => {
    await hostile.stop();
    const { provider } = configured();
    provider.start();
    expect(await provider.authorizationUrl(AUTHORIZATION)).toMatchObject({ kind: 'ready' });
    expect(await provider.exchange(callback())).toMatchObject({ kind: 'unavailable', spent: false });
    expect(provider.status()).toBe('down');
    await hostile.start();
    setup.clock.offset += 1000;
    expect((await provider.exchange(callback())).kind).toBe('signed-in');
  });

  it('has its keys read again now and then', async () => {
    const { provider, later } = configured({ metadataRefresh: 60_000 });
    provider.start();
    await untilKeysRead(1);
    while (later.pending.length === 0) await new Promise((resolve) => setImmediate(resolve));
    hostile.keys = [await signingKey('ES256', 'key-2')];
    expect(later.run()).toBe(60_000);
    await untilKeysRead(2);
    expect((await provider.exchange(callback())).kind).toBe('signed-in');
    expect(hostile.count('jwks')).toBe(2);
  });

  it('may be reached on this machine although its issuer is on https', async () => {
    const issuer = 'https://id.example.com';
    const { provider } = configured({ issuer });
    hostile.answerTokens({ id_token: await hostile.idToken({ iss: issuer }) });
    expect((await provider.exchange(callback())).kind).toBe('signed-in');
    expect((await provider.refresh(REFRESH)).kind).toBe('granted');
    expect(await provider.revoke('refresh-1')).toBe('revoked');
  });
});
