import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { TargetGrantOutcome } from '../../../src/oidc/token-issuer.ts';
import type { TokenTarget } from '../../../src/oidc/token-target.ts';
import { HostileProvider, type Answer } from '../../support/hostile-provider.ts';
import { setUp, type Setup } from '../../support/openid-setup.ts';

const TARGET: TokenTarget = { resource: 'https://orders.example', audience: 'orders', scope: ['orders.read', 'orders.write'] };
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const FOR_TARGET = { resource: 'https://orders.example', audience: 'orders', scope: 'orders.read orders.write' };
const bearer = (more: Record<string, unknown> = {}): Answer => ({
  json: { access_token: 'at', token_type: 'Bearer', expires_in: 60, ...more },
});

let hostile: HostileProvider;
let world: Setup;

beforeAll(async () => {
  hostile = await HostileProvider.create();
  world = setUp(hostile, { resources: ['https://a.example', 'https://b.example'] });
});
afterAll(async () => {
  await world.provider.close();
  await hostile.stop();
});
beforeEach(() => {
  hostile.answers.clear();
  hostile.received.length = 0;
});

const sent = (): Record<string, string> => Object.fromEntries(hostile.last('token').form);

const GRANTS: readonly [string, (target: TokenTarget) => Promise<TargetGrantOutcome>, Record<string, string>][] = [
  ['client credentials', (target) => world.provider.clientCredentials(target), { grant_type: 'client_credentials' }],
  [
    'token exchange',
    (target) => world.provider.exchangeToken('subject-token', target),
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'subject-token',
      subject_token_type: ACCESS_TOKEN,
      requested_token_type: ACCESS_TOKEN,
    },
  ],
];

describe.each(GRANTS)('the grant of %s', (_name, grant, params) => {
  it('names the target, authenticates the client, and counts the lifetime from before it was sent', async () => {
    hostile.answers.set('token', bearer());
    const before = world.clock.now();
    const outcome = await grant(TARGET);
    expect(sent()).toEqual({ ...params, ...FOR_TARGET });
    expect(hostile.last('token').headers.authorization).toMatch(/^Basic /);
    if (outcome.kind !== 'granted') throw new Error(outcome.kind);
    expect(outcome.tokens.accessToken).toBe('at');
    expect(outcome.tokens.accessTokenExpiresAt - before).toBeGreaterThanOrEqual(60_000);
    expect(outcome.tokens.accessTokenExpiresAt).toBeLessThanOrEqual(world.clock.now() + 60_000);
  });

  it('says nothing of a target where there is none', async () => {
    hostile.answers.set('token', bearer());
    await grant({});
    expect(sent()).toEqual(params);
  });

  it.each<[string, Answer, Record<string, unknown>]>([
    ['a refusal', { status: 400, json: { error: 'invalid_target' } }, { kind: 'refused', error: 'invalid_target', status: 400 }],
    ['a wrong secret', { status: 401, json: { error: 'invalid_client' } }, { kind: 'refused', error: 'invalid_client', status: 401 }],
    ['429', { status: 429, headers: { 'retry-after': '7' } }, { kind: 'throttled', retryAfter: 7 }],
    ['an outage', { status: 503 }, { kind: 'failed', sent: true, cause: 'http_503' }],
    ['a page', { text: '<html>' }, { kind: 'failed', sent: true, cause: 'not_json' }],
    ['a reset', 'reset', { kind: 'failed', sent: true }],
    ['a token that is bound to a key', bearer({ token_type: 'DPoP' }), { kind: 'failed', sent: true, cause: 'token_type' }],
    ['a token that is no bearer', bearer({ token_type: 'N_A' }), { kind: 'failed', sent: true, cause: 'token_type' }],
    ['no token', bearer({ access_token: undefined }), { kind: 'failed', sent: true, cause: 'access_token' }],
    ['a redirect', { status: 307, headers: { location: 'https://elsewhere.example' } }, { kind: 'failed', sent: true, cause: 'redirect' }],
  ])('tells %s apart', async (_what, answer, outcome) => {
    hostile.answers.set('token', answer);
    expect(await grant(TARGET)).toMatchObject(outcome);
    expect(hostile.count('token')).toBe(1);
  });

  it('says that nothing was sent when the provider cannot be reached', async () => {
    await hostile.stop();
    const outcome = await grant(TARGET);
    await hostile.start();
    expect(outcome).toMatchObject({ kind: 'failed', sent: false });
  });
});

describe('the answer of a token exchange', () => {
  it.each([
    [ACCESS_TOKEN, 'granted'],
    [undefined, 'granted'],
    ['urn:ietf:params:oauth:token-type:id_token', 'failed'],
    ['urn:ietf:params:oauth:token-type:refresh_token', 'failed'],
    [7, 'failed'],
  ])('with issued_token_type %s: %s', async (type, kind) => {
    hostile.answers.set('token', bearer({ issued_token_type: type }));
    const outcome = await world.provider.exchangeToken('subject-token', TARGET);
    expect(outcome.kind).toBe(kind);
    if (outcome.kind === 'failed') expect(outcome.cause).toBe('issued_token_type');
  });
});

describe('a refresh for another target', () => {
  it('names that besides the refresh token', async () => {
    hostile.answerTokens({ id_token: undefined });
    await world.provider.authorizationUrl({ state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43), params: {} });
    await world.provider.refresh({ refreshToken: 'refresh-0', sub: 'alice', scope: ['openid'], target: TARGET });
    expect(sent()).toEqual({ grant_type: 'refresh_token', refresh_token: 'refresh-0', ...FOR_TARGET });
  });
});

describe('the authorization request', () => {
  it('names every resource that routes need tokens for', async () => {
    const ready = await world.provider.authorizationUrl({ state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43), params: {} });
    const url = new URL(ready.kind === 'ready' ? ready.url : 'about:blank');
    expect(url.searchParams.getAll('resource')).toEqual(['https://a.example', 'https://b.example']);
  });

  it('names none twice', async () => {
    const more = setUp(hostile, { resources: ['https://a.example'], provider: { authorizeParams: { resource: 'https://a.example' } } });
    const ready = await more.provider.authorizationUrl({ state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43), params: {} });
    await more.provider.close();
    const url = new URL(ready.kind === 'ready' ? ready.url : 'about:blank');
    expect(url.searchParams.getAll('resource')).toEqual(['https://a.example']);
  });
});
