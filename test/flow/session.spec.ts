import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { jsonOf, verdictOf } from '../support/wire.ts';

const SESSION = '__Host-Http-cloakroom';
const SIGNED_OUT = { authenticated: false, reason: 'none', loginUrl: '/bff/login' };

describe('GET /bff/session', () => {
  let house: House;
  let agent: UserAgent;

  beforeAll(async () => {
    house = await openHouse();
    agent = house.newAgent();
    await agent.login('alice');
  });

  beforeEach(() => house.provider.stats.reset());

  afterAll(() => house.close());

  it('tells who is signed in and for how long, and nothing else', async () => {
    const answer = await agent.fetch('/bff/session');
    expect(answer.status).toBe(200);
    const view = await jsonOf(answer);
    expect(view).toEqual({
      authenticated: true,
      user: { sub: 'alice', name: 'Alice Ordinary', email: 'alice@example.com' },
      expiresIn: expect.any(Number),
      idleExpiresIn: expect.any(Number),
      accessTokenExpiresIn: expect.any(Number),
      logoutUrl: expect.stringMatching(/^\/bff\/logout\?id=[\w-]{43}$/),
    });
    const limits = { expiresIn: 43_200, idleExpiresIn: 1800, accessTokenExpiresIn: 300 };
    for (const [name, limit] of Object.entries(limits)) {
      expect(Number.isInteger(view[name])).toBe(true);
      expect(view[name]).toBeLessThanOrEqual(limit);
      expect(view[name]).toBeGreaterThan(limit - 60);
    }
  });

  it('is JSON that nobody stores, with no cookie, no ETag and no CORS header', async () => {
    const { headers } = await agent.fetch('/bff/session');
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect([...headers.keys()].filter((name) => name.startsWith('access-control-') || name === 'etag')).toEqual([]);
    expect(headers.getSetCookie()).toEqual([]);
  });

  it('answers HEAD as GET without a body', async () => {
    const answer = await agent.fetch('/bff/session', { method: 'HEAD' });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('knows no %s', async (method) => {
    const answer = await agent.fetch('/bff/session', { method });
    expect([...verdictOf(answer), answer.headers.get('allow')]).toEqual([405, 'method_not_allowed', 'GET, HEAD']);
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  it.each([
    ['no cookie', ''],
    ['an unreadable cookie', `${SESSION}=planted`],
    ['an empty cookie', `${SESSION}=`],
    ['a cookie of another application', 'other=1'],
  ])('says "none" to %s, and clears nothing', async (_what, cookie) => {
    const answer = await house.newAgent().fetch('/bff/session', { headers: { cookie } });
    expect(await jsonOf(answer)).toEqual(SIGNED_OUT);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it('never makes somebody signed in by what a client may claim', async () => {
    const headers = { authorization: 'Bearer token', 'x-forwarded-user': 'alice', 'x-user': 'alice' };
    expect(await jsonOf(await house.newAgent().fetch('/bff/session?access_token=token', { headers }))).toEqual(SIGNED_OUT);
  });

  it('is refused to another site', async () => {
    const answer = await agent.fetch('/bff/session', { initiator: new URL('https://evil.example') });
    expect(verdictOf(answer)).toEqual([403, 'csrf_refused']);
  });

  it('never asks the provider, not even with the access token over', async () => {
    const other = house.newAgent();
    await other.login('erin');
    house.provider.stats.reset();
    house.expireAccessToken();
    const answer = await other.fetch('/bff/session');
    expect(await jsonOf(answer)).toMatchObject({ authenticated: true, accessTokenExpiresIn: 0 });
    expect([answer.headers.getSetCookie(), house.provider.stats.hits]).toEqual([[], {}]);
  });
});

describe('what the session endpoint says of a session without refresh token', () => {
  it('counts to the end of the access token, and says "expired" after it', async () => {
    const house = await openHouse();
    try {
      const agent = house.newAgent();
      await agent.login('dave');
      const view = await jsonOf(await agent.fetch('/bff/session'));
      expect(view['expiresIn']).toBe(view['accessTokenExpiresIn']);
      house.expireAccessToken();
      const answer = await agent.fetch('/bff/session');
      expect(await jsonOf(answer)).toEqual({ authenticated: false, reason: 'expired', loginUrl: '/bff/login' });
      expect(answer.headers.getSetCookie()).toEqual([`${SESSION}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict`]);
    } finally {
      await house.close();
    }
  });
});

describe('session.claims', () => {
  it('decides what the page sees; the sid of the provider is never among it', async () => {
    const house = await openHouse({
      config: { session: { claims: ['preferred_username', 'email_verified', 'groups', 'sid', 'nonce_of_nobody'] } },
    });
    try {
      const agent = house.newAgent();
      await agent.login('alice');
      const { user } = await jsonOf(await agent.fetch('/bff/session'));
      expect(user).toEqual({ sub: 'alice', preferred_username: 'alice', email_verified: true, groups: ['staff'] });
    } finally {
      await house.close();
    }
  });
});
