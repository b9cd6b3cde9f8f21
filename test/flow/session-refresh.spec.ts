import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { exchange } from '../support/exchange.ts';
import { openHouse, type House } from '../support/house.ts';
import { shapesOf } from '../support/set-cookie.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { jsonOf, verdictOf } from '../support/wire.ts';

const SESSION = '__Host-Http-cloakroom';
const POST = { method: 'POST' } as const;

let house: House;

beforeAll(async () => {
  house = await openHouse();
});

beforeEach(() => {
  house.provider.control.recover();
  house.provider.stats.reset();
  house.api.reset();
});

afterAll(() => house.close());

const signedIn = async (user = 'alice'): Promise<UserAgent> => {
  const agent = house.newAgent();
  await agent.login(user);
  house.clock.skip(3000); // past the cooldown of the login itself
  house.provider.stats.reset();
  return agent;
};

const fingerprint = async (agent: UserAgent): Promise<unknown> => (await jsonOf(await agent.fetch('/api/orders')))['bearer'];

describe('POST /bff/refresh', () => {
  it.each([
    ['<a/>', 'application/xml', 415, 'unsupported_media_type'],
    ['{"a":1}', undefined, 415, 'unsupported_media_type'],
    ['{bad', 'application/json', 400, 'bad_request'],
    ['', undefined, 200, null],
    ['{}', 'application/json', 200, null],
  ])('takes no body but an empty one: %j as %s is %d', async (body, type, status, code) => {
    const agent = await signedIn();
    const answer = await agent.fetch('/bff/refresh', { ...POST, body, headers: type === undefined ? {} : { 'content-type': type } });
    expect([answer.status, answer.headers.get('cloakroom-error')]).toEqual([status, code]);
    expect(house.provider.stats.refreshes).toBe(status === 200 ? 1 : 0);
  });

  it('renews the token now, and answers the session with a new cookie', async () => {
    const agent = await signedIn();
    const before = await fingerprint(agent);
    const answer = await agent.fetch('/bff/refresh', POST);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(shapesOf(answer.headers.getSetCookie())).toEqual([
      expect.stringMatching(/^__Host-Http-cloakroom=…; Path=\/; Max-Age=\d+; Secure; HttpOnly; SameSite=Strict$/),
    ]);
    const view = await jsonOf(answer);
    expect(Object.keys(view).sort()).toEqual(
      ['accessTokenExpiresIn', 'authenticated', 'expiresIn', 'idleExpiresIn', 'logoutUrl', 'user'].sort(),
    );
    expect(view['accessTokenExpiresIn']).toBeGreaterThan(290);
    expect(await fingerprint(agent)).not.toEqual(before);
    expect(house.provider.stats.tokenRequests.map(({ grantType, status }) => [grantType, status])).toEqual([['refresh_token', 200]]);
  });

  it('makes no second grant within two seconds', async () => {
    const agent = await signedIn();
    await agent.fetch('/bff/refresh', POST);
    const again = await agent.fetch('/bff/refresh', POST);
    expect([again.status, (await jsonOf(again))['authenticated']]).toEqual([200, true]);
    expect(house.provider.stats.refreshes).toBe(1);
    house.clock.skip(2001);
    await agent.fetch('/bff/refresh', POST);
    expect(house.provider.stats.refreshes).toBe(2);
  });

  it('makes one grant for twenty tabs at once, and gives all of them the same cookie', async () => {
    const agent = await signedIn();
    const answers = await Promise.all(Array.from({ length: 20 }, () => agent.openTab().fetch('/bff/refresh', POST)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ headers }) => headers.getSetCookie()[0])).size).toBe(1);
    expect(house.provider.stats.refreshes).toBe(1);
  });

  it('gives a late tab with the older cookie the newer one, without a grant', async () => {
    const agent = await signedIn();
    const old = agent.cookies();
    const first = await agent.fetch('/bff/refresh', POST);
    agent.jar.restore(old);
    const late = await agent.fetch('/bff/refresh', POST);
    expect(late.headers.getSetCookie()).toEqual(first.headers.getSetCookie());
    expect(house.provider.stats.refreshes).toBe(1);
  });

  it('is 409 on a session without refresh token, and leaves the session as it is', async () => {
    const agent = await signedIn('dave');
    const answer = await agent.fetch('/bff/refresh', POST);
    expect(verdictOf(answer)).toEqual([409, 'refresh_unavailable']);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(house.provider.stats.tokenRequests).toEqual([]);
  });

  it('is 401 without a session', async () => {
    const answer = await house.newAgent().fetch('/bff/refresh', POST);
    expect(verdictOf(answer)).toEqual([401, 'not_logged_in']);
    expect(await jsonOf(answer)).toMatchObject({ loginUrl: '/bff/login' });
  });

  it('is 401 session_revoked and clears the cookie when the provider says that the grant is gone', async () => {
    const agent = await signedIn();
    house.provider.control.revokeGrants('alice');
    const answer = await agent.fetch('/bff/refresh', POST);
    expect(verdictOf(answer)).toEqual([401, 'session_revoked']);
    expect(answer.headers.getSetCookie()).toEqual([`${SESSION}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict`]);
  });

  it('is 503 while the provider is down, and the session goes on', async () => {
    const agent = await signedIn();
    house.provider.control.fail('token', { kind: 'status', status: 503 });
    const answer = await agent.fetch('/bff/refresh', POST);
    expect(verdictOf(answer)).toEqual([503, 'provider_unavailable']);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
  });

  it.each([
    ['another site', { initiator: new URL('https://evil.example') }],
    ['another site with X-CSRF', { initiator: new URL('https://evil.example'), headers: { 'x-csrf': '1' } }],
    ['another port of this host', { initiator: new URL('http://localhost:1') }],
  ])('is refused to %s', async (_who, options) => {
    const agent = await signedIn();
    const answer = await agent.fetch('/bff/refresh', { ...POST, ...options });
    expect(verdictOf(answer)).toEqual([403, 'csrf_refused']);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(house.provider.stats.tokenRequests).toEqual([]);
  });

  it('needs X-CSRF or our Origin of a browser without Sec-Fetch headers', async () => {
    const cookie = `${SESSION}=${(await signedIn()).jar.get(SESSION)?.value ?? ''}`;
    const url = new URL('/bff/refresh', house.origin);
    const evil = { origin: 'https://evil.example' };
    const statuses: number[] = [];
    for (const more of [{}, { 'x-csrf': '1' }, { origin: house.origin }, evil, { ...evil, 'x-csrf': '1' }]) {
      const answer = await exchange({ method: 'POST', url, headers: { cookie, ...more }, body: undefined, signal: undefined });
      statuses.push(answer.status);
    }
    expect(statuses).toEqual([403, 200, 200, 403, 403]);
  });

  it.each(['GET', 'PUT', 'OPTIONS'])('knows no %s', async (method) => {
    const answer = await house.newAgent().fetch('/bff/refresh', { method });
    expect([...verdictOf(answer), answer.headers.get('allow')]).toEqual([405, 'method_not_allowed', 'POST']);
  });
});
