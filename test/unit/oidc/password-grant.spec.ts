import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { Secret } from '../../../src/kernel/secret.ts';
import type { ExchangeOutcome } from '../../../src/oidc/identity-provider.ts';
import type { ProviderOptions } from '../../../src/oidc/provider-options.ts';
import { HostileProvider, signingKey, type Answer } from '../../support/hostile-provider.ts';
import { setUp, type Setup } from '../../support/openid-setup.ts';

const PASSWORD = 'pass word+&=%"ä';
const REQUEST = { username: 'alice@example.com', password: new Secret(PASSWORD) };

let hostile: HostileProvider;
const open: Setup[] = [];

beforeAll(async () => {
  hostile = await HostileProvider.create({ path: '/oauth2/default' });
});
afterAll(async () => {
  await Promise.all(open.map(({ provider }) => provider.close()));
  await hostile.stop();
});
beforeEach(() => {
  hostile.answers.clear();
  hostile.received.length = 0;
});

const make = (provider: Partial<ProviderOptions> = {}): Setup => {
  const made = setUp(hostile, { provider });
  open.push(made);
  return made;
};

const outcomeOf = (outcome: ExchangeOutcome): string =>
  outcome.kind === 'refused'
    ? [outcome.reason, outcome.check, outcome.providerError].filter((it) => it !== undefined).join(' ')
    : outcome.kind;

describe('the password grant', () => {
  it('sends user name, password and the whole configured scope in the body, and authenticates as the client does', async () => {
    await make({ tokenParams: { audience: 'api' } }).provider.passwordLogin(REQUEST);
    const { form, headers } = hostile.last('token');
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'password',
      username: 'alice@example.com',
      password: PASSWORD,
      scope: 'openid profile offline_access',
      audience: 'api',
    });
    expect(headers.authorization).toMatch(/^Basic /);
    expect(inspect(headers)).not.toContain('pass');
  });

  it('is not overridden by configured parameters', async () => {
    const tokenParams = { grant_type: 'client_credentials', username: 'evil', password: 'evil', scope: 'evil' };
    await make({ tokenParams }).provider.passwordLogin(REQUEST);
    expect(Object.fromEntries(hostile.last('token').form)).toMatchObject({ username: 'alice@example.com', password: PASSWORD });
    expect(hostile.last('token').form.getAll('grant_type')).toEqual(['password']);
  });

  it('signs the user in with the claims of an ID token that has no nonce', async () => {
    hostile.answerTokens({ id_token: await hostile.idToken({ nonce: undefined, name: 'Alice', sid: 's-1' }) });
    expect(await make().provider.passwordLogin(REQUEST)).toMatchObject({
      kind: 'signed-in',
      sub: 'alice',
      providerSid: 's-1',
      claims: { name: 'Alice' },
      tokens: { accessToken: 'access-1', refreshToken: 'refresh-1' },
    });
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['no ID token', async () => undefined, 'id_token_invalid id_token_missing'],
    ['another issuer', () => hostile.idToken({ iss: 'https://evil.example' }), 'id_token_invalid iss'],
    ['another audience', () => hostile.idToken({ aud: 'other' }), 'id_token_invalid aud'],
    ['an ID token that is over', () => hostile.idToken({ exp: 1 }), 'id_token_invalid exp'],
    ['another access token', () => hostile.idToken({ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }), 'id_token_invalid at_hash'],
    ['a forged signature', async () => hostile.idToken({}, { key: await signingKey('ES256', 'key-1') }), 'id_token_invalid signature'],
  ])('refuses %s and gives the refresh token back', async (_what, idToken, outcome) => {
    hostile.answerTokens({ id_token: await idToken() });
    const { provider } = make();
    expect(outcomeOf(await provider.passwordLogin(REQUEST))).toBe(outcome);
    await expectRevoked();
  });

  it.each<[string, Answer, string]>([
    ['a wrong password', { status: 400, json: { error: 'invalid_grant' } }, 'exchange_refused token_endpoint invalid_grant'],
    [
      'a client without the grant',
      { status: 400, json: { error: 'unauthorized_client' } },
      'exchange_refused token_endpoint unauthorized_client',
    ],
    [
      'a grant that nobody has',
      { status: 400, json: { error: 'unsupported_grant_type' } },
      'exchange_refused token_endpoint unsupported_grant_type',
    ],
    ['an error that quotes', { status: 400, json: { error: PASSWORD } }, 'exchange_refused token_endpoint other'],
    ['no bearer token', { json: { access_token: 'x', token_type: 'DPoP' } }, 'exchange_refused token_type'],
    ['temporarily_unavailable', { status: 400, json: { error: 'temporarily_unavailable' } }, 'unavailable'],
    ['500', { status: 500, text: PASSWORD }, 'unavailable'],
    ['HTML', { text: `<p>${PASSWORD}</p>` }, 'unavailable'],
    ['a reset', 'reset', 'unavailable'],
  ])('ends as it should after %s, and repeats nothing', async (_what, answer, outcome) => {
    hostile.answers.set('token', answer);
    const { provider, logger } = make();
    const ended = await provider.passwordLogin(REQUEST);
    expect(outcomeOf(ended)).toBe(outcome);
    expect(hostile.count('token')).toBe(1);
    for (const text of [inspect(ended, { depth: 9 }), inspect(logger.lines, { depth: 9 })]) expect(text).not.toContain('pass word');
  });

  it('passes on how long the provider wants to be left alone', async () => {
    hostile.answers.set('token', { status: 429, headers: { 'retry-after': '17' } });
    expect(await make().provider.passwordLogin(REQUEST)).toMatchObject({ kind: 'unavailable', retryAfter: 17 });
  });

  it('sends no password while the metadata or the keys are unknown', async () => {
    for (const endpoint of ['discovery', 'jwks'] as const) {
      hostile.answers.set(endpoint, { status: 500 });
      expect((await make().provider.passwordLogin(REQUEST)).kind).toBe('unavailable');
      hostile.answers.clear();
    }
    expect(hostile.count('token')).toBe(0);
  });

  it('says so when no refresh token came although offline_access was asked for', async () => {
    hostile.answerTokens({ refresh_token: undefined });
    const { provider, logger } = make();
    expect((await provider.passwordLogin(REQUEST)).kind).toBe('signed-in');
    expect(logger.of('refresh_token_missing')).toHaveLength(1);
  });

  async function expectRevoked(): Promise<void> {
    for (let turn = 0; turn < 200 && hostile.count('revocation') === 0; turn++) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(hostile.last('revocation').form.get('token')).toBe('refresh-1');
  }
});
