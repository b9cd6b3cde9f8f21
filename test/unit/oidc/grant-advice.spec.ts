import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Secret } from '../../../src/kernel/secret.ts';
import { GrantAdvice, grantAdvice, type GrantStep } from '../../../src/oidc/grant-advice.ts';
import type { ProviderOptions } from '../../../src/oidc/provider-options.ts';
import { HostileProvider } from '../../support/hostile-provider.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { callback, setUp, type Setup } from '../../support/openid-setup.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

const STEPS: readonly GrantStep[] = ['authorization', 'code', 'refresh', 'password'];

describe('advice on a refused grant', () => {
  it.each([
    ['authorization', 'unauthorized_client', '"Authorization Code"'],
    ['code', 'unauthorized_client', '"Authorization Code"'],
    ['refresh', 'unauthorized_client', '"Refresh Token"'],
    ['refresh', 'unsupported_grant_type', '"Refresh Token"'],
    ['password', 'unauthorized_client', '"Resource Owner Password"'],
    ['password', 'unsupported_grant_type', '"Resource Owner Password"'],
  ] as const)('names the grant type to tick: %s, %s', (step, error, name) => {
    const advice = grantAdvice(step, error, { offlineAccess: false });
    expect(advice).toContain(`allowed grant types at the provider: ${name} must be ticked`);
  });

  it.each([
    ['authorization', 'unauthorized_client'],
    ['authorization', 'invalid_scope'],
    ['authorization', 'access_denied'],
    ['code', 'unauthorized_client'],
    ['password', 'invalid_scope'],
  ] as const)('names "Refresh Token" only where offline_access was asked for: %s, %s', (step, error) => {
    expect(grantAdvice(step, error, { offlineAccess: true })).toContain('"Refresh Token"');
    expect(grantAdvice(step, error, { offlineAccess: false })).not.toContain('"Refresh Token"');
  });

  it('names the scope, the policies and the secret where they may be the cause', () => {
    expect(grantAdvice('authorization', 'invalid_scope', { offlineAccess: false })).toContain('provider.scope');
    expect(grantAdvice('authorization', 'access_denied', { offlineAccess: false })).toContain('access policies');
    expect(grantAdvice('refresh', 'unauthorized_client', { offlineAccess: true })).toContain('provider.clientSecret');
    expect(grantAdvice('authorization', 'unauthorized_client', { offlineAccess: true })).not.toContain('clientSecret');
  });

  it.each(['invalid_grant', 'login_required', 'server_error', 'other', ''])('has nothing to say about %j', (error) => {
    expect(STEPS.map((step) => grantAdvice(step, error, { offlineAccess: true }))).toEqual(STEPS.map(() => undefined));
  });

  it('is one log line an hour for each step and error', async () => {
    const clock = new ManualClock();
    const logger = new RecordingLogger();
    const advice = new GrantAdvice({ clock, logger, offlineAccess: true });
    const given = ['code', 'code', 'refresh', 'code'].map((step) => advice.give(step as GrantStep, 'unauthorized_client'));
    expect(given.every((it) => it !== undefined)).toBe(true);
    expect(logger.lines.map(({ level, event, fields }) => [level, event, fields['step']])).toEqual([
      ['warn', 'grant_not_allowed', 'code'],
      ['warn', 'grant_not_allowed', 'refresh'],
    ]);
    await clock.advance(3_599_999);
    advice.give('code', 'unauthorized_client');
    expect(logger.lines).toHaveLength(2);
    await clock.advance(1);
    advice.give('code', 'unauthorized_client');
    expect(logger.lines).toHaveLength(3);
  });
});

describe('the provider client', () => {
  let hostile: HostileProvider;
  const open: Setup[] = [];

  beforeAll(async () => {
    hostile = await HostileProvider.create();
  });
  afterAll(async () => {
    await Promise.all(open.map(({ provider }) => provider.close()));
    await hostile.stop();
  });
  beforeEach(() => hostile.answers.clear());

  const make = (provider: Partial<ProviderOptions> = {}): Setup => {
    const made = setUp(hostile, { provider });
    open.push(made);
    return made;
  };
  const refuse = (error: string): void =>
    void hostile.answers.set('token', { status: 400, json: { error, error_description: 'description-canary' } });

  it.each(['unauthorized_client', 'invalid_scope', 'access_denied'])('advises on %s of the authorization response', async (error) => {
    const { provider, logger } = make();
    const outcome = await provider.exchange(callback(`error=${error}&error_description=description-canary&state=state-1`));
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'provider_error', providerError: error, advice: expect.any(String) });
    expect(logger.of('grant_not_allowed').map(({ fields }) => [fields['step'], fields['providerError']])).toEqual([
      ['authorization', error],
    ]);
    expect(JSON.stringify([outcome, logger.lines])).not.toContain('canary');
  });

  it('advises on unauthorized_client of the code, the refresh and the password grant', async () => {
    refuse('unauthorized_client');
    const { provider, logger } = make();
    await provider.ready();
    const refused = { kind: 'refused', reason: 'exchange_refused', providerError: 'unauthorized_client', advice: expect.any(String) };
    expect(await provider.exchange(callback())).toMatchObject(refused);
    expect(await provider.passwordLogin({ username: 'alice', password: new Secret('x') })).toMatchObject(refused);
    expect(await provider.refresh({ refreshToken: 'r', sub: 'alice', scope: [] })).toMatchObject({ kind: 'refused' });
    expect(logger.of('grant_not_allowed').map(({ fields }) => fields['step'])).toEqual(['code', 'password', 'refresh']);
    expect(JSON.stringify(logger.lines)).not.toContain('canary');
  });

  it('has nothing to say about a login that is required or a grant that is dead', async () => {
    refuse('invalid_grant');
    const { provider, logger } = make();
    await provider.ready();
    expect(await provider.exchange(callback('error=login_required&state=state-1'))).not.toHaveProperty('advice');
    expect(await provider.exchange(callback())).not.toHaveProperty('advice');
    await provider.refresh({ refreshToken: 'r', sub: 'alice', scope: [] });
    expect(logger.of('grant_not_allowed')).toEqual([]);
  });
});
