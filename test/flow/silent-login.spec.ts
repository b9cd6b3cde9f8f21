import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { shapesOf } from '../support/set-cookie.ts';
import type { Trail, UserAgent } from '../support/user-agent.ts';
import { jsonOf, queryOf, verdictOf } from '../support/wire.ts';

const SILENT = '/bff/login?prompt=none&returnTo=%2Fpages%2Fpage%3Fa%3D%252F%23x';
const ATTEMPT_GONE = '__Host-Http-cloakroom-login.<id>=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax';

let house: House;
let agent: UserAgent;

const paths = ({ urls }: Trail): readonly string[] => urls.map((url) => new URL(url).pathname);
/** Signed in at the provider, signed out here: the cookies of this site are gone. */
const signedInElsewhere = async (user = 'alice'): Promise<void> => {
  await agent.login(user);
  agent.jar.restore(agent.cookies().filter(({ name }) => !name.includes('cloakroom')));
};
const reasonsToStayOut = ['login_required', 'interaction_required', 'consent_required', 'account_selection_required'];

describe('a silent login', () => {
  beforeAll(async () => {
    house = await openHouse({ provider: { refreshTokenWithoutConsent: true } });
  });

  beforeEach(() => {
    agent = house.newAgent();
    house.provider.control.recover();
    house.provider.stats.reset();
    house.log.lines.length = 0;
  });

  afterAll(() => house.close());

  it('of somebody who is signed in at the provider comes back to the page, signed in, and shows no other page', async () => {
    await signedInElsewhere();
    house.provider.stats.reset();
    const trail = await agent.navigate(SILENT);
    expect(paths(trail)).toEqual(['/bff/login', '/oauth2/default/v1/authorize', '/bff/callback', '/bff/continue', '/pages/page']);
    expect([trail.page.url, trail.page.status]).toEqual([`${house.origin}/pages/page?a=%2F#x`, 200]);
    expect(await jsonOf(await agent.fetch('/bff/session'))).toMatchObject({ authenticated: true, user: { sub: 'alice' } });
    house.expireAccessToken();
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(house.provider.stats.grants).toEqual({ authorization_code: 1, refresh_token: 1 });
  });

  it('asks with prompt=none alone, whatever is configured', async () => {
    await agent.navigate(SILENT);
    expect(house.config.provider.authorizeParams).toEqual({ prompt: 'consent' });
    expect(house.provider.stats.authorizations.map(({ prompt }) => prompt)).toEqual(['none']);
  });

  it('of nobody in particular comes back with login_required, and shows no sign-in page', async () => {
    const trail = await agent.navigate(SILENT);
    expect(paths(trail)).toEqual(['/bff/login', '/oauth2/default/v1/authorize', '/bff/callback', '/pages/page']);
    expect(trail.page.url).toBe(`${house.origin}/pages/page?a=%2F&login_error=login_required#x`);
    expect(shapesOf(trail.at('/bff/callback')?.setCookies ?? [])).toEqual([ATTEMPT_GONE]);
    expect(await jsonOf(await agent.fetch('/bff/session'))).toMatchObject({ authenticated: false, reason: 'none' });
  });

  it('of a user whose consent is gone comes back with consent_required, in the words of a real provider', async () => {
    await signedInElsewhere();
    house.provider.control.revokeGrants('alice');
    const { page } = await agent.navigate(SILENT);
    expect(queryOf(page.url)).toEqual({ a: '/', login_error: 'consent_required' });
  });

  it.each(reasonsToStayOut)('that ends with %s leaves the session as it was, on every cookie and in every answer', async (error) => {
    await agent.login('alice');
    const before = house.cookiesOf(agent);
    house.log.lines.length = 0;
    house.provider.control.fail('authorization', { kind: 'login-error', error }, 1);
    const trail = await agent.navigate(SILENT);
    expect(paths(trail)).toEqual(['/bff/login', '/oauth2/default/v1/authorize', '/bff/callback', '/pages/page']);
    expect([queryOf(trail.page.url), trail.page.status]).toEqual([{ a: '/', login_error: error }, 200]);
    expect(house.cookiesOf(agent)).toBe(before);
    expect(await jsonOf(await agent.fetch('/bff/session'))).toMatchObject({ authenticated: true, user: { sub: 'alice' } });
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(house.log.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });

  it('that ends with an error nobody registered says "other"', async () => {
    house.provider.control.fail('authorization', { kind: 'login-error', error: '<script>' }, 1);
    const { page } = await agent.navigate(SILENT);
    expect(queryOf(page.url)).toEqual({ a: '/', login_error: 'other' });
  });

  it('never asks twice: the page of a failure names one failure, however often it tries, and a click then signs in', async () => {
    let url = '/pages/page';
    for (let round = 0; round < 3; round++) {
      const trail = await agent.navigate(`/bff/login?prompt=none&returnTo=${encodeURIComponent(url)}`, { initiator: 'user' });
      const { pathname, search } = new URL(trail.page.url);
      url = pathname + search;
      expect([url, trail.hops.length]).toEqual(['/pages/page?login_error=login_required', 4]);
    }
    expect(house.provider.stats.hits.authorization).toBe(3);
    const { page } = await agent.login('alice', { returnTo: url });
    expect(page.url).toBe(`${house.origin}/pages/page`);
  });

  it('that succeeds after one that failed takes the failure off the page', async () => {
    await signedInElsewhere();
    const { page } = await agent.navigate(
      `/bff/login?prompt=none&returnTo=${encodeURIComponent('/pages/page?login_error=login_required&b=1')}`,
    );
    expect(page.url).toBe(`${house.origin}/pages/page?b=1`);
  });

  it('comes back to a page whose URL is as long as it may be, again and again', async () => {
    const page = `/pages/page?q=${'x'.repeat(498)}`;
    let url = page;
    for (let round = 0; round < 2; round++) {
      const trail = await agent.navigate(`/bff/login?prompt=none&returnTo=${encodeURIComponent(url)}`);
      url = trail.page.url.slice(house.origin.length);
      expect([page.length, url]).toEqual([512, `${page}&login_error=login_required`]);
    }
  });

  it('takes the place of the session that was there', async () => {
    await agent.login('alice');
    const before = house.cookiesOf(agent);
    await agent.navigate(SILENT);
    expect(house.cookiesOf(agent)).not.toBe(before);
    expect(verdictOf(await house.call('/api/orders', { cookie: before }))).toEqual([401, 'session_revoked']);
  });

  it('is a navigation of the window: a frame or a script gets no login at all', async () => {
    await signedInElsewhere();
    const login = await agent.fetch(SILENT);
    expect(verdictOf(login)).toEqual([400, 'navigation_required']);
    const framed = await agent.navigate(SILENT, { headers: { 'sec-fetch-dest': 'iframe' } });
    expect(verdictOf(framed.page)).toEqual([400, 'navigation_required']);
    expect([login.headers.getSetCookie(), framed.page.setCookies]).toEqual([[], []]);
  });

  it('at a provider that is down is a page that says so, and the session stays', async () => {
    await agent.login('alice');
    const before = house.cookiesOf(agent);
    const trail = await agent.navigate(SILENT, { until: ({ pathname }) => pathname === '/bff/callback' });
    house.provider.control.fail('token', { kind: 'reset' }, 1);
    const { page } = await agent.navigate(trail.stoppedAt ?? '');
    expect(verdictOf(page)).toEqual([503, 'provider_unavailable']);
    expect(house.cookiesOf(agent)).toBe(before);
  });
});

describe('the parameter of a failed silent login', () => {
  afterEach(() => house.close());

  it('comes back from a provider that posts its answer, too', async () => {
    house = await openHouse({ config: { provider: { responseMode: 'form_post' } } });
    agent = house.newAgent();
    const failed = await agent.navigate(SILENT);
    expect(queryOf(failed.page.url)).toEqual({ a: '/', login_error: 'login_required' });
    await signedInElsewhere();
    const { page } = await agent.navigate(SILENT);
    expect(page.url).toBe(`${house.origin}/pages/page?a=%2F#x`);
  });

  it('is called as configured', async () => {
    house = await openHouse({ config: { login: { silentErrorParam: 'sso' } } });
    const { page } = await house.newAgent().navigate('/bff/login?prompt=none&returnTo=/pages/page%3Fsso=old%26login_error=mine');
    expect(queryOf(page.url)).toEqual({ login_error: 'mine', sso: 'login_required' });
  });
});
