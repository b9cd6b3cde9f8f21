import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startDevProvider, type DevProvider } from '../../../demo/provider/dev-provider.ts';
import type { DevProviderOptions } from '../../../demo/provider/options.ts';
import { makeSigningKeys, type SigningKeys } from '../../../demo/provider/signing-keys.ts';
import { Secret } from '../../../src/kernel/secret.ts';
import type { ExchangeOutcome } from '../../../src/oidc/identity-provider.ts';
import { OpenIdIdentityProvider } from '../../../src/oidc/openid-identity-provider.ts';
import type { ProviderOptions } from '../../../src/oidc/provider-options.ts';
import { MovableClock, providerOptions } from '../../support/openid-setup.ts';
import { callbackParams, isCallback, POST_LOGOUT_URI, REDIRECT_URI } from '../../support/provider/direct-client.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { UserAgent } from '../../support/user-agent.ts';

const LOGIN = { state: 'state-1', nonce: 'nonce-1', codeVerifier: 'v'.repeat(43) };

let signingKeys: SigningKeys;
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  signingKeys = await makeSigningKeys();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

interface World {
  readonly op: DevProvider;
  readonly provider: OpenIdIdentityProvider;
  readonly logger: RecordingLogger;
  /** A whole login as alice. */
  login(): Promise<ExchangeOutcome>;
}

async function create(dev: Partial<DevProviderOptions> = {}, own: Partial<ProviderOptions> = {}): Promise<World> {
  const op = await startDevProvider({ redirectUris: [REDIRECT_URI], postLogoutRedirectUris: [POST_LOGOUT_URI], signingKeys, ...dev });
  const logger = new RecordingLogger();
  const options = { clientSecret: new Secret(op.clientSecret), authorizeParams: { prompt: 'consent' }, ...own };
  const provider = new OpenIdIdentityProvider({
    provider: providerOptions(op, options),
    redirectUri: REDIRECT_URI,
    refresh: { redirectUri: true, scope: 'granted', fallbackLifetime: 300_000 },
    logout: {},
    wantedClaims: ['sub', 'email'],
    clock: new MovableClock(),
    logger,
  });
  cleanups.push(
    () => provider.close(),
    () => op.close(),
  );
  const login = async (): Promise<ExchangeOutcome> => {
    const ready = await provider.authorizationUrl({ ...LOGIN, params: {} });
    if (ready.kind !== 'ready') throw new Error('the provider is not ready');
    const agent = new UserAgent({ origin: new URL(REDIRECT_URI).origin });
    await agent.navigate(ready.url, { until: isCallback });
    const params = callbackParams(await agent.signIn('alice', { until: isCallback }));
    return provider.exchange({ ...LOGIN, params });
  };
  return { op, provider, logger, login };
}

const tokensOf = (outcome: ExchangeOutcome) => {
  if (outcome.kind !== 'signed-in') throw new Error(`unexpected outcome ${JSON.stringify(outcome)}`);
  return outcome.tokens;
};

describe('a real provider with an issuer path and one-time refresh tokens', () => {
  it('signs in, refreshes twice and ends a reused token with invalid_grant', async () => {
    const { provider, login } = await create();
    const first = tokensOf(await login());
    const base = { sub: 'alice', scope: first.scope ?? [] };
    const second = await provider.refresh({ ...base, refreshToken: first.refreshToken ?? '' });
    expect(second).toMatchObject({ kind: 'granted', claims: { sub: 'alice' } });
    const secondToken = second.kind === 'granted' ? (second.tokens.refreshToken ?? '') : '';
    expect(secondToken).not.toBe(first.refreshToken);
    expect((await provider.refresh({ ...base, refreshToken: secondToken })).kind).toBe('granted');
    expect(await provider.refresh({ ...base, refreshToken: secondToken })).toEqual({
      kind: 'refused',
      error: 'invalid_grant',
      status: 400,
    });
  });

  it('revokes', async () => {
    const { provider, login, op } = await create();
    const { refreshToken = '' } = tokensOf(await login());
    expect(await provider.revoke(refreshToken)).toBe('revoked');
    expect(op.control.liveRefreshTokens('alice')).toBe(0);
  });

  it('completes claims from userinfo', async () => {
    const { login } = await create({ claimsIn: 'userinfo' }, { userinfo: 'auto', scope: ['openid', 'email', 'offline_access'] });
    expect(await login()).toMatchObject({ kind: 'signed-in', claims: { email: 'alice@example.com' } });
  });

  it.each([{ idTokenAlg: 'ES256' }, { issuerPath: '' }, { accessTokenFormat: 'jwt' }, { rotation: 'static' }] as const)(
    'works with %j',
    async (dev) => {
      const { login } = await create(dev);
      expect((await login()).kind).toBe('signed-in');
    },
  );

  it.each(['client_secret_basic', 'client_secret_post', 'none'] as const)(
    'is met with %s when it enforces that',
    async (clientAuthMethod) => {
      const { login } = await create({ clientAuthMethod }, { clientAuthMethod });
      expect((await login()).kind).toBe('signed-in');
    },
  );

  it('gives no refresh token to a client without that grant, and we say where to look', async () => {
    const { login, logger } = await create({ grantTypes: ['authorization_code'] });
    expect(tokensOf(await login())).not.toHaveProperty('refreshToken');
    expect(logger.of('refresh_token_missing')).toHaveLength(1);
  });

  it('may go away and come back', async () => {
    const { login, op, provider } = await create();
    const { refreshToken = '' } = tokensOf(await login());
    await op.control.down();
    expect(await provider.refresh({ refreshToken, sub: 'alice', scope: [] })).toMatchObject({ kind: 'failed', sent: false });
    await op.control.up();
    expect((await provider.refresh({ refreshToken, sub: 'alice', scope: [] })).kind).toBe('granted');
  });
});
