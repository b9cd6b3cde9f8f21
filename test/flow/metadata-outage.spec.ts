import { afterEach, describe, expect, it } from '@jest/globals';
import { authorizationResponseOf, HOSTILE_SECRET } from '../support/hostile-house.ts';
import { HostileProvider, signingKey, type Answer } from '../support/hostile-provider.ts';
import { openHouse, type House } from '../support/house.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { jsonOf, verdictOf } from '../support/wire.ts';

let hostile: HostileProvider;
let house: House;

const paths = (origin: string): Readonly<Record<string, string>> => ({
  authorization: `${origin}/v1/authorize`,
  token: `${origin}/v1/token`,
  jwks: `${origin}/v1/keys`,
});

async function open(endpoints: 'discovered' | 'configured' = 'discovered'): Promise<void> {
  hostile = await HostileProvider.create();
  const { issuer, clientId } = hostile;
  const more = endpoints === 'configured' ? { endpoints: paths(issuer) } : {};
  house = await openHouse({ config: { provider: { issuer, clientId, clientSecret: HOSTILE_SECRET, metadataRefresh: '1m', ...more } } });
}

/** `id_token`: what signs the ID token of the answer is asked for last, as a provider does. */
async function login(): Promise<UserAgent> {
  const agent = house.newAgent();
  const { url, nonce } = await authorizationResponseOf(agent);
  hostile.answers.set('token', async () => ({
    json: {
      access_token: 'access-1',
      token_type: 'Bearer',
      expires_in: 300,
      refresh_token: 'refresh-1',
      id_token: await hostile.idToken({ nonce }),
    },
  }));
  const { page } = await agent.navigate(url);
  expect([page.url, page.status]).toEqual([`${house.origin}/pages/page`, 200]);
  return agent;
}

afterEach(async () => {
  await house.close();
  await hostile.stop();
});

describe('keys that were good once', () => {
  it.each<[string, Answer]>([
    ['fail', { status: 503 }],
    ['are a page', { text: '<html>' }],
    ['break off', 'reset'],
    ['are none', { json: { keys: [] } }],
  ])('go on serving logins and refreshes when later ones %s', async (_title, answer) => {
    await open();
    const agent = await login();
    hostile.answers.set('jwks', answer);
    const fetches = hostile.count('jwks');
    const stranger = await signingKey('ES256', 'stranger');
    const other = house.newAgent();
    const { url, nonce } = await authorizationResponseOf(other);
    hostile.answerTokens({ id_token: await hostile.idToken({ nonce }, { key: stranger }) });
    expect(verdictOf(await other.fetch(url))).toEqual([503, 'provider_unavailable']);
    expect(hostile.count('jwks')).toBeGreaterThan(fetches); // they were read again, in vain

    await login();
    house.expireAccessToken();
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(hostile.last('token').form.get('grant_type')).toBe('refresh_token');
  });
});

describe('keys that rotate', () => {
  it('right before an ID token is signed let the login in, however often that was in an hour', async () => {
    await open();
    await login();
    for (let rotation = 2; rotation <= 5; rotation++) {
      hostile.keys = [await signingKey('ES256', `key-${String(rotation)}`)];
      await login();
      house.clock.skip(61_000);
    }
    expect(hostile.count('jwks')).toBe(5);
  });

  it('while they cannot be had make a login a matter of later, and the tokens that came are handed back', async () => {
    await open();
    await login();
    hostile.keys = [await signingKey('ES256', 'key-2')];
    hostile.answers.set('jwks', { status: 503 });
    const agent = house.newAgent();
    const { url, nonce } = await authorizationResponseOf(agent);
    hostile.answerTokens({ id_token: await hostile.idToken({ nonce }) });
    expect(verdictOf(await agent.fetch(url))).toEqual([503, 'provider_unavailable']);
    while (hostile.count('revocation') === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(hostile.last('revocation').form.get('token')).toBe('refresh-1');

    hostile.answers.delete('jwks');
    house.clock.skip(61_000);
    await login();
  });
});

describe('endpoints that are configured', () => {
  it('serve logins and refreshes of a provider without discovery, which is never looked for', async () => {
    await open('configured');
    hostile.answers.set('discovery', { status: 404 });
    const agent = await login();
    house.expireAccessToken();
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(await jsonOf(await agent.fetch('/bff/session'))).toMatchObject({ authenticated: true });
    expect(hostile.count('discovery')).toBe(0);
  });
});
