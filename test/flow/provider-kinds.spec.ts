import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { told } from '../support/answers.ts';
import { authorizationResponseOf, HOSTILE_SECRET } from '../support/hostile-house.ts';
import { HostileProvider } from '../support/hostile-provider.ts';
import { openHouse, type House } from '../support/house.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { jsonOf, queryOf } from '../support/wire.ts';

const MINUTE = 60_000;
const SESSION = '__Host-Http-cloakroom';
const HINT = '__Secure-cloakroom-hint';

let hostile: HostileProvider;
let house: House;

const seconds = (): number => Math.floor(house.clock.now() / 1000);

async function open(path: string, config: Readonly<Record<string, Record<string, unknown>>> = {}): Promise<void> {
  hostile = await HostileProvider.create({ path });
  const provider = { issuer: hostile.issuer, clientId: hostile.clientId, clientSecret: HOSTILE_SECRET, ...config['provider'] };
  house = await openHouse({ config: { ...config, provider } });
}

/** Through the whole login, with these claims in the ID token. */
async function login(claims: Readonly<Record<string, unknown>> = {}, response: Readonly<Record<string, string>> = {}): Promise<UserAgent> {
  const agent = house.newAgent();
  const { url, nonce } = await authorizationResponseOf(agent);
  hostile.answerTokens({ id_token: await hostile.idToken({ nonce, iat: seconds(), exp: seconds() + 300, ...claims }) });
  const { page } = await agent.navigate(`${url}&${new URLSearchParams(response).toString()}`);
  expect([page.url, page.status]).toEqual([`${house.origin}/pages/page`, 200]);
  return agent;
}

async function expectRenewed(agent: UserAgent): Promise<void> {
  const before = hostile.count('token');
  hostile.answerTokens({ access_token: 'access-2', refresh_token: 'refresh-2', id_token: undefined });
  house.expireAccessToken();
  expect((await agent.fetch('/api/orders')).status).toBe(200);
  expect(hostile.count('token')).toBe(before + 1);
  expect(hostile.last('token').form.get('grant_type')).toBe('refresh_token');
}

afterEach(async () => {
  await house.close();
  await hostile.stop();
});

describe('an issuer', () => {
  it.each(['', '/', '/realms/one', '/realms/one/', '/oauth2/default/v2.0'])(
    'with the path %j serves login, refresh and logout',
    async (path) => {
      await open(path);
      const agent = await login();
      await expectRenewed(agent);
      const { redirectTo } = (await jsonOf(await agent.fetch('/bff/logout', { method: 'POST' }))) as { redirectTo: string };
      expect(hostile.last('revocation').form.get('token')).toBe('refresh-2');
      const { page } = await agent.navigate(redirectTo, { until: (url) => url.origin !== house.origin });
      expect(page.headers.get('location')).toContain(`${hostile.issuer.replace(/\/$/, '')}/v1/logout?`);
    },
  );
});

describe('an authorization response', () => {
  it('needs no iss where the metadata promise none, and is refused with a wrong one all the same', async () => {
    await open('/oauth2/default');
    await login();
    await login({}, { iss: hostile.issuer });
    const agent = house.newAgent();
    const { url } = await authorizationResponseOf(agent);
    const answer = await agent.fetch(`${url}&iss=${encodeURIComponent('https://other.example')}`);
    expect(await jsonOf(answer)).toMatchObject({ code: 'login_failed', reason: 'issuer_mismatch' });
  });
});

describe('an ID token', () => {
  it('needs no sid', async () => {
    await open('');
    const agent = await login({ sid: undefined });
    await expectRenewed(agent);
    expect((await agent.fetch('/bff/logout', { method: 'POST' })).status).toBe(200);
    expect(await jsonOf(await agent.fetch('/bff/session'))).toMatchObject({ authenticated: false });
  });

  it('needs no claim about the user but sub: the rest is had from userinfo, and survives refreshes', async () => {
    await open('');
    const agent = await login();
    expect(hostile.count('userinfo')).toBe(1);
    await expectRenewed(agent);
    const user = { sub: 'alice', name: 'Alice', email: 'alice@example.com' };
    expect(await jsonOf(await agent.fetch('/bff/session'))).toMatchObject({ authenticated: true, user });
    expect(hostile.count('userinfo')).toBe(1);
  });

  it('of 4.5 KB with 150 groups is no hint at logout, where client and user are named instead', async () => {
    await open('', { session: { claims: ['sub', 'groups'] } });
    const groups = Array.from({ length: 150 }, (_, n) => createHash('sha256').update(String(n)).digest('hex').slice(0, 18));
    const agent = await login({ groups });
    expect((await hostile.idToken({ groups })).length).toBeGreaterThan(4400);
    const names = agent.cookies().map(({ name }) => name.replace(/\.\d$/, ''));
    expect([names.includes(SESSION), names.includes(HINT)]).toEqual([true, false]);
    expect(await jsonOf(await agent.fetch('/bff/session'))).toMatchObject({ user: { groups } });
    await expectRenewed(agent);
    const { redirectTo } = (await jsonOf(await agent.fetch('/bff/logout', { method: 'POST' }))) as { redirectTo: string };
    const { page } = await agent.navigate(redirectTo, { until: (url) => url.origin !== house.origin });
    const query = queryOf(page.headers.get('location') ?? '');
    expect(query).toMatchObject({ client_id: hostile.clientId });
    expect(query).not.toHaveProperty('id_token_hint');
  });
});

describe('the year 2038', () => {
  it('begins and ends no session: what began before goes on after', async () => {
    await open('');
    house.clock.skip(Date.UTC(2038, 0, 19, 3, 14, 7) - Date.now() - 2 * MINUTE);
    const agent = await login();
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    house.clock.skip(2 * MINUTE);
    expect(await jsonOf(await agent.fetch('/bff/session'))).toMatchObject({ authenticated: true });
    await expectRenewed(agent);
    await login();
    house.clock.skip(31 * MINUTE);
    expect(told(await agent.fetch('/api/orders'))).toMatchObject({ status: 401, code: 'session_expired' });
  });
});
