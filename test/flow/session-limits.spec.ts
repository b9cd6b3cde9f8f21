import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { shapesOf } from '../support/set-cookie.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { jsonOf, verdictOf } from '../support/wire.ts';

const SESSION = '__Host-Http-cloakroom';
const CLEARED = `${SESSION}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict`;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let house: House;
let agent: UserAgent;

const open = async (session: Readonly<Record<string, unknown>> = {}): Promise<void> => {
  house = await openHouse({
    provider: { accessTokenTtl: 24 * 3600 },
    config: { session },
    routes: (upstream) => [
      { path: '/api', upstream, stripPrefix: true },
      { path: '/pages', upstream, stripPrefix: true, navigation: 'allow' },
      { path: '/poll', upstream, stripPrefix: true, activity: false },
    ],
  });
  agent = house.newAgent();
  await agent.login('alice');
};

afterEach(() => house.close());

const idleOf = async (): Promise<unknown> => (await jsonOf(await agent.fetch('/bff/session')))['idleExpiresIn'];

describe('the idle limit', () => {
  beforeEach(() => open());

  it('is not moved by polling the session', async () => {
    const seen: unknown[] = [];
    for (let minute = 0; minute < 30; minute += 5) {
      const answer = await agent.fetch('/bff/session');
      expect(answer.headers.getSetCookie()).toEqual([]);
      seen.push((await jsonOf(answer))['authenticated']);
      house.clock.skip(5 * MINUTE);
    }
    expect(seen).toEqual([true, true, true, true, true, true]);
    const answer = await agent.fetch('/bff/session');
    expect(await jsonOf(answer)).toEqual({ authenticated: false, reason: 'expired', loginUrl: '/bff/login' });
    expect(answer.headers.getSetCookie()).toEqual([CLEARED]);
  });

  it('is moved by a request on a route, at most every three minutes', async () => {
    const lines: string[][] = [];
    for (const skip of [0, 2 * MINUTE, 2 * MINUTE, 0, 2 * MINUTE, 2 * MINUTE]) {
      house.clock.skip(skip);
      const answer = await agent.fetch('/api/orders');
      expect(answer.status).toBe(200);
      lines.push(answer.headers.getSetCookie());
    }
    expect(lines.map((them) => them.length)).toEqual([0, 0, 1, 0, 0, 1]);
    expect(shapesOf(lines[2] ?? [])[0]).toMatch(/^__Host-Http-cloakroom=…; Path=\/; Max-Age=\d+; Secure; HttpOnly; SameSite=Strict$/);
  });

  it('keeps an active user signed in far beyond it', async () => {
    for (let i = 0; i < 6; i++) {
      house.clock.skip(20 * MINUTE);
      expect((await agent.fetch('/api/orders')).status).toBe(200);
    }
    expect(await idleOf()).toBeGreaterThan(1700);
  });

  it('is not moved by a route without activity', async () => {
    for (let i = 0; i < 5; i++) {
      house.clock.skip(5 * MINUTE);
      const answer = await agent.fetch('/poll/orders');
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([200, []]);
    }
    house.clock.skip(5 * MINUTE);
    expect(verdictOf(await agent.fetch('/poll/orders'))).toEqual([401, 'session_expired']);
  });

  it('answers a route with 401, says where to sign in, and clears the cookie', async () => {
    house.clock.skip(30 * MINUTE);
    const answer = await agent.fetch('/api/orders');
    expect(verdictOf(answer)).toEqual([401, 'session_expired']);
    expect(await jsonOf(answer)).toMatchObject({ code: 'session_expired', status: 401, loginUrl: '/bff/login' });
    expect(answer.headers.getSetCookie()).toEqual([CLEARED]);
    expect(verdictOf(await agent.fetch('/api/orders'))).toEqual([401, 'not_logged_in']);
  });

  it('answers a navigation with a page that leads back here, and clears the cookie', async () => {
    house.clock.skip(30 * MINUTE);
    const { page } = await agent.navigate('/pages/page?x=1');
    expect(verdictOf(page)).toEqual([401, 'session_expired']);
    expect(page.body).toContain('href="/bff/login?returnTo=%2Fpages%2Fpage%3Fx%3D1"');
    expect(page.setCookies).toEqual([CLEARED]);
  });

  it('answers POST /bff/refresh with 401 and clears the cookie', async () => {
    house.clock.skip(30 * MINUTE);
    const answer = await agent.fetch('/bff/refresh', { method: 'POST' });
    expect(verdictOf(answer)).toEqual([401, 'session_expired']);
    expect(answer.headers.getSetCookie()).toEqual([CLEARED]);
    expect(house.provider.stats.refreshes).toBe(0);
  });

  it('clears the cookie at the start of the next login as well', async () => {
    house.clock.skip(30 * MINUTE);
    const { page } = await agent.navigate('/bff/login', { until: (url) => url.origin === house.provider.origin });
    expect(page.setCookies).toContain(CLEARED);
    expect(page.setCookies).toHaveLength(2);
  });

  it('lets the user sign in again, to where the page was', async () => {
    house.clock.skip(30 * MINUTE);
    await agent.navigate('/pages/page?x=1');
    const { page } = await agent.navigate('/bff/login?returnTo=/pages/page?x=1', { initiator: 'page' });
    expect([page.url, page.status]).toEqual([`${house.origin}/pages/page?x=1`, 200]);
  });
});

describe('the absolute limit', () => {
  beforeEach(() => open({ absolute: '2h', idle: '1h' }));

  it('ends an active session, clears its cookie, and was promised by Max-Age to the hour', async () => {
    for (let i = 0; i < 3; i++) {
      house.clock.skip(30 * MINUTE);
      expect((await agent.fetch('/api/orders')).status).toBe(200);
    }
    house.clock.skip(30 * MINUTE);
    const answer = await agent.fetch('/api/orders');
    expect(verdictOf(answer)).toEqual([401, 'session_expired']);
    expect(answer.headers.getSetCookie()).toEqual([CLEARED]);
  });

  it('is never moved: a re-sealed cookie lives what is left, and an hour', async () => {
    house.clock.skip(30 * MINUTE);
    const [line = ''] = (await agent.fetch('/api/orders')).headers.getSetCookie();
    const maxAge = Number(/Max-Age=(\d+)/.exec(line)?.[1]);
    expect(maxAge).toBeLessThanOrEqual(90 * 60 + 3600);
    expect(maxAge).toBeGreaterThan(89 * 60 + 3600);
  });

  it('holds although the browser kept the cookie longer than it was told', async () => {
    const cookie = `${SESSION}=${agent.jar.get(SESSION)?.value ?? ''}`;
    house.clock.skip(48 * HOUR);
    expect(verdictOf(await house.newAgent().fetch('/api/orders', { headers: { cookie } }))).toEqual([401, 'session_expired']);
  });
});

describe('a route without activity whose request renews the access token', () => {
  it('moves the idle limit no more than others of its kind', async () => {
    house = await openHouse({
      provider: { accessTokenTtl: 600 },
      config: { refresh: { early: '0s' } },
      routes: (upstream) => [{ path: '/poll', upstream, stripPrefix: true, activity: false }],
    });
    agent = house.newAgent();
    await agent.login('alice');
    const statuses: number[] = [];
    for (let minute = 0; minute < 30; minute += 6) {
      statuses.push((await agent.fetch('/poll/orders')).status);
      house.clock.skip(6 * MINUTE);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200]);
    expect(house.provider.stats.refreshes).toBeGreaterThan(0);
    expect(verdictOf(await agent.fetch('/poll/orders'))).toEqual([401, 'session_expired']);
  });
});
