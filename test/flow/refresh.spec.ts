import { afterEach, describe, expect, it } from '@jest/globals';
import { fingerprintOf, told } from '../support/answers.ts';
import { many, only } from '../support/many.ts';
import { openHouse, type House, type HouseOptions } from '../support/house.ts';

const SESSION = '__Host-Http-cloakroom';

describe('refresh on demand', () => {
  let house: House;

  afterEach(() => house.close());

  async function signedIn(
    options: HouseOptions = {},
  ): Promise<{ agent: ReturnType<House['newAgent']>; cookie: string; fingerprint: string }> {
    house = await openHouse(options);
    const agent = house.newAgent();
    await agent.login('alice');
    const cookie = house.cookiesOf(agent);
    const fingerprint = await fingerprintOf(await house.call('/api/first', { cookie }));
    house.provider.stats.reset();
    house.api.reset();
    return { agent, cookie, fingerprint };
  }

  const refreshes = (): number[] =>
    house.provider.stats.tokenRequests.filter(({ grantType }) => grantType === 'refresh_token').map(({ status }) => status);

  it.each(['one-time', 'static'] as const)(
    'makes one grant for 100 parallel calls with an expired token (%s refresh tokens)',
    async (rotation) => {
      const { agent, cookie, fingerprint } = await signedIn({ provider: { rotation } });
      house.expireAccessToken();

      const answers = await many(100, (n) => house.call(`/api/orders/${String(n)}`, { cookie }));

      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 100 }, () => 200));
      expect(refreshes()).toEqual([200]);
      const used = only(await Promise.all(answers.map((answer) => fingerprintOf(answer))));
      expect(used).not.toBe(fingerprint);
      expect(house.api.requests).toHaveLength(100);
      const ticket = only(answers.map((answer) => told(answer).set.join()));
      expect(ticket).toMatch(new RegExp(`^${SESSION}=Fe26`));
      expect(only(answers.map(({ headers }) => headers.get('cache-control')))).toBe('no-store');

      // No session was lost: the new cookie works by itself, and so does the browser that never got it.
      expect((await house.call('/api/after', { cookie: ticket })).status).toBe(200);
      expect(await (await agent.fetch('/bff/session')).json()).toMatchObject({ authenticated: true });
      expect(refreshes()).toEqual([200]);
    },
  );

  it('goes on refreshing with the new refresh token, generation after generation', async () => {
    const { agent, fingerprint } = await signedIn();
    const seen = [fingerprint];
    for (let round = 0; round < 5; round++) {
      house.expireAccessToken();
      seen.push(only(await Promise.all((await many(10, () => agent.fetch('/api/x'))).map((answer) => fingerprintOf(answer)))));
    }
    expect(refreshes()).toEqual([200, 200, 200, 200, 200]);
    expect(new Set(seen).size).toBe(6);
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(1);
  });

  it('lets a straggler with the old cookie in 30 s later, and gives it the new cookie', async () => {
    const { cookie } = await signedIn();
    house.expireAccessToken();
    const first = await house.call('/api/first', { cookie });
    house.clock.skip(30_000);
    const late = await house.call('/api/late', { cookie });
    expect([late.status, told(late).set]).toEqual([200, told(first).set]);
    expect(await fingerprintOf(late)).toBe(await fingerprintOf(first));
    expect(refreshes()).toEqual([200]);
  });

  it('heals a browser that was killed before it wrote the new cookie down, as long as nobody presented that', async () => {
    const { cookie } = await signedIn();
    house.expireAccessToken();
    const first = await house.call('/api/first', { cookie });
    house.clock.skip(200_000);
    const back = await house.call('/api/back', { cookie });
    expect([back.status, told(back).set]).toEqual([200, told(first).set]);
    expect(refreshes()).toEqual([200]);
  });

  it('refuses an old cookie after the handover: nothing cleared, the provider left alone, a line for the audit', async () => {
    const { cookie } = await signedIn();
    house.expireAccessToken();
    const ticket = told(await house.call('/api/first', { cookie })).set.join();
    house.clock.skip(46_000);
    expect((await house.call('/api/confirms', { cookie: ticket })).status).toBe(200);
    house.clock.skip(59_000);
    expect((await house.call('/api/still', { cookie })).status).toBe(200);
    house.clock.skip(2_000);
    house.api.reset();

    const late = await house.call('/api/late', { cookie });
    expect(told(late)).toEqual({ status: 401, code: 'session_superseded', set: [], cleared: [], retryAfter: undefined });
    expect(await (await house.call('/bff/session', { cookie })).json()).toMatchObject({ authenticated: false, reason: 'superseded' });
    expect(told(await house.call('/bff/refresh', { cookie, method: 'POST' }))).toMatchObject({
      status: 401,
      code: 'session_superseded',
      cleared: [],
    });
    expect(refreshes()).toEqual([200]);
    expect(house.api.requests).toEqual([]);
    expect(house.log.of('refresh_reuse_suspected').map(({ level, fields }) => [level, fields])).toContainEqual([
      'warn',
      { sub: 'alice', generation: 1, newest: 2 },
    ]);
    expect((await house.call('/api/winner', { cookie: ticket })).status).toBe(200);
  });

  it.each(['before', 'after'] as const)('heals a client that vanished %s the provider had granted, with that one grant', async (when) => {
    const { cookie, fingerprint } = await signedIn();
    house.expireAccessToken();
    const gate = house.provider.control.hold('token', when);
    const client = new AbortController();
    const gone = house.call('/api/gone', { cookie, signal: client.signal });
    await gate.waitFor(1);
    client.abort();
    await expect(gone).rejects.toThrow('abort');
    gate.open();

    const next = await house.call('/api/next', { cookie });
    expect(next.status).toBe(200);
    expect(told(next).set).toHaveLength(1);
    expect(await fingerprintOf(next)).not.toBe(fingerprint);
    expect(refreshes()).toEqual([200]);
    expect(house.api.requests.map(({ url }) => url)).toEqual(['/next']);
  });

  it('makes one grant for parallel POST /bff/refresh and calls, and gives all of them one cookie', async () => {
    const { cookie } = await signedIn();
    house.clock.skip(10_000);
    const answers = await many(20, () => house.call('/bff/refresh', { cookie, method: 'POST' }));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(refreshes()).toEqual([200]);
    const ticket = only(answers.map((answer) => told(answer).set.join()));
    expect(ticket).toContain(SESSION);
    const view = (await answers[0]?.json()) as Record<string, unknown>;
    expect(view).toMatchObject({ authenticated: true, user: { sub: 'alice' } });

    // Sealed less than two seconds ago: answered as it is.
    const again = await house.call('/bff/refresh', { cookie: ticket, method: 'POST' });
    expect([again.status, told(again).set, refreshes()]).toEqual([200, [], [200]]);
    house.clock.skip(2_100);
    expect((await house.call('/bff/refresh', { cookie: ticket, method: 'POST' })).status).toBe(200);
    expect(refreshes()).toEqual([200, 200]);
  });

  it('counts a renewal by a route without activity as none', async () => {
    const routes = (upstream: string) => [
      { path: '/api', upstream, stripPrefix: true },
      { path: '/poll', upstream, stripPrefix: true, activity: false },
    ];
    const { agent } = await signedIn({ routes, config: { session: { idle: '15m' } } });
    for (let minutes = 0; minutes < 12; minutes += 6) {
      house.clock.skip(6 * 60_000);
      expect((await agent.fetch('/poll/x')).status).toBe(200);
    }
    expect(refreshes()).toEqual([200, 200]);
    house.clock.skip(4 * 60_000);
    expect(told(await agent.fetch('/poll/x'))).toMatchObject({ status: 401, code: 'session_expired', cleared: [SESSION] });
  });
});
