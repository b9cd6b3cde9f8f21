import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { shapesOf } from '../support/set-cookie.ts';
import type { Trail } from '../support/user-agent.ts';
import { verdictOf } from '../support/wire.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe('provider.responseMode form_post', () => {
  let house: House;

  beforeAll(async () => {
    house = await openHouse({ config: { provider: { responseMode: 'form_post' } } });
  });

  beforeEach(() => house.provider.stats.reset());

  afterAll(() => house.close());

  const begin = async (): Promise<Trail> => house.newAgent().login('alice', { returnTo: '/pages/page?x=1' });

  it('brings the authorization response in a cross-site POST, and ends on the deep link', async () => {
    const trail = await begin();
    const callback = trail.at('/bff/callback');
    expect([callback?.method, callback?.status, callback?.url]).toEqual(['POST', 200, `${house.origin}/bff/callback`]);
    expect([trail.page.url, trail.page.status]).toEqual([`${house.origin}/pages/page?x=1`, 200]);
    expect(house.provider.stats.authorizations[0]).toMatchObject({ response_mode: 'form_post' });
    expect(house.provider.stats.tokenRequests).toHaveLength(1);
  });

  it('keeps the attempt in a cookie that a cross-site POST carries', async () => {
    const trail = await begin();
    expect(shapesOf(trail.at('/bff/login')?.setCookies ?? [])).toEqual([
      '__Host-Http-cloakroom-login.<id>=…; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=None',
    ]);
    expect(trail.at('/bff/callback')?.sentCookies.map((name) => name.replace(/[^.]*$/, '<id>'))).toEqual([
      '__Host-Http-cloakroom-login.<id>',
    ]);
    expect(shapesOf(trail.at('/bff/callback')?.setCookies ?? []).at(-1)).toBe(
      '__Host-Http-cloakroom-login.<id>=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=None',
    );
  });

  it('sends a refused login to a page as well', async () => {
    const { page } = await house.newAgent().login('carol');
    expect(verdictOf(page)).toEqual([400, 'login_failed']);
    expect(page.body).toContain('access_denied');
  });

  it('offers a new login when the provider is down, because a form cannot be linked to', async () => {
    const agent = house.newAgent();
    house.provider.control.fail('token', { kind: 'status', status: 503 });
    const { page } = await agent.login('alice', { returnTo: '/pages/page?x=1' });
    house.provider.control.recover();
    expect(verdictOf(page)).toEqual([503, 'provider_unavailable']);
    expect(page.body).toContain('<a class="go" href="/bff/login?returnTo=%2Fpages%2Fpage%3Fx%3D1">Try again</a>');
    const again = await agent.navigate('/bff/login?returnTo=%2Fpages%2Fpage%3Fx%3D1', { initiator: 'page' });
    expect([again.page.url, again.page.status]).toEqual([`${house.origin}/pages/page?x=1`, 200]);
  });

  it.each([
    ['a body that is no form', { 'content-type': 'application/json' }, '{"code":"x","state":"y"}', 415, 'unsupported_media_type'],
    ['a body of 17 KiB', FORM, `code=${'x'.repeat(17 * 1024)}`, 413, 'payload_too_large'],
    ['two states', FORM, 'code=x&state=a&state=b', 400, 'login_failed'],
    ['a code and no state', FORM, 'code=x', 400, 'login_failed'],
    ['no attempt', FORM, 'code=x&state=forged', 200, null],
    ['nothing', FORM, '', 200, null],
  ])('answers %s without asking the provider', async (_what, headers, body, status, code) => {
    const answer = await house
      .newAgent()
      .fetch('/bff/callback', { method: 'POST', headers, body, initiator: new URL(house.provider.origin) });
    expect(verdictOf(answer)).toEqual([status, code]);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(house.provider.stats.hits.token).toBeUndefined();
  });
});

describe('provider.responseMode query', () => {
  it('knows no POST at the callback', async () => {
    const house = await openHouse();
    try {
      const answer = await house.newAgent().fetch('/bff/callback', { method: 'POST', headers: FORM, body: 'code=x&state=y' });
      expect([...verdictOf(answer), answer.headers.get('allow')]).toEqual([405, 'method_not_allowed', 'GET']);
    } finally {
      await house.close();
    }
  });
});
