import { afterEach, describe, expect, it } from '@jest/globals';
import { told } from '../support/answers.ts';
import { openHouse, type House, type HouseOptions } from '../support/house.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { jsonOf, queryOf } from '../support/wire.ts';

const SESSION = '__Host-Http-cloakroom';
/** What the house names itself gives way to the preset. */
const UNNAMED = { scope: undefined, authorizeParams: undefined };

let house: House;

async function signedIn(preset: string | undefined, options: Pick<HouseOptions, 'provider'> = {}): Promise<UserAgent> {
  house = await openHouse({ ...options, config: { provider: { preset }, session: { idleStep: '20m' }, refresh: { earlyWait: '10s' } } });
  const agent = house.newAgent();
  await agent.login('alice');
  return agent;
}
const tokenHits = (): number => house.provider.stats.tokenRequests.filter(({ grantType }) => grantType === 'refresh_token').length;

afterEach(() => house.close());

describe('the preset of Google', () => {
  it('asks for offline access in its way, and misses a refresh token that does not come', async () => {
    house = await openHouse({ config: { provider: { preset: 'google', ...UNNAMED } } });
    await house.newAgent().login('alice');
    expect(house.provider.stats.authorizations[0]).toMatchObject({
      scope: 'openid profile email',
      access_type: 'offline',
      prompt: 'consent',
    });
    expect(house.log.of('refresh_token_missing')).toHaveLength(1);
  });
});

describe('the preset of Cognito', () => {
  it('asks for no scope that Cognito refuses', async () => {
    house = await openHouse({ config: { provider: { preset: 'cognito', ...UNNAMED } } });
    await house.newAgent().login('alice');
    expect(house.provider.stats.authorizations[0]?.['scope']).toBe('openid profile email');
  });
});

describe('the preset of Auth0', () => {
  it('ends the session there with the template that every tenant knows', async () => {
    const agent = await signedIn('auth0');
    const { redirectTo } = (await jsonOf(await agent.fetch('/bff/logout', { method: 'POST' }))) as { redirectTo: string };
    const { page } = await agent.navigate(redirectTo, { until: (url) => url.origin !== house.origin });
    const location = page.headers.get('location') ?? '';
    expect(location.split('?')[0]).toBe(`${house.provider.issuer}/v2/logout`);
    expect(queryOf(location)).toEqual({ client_id: house.provider.clientId, returnTo: `${house.origin}/bff/logged-out` });
  });
});

describe('the preset of Entra', () => {
  it.each<[string | undefined, number, string]>([
    ['entra', 401, 'session_revoked'],
    [undefined, 503, 'provider_unavailable'],
  ])('knows that interaction_required is final, which is not known otherwise: %s', async (preset, status, code) => {
    const agent = await signedIn(preset);
    house.expireAccessToken();
    house.provider.control.fail('token', { kind: 'oauth-error', error: 'interaction_required' });
    expect(told(await agent.fetch('/api/orders'))).toMatchObject({ status, code, cleared: status === 401 ? [SESSION] : [] });
  });
});

describe('the leeway of a preset', () => {
  it.each<[string | undefined, number]>([
    ['okta', 2],
    ['keycloak', 1],
    ['auth0', 1],
    [undefined, 1],
  ])('decides whether a refresh token whose answer got lost is sent again at once: %s', async (preset, hits) => {
    const agent = await signedIn(preset, { provider: { rotation: 'static' } });
    house.clock.skip(250_000); // early, and the access token is still good
    house.provider.control.fail('token', { kind: 'reset', when: 'after' }, 1);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(tokenHits()).toBe(hits);
  });
});
