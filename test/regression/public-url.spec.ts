import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { shapesOf } from '../support/set-cookie.ts';
import { jsonOf, queryOf } from '../support/wire.ts';

const SPOOFED_WITHOUT_HOST = {
  'x-forwarded-proto': 'http',
  'x-forwarded-for': '6.6.6.6',
  'x-forwarded-port': '666',
  'x-forwarded-prefix': '/evil',
  'x-original-url': '/bff/evil',
  'x-forwarded-uri': '/bff/evil',
  forwarded: 'for=6.6.6.6;host=evil.example;proto=http',
  'front-end-https': 'off',
};
const SPOOFED = { ...SPOOFED_WITHOUT_HOST, 'x-forwarded-host': 'evil.example' };
const NAVIGATES = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' };

describe.each([
  ['a stranger', []],
  ['a trusted proxy', ['127.0.0.0/8', '::1/128']],
])('A50 CVE-2026-3635: publicUrl alone names this application, whatever %s says', (_, trustedProxies) => {
  let house: House;
  beforeAll(async () => (house = await openHouse({ config: { trustedProxies } })));
  afterAll(() => house.close());

  const spoofed = (path: string, more: Readonly<Record<string, string>> = {}): Promise<Response> => {
    const host = trustedProxies.length === 0 ? SPOOFED : { ...SPOOFED, 'x-forwarded-host': new URL(house.origin).host };
    return house.call(path, { headers: { ...NAVIGATES, ...host, ...more } });
  };

  it('in redirect_uri and in the flags of the cookie of an attempt', async () => {
    const plain = await house.call('/bff/login', { headers: NAVIGATES });
    const answer = await spoofed('/bff/login');
    expect([answer.status, queryOf(answer.headers.get('location') ?? '')['redirect_uri']]).toEqual([302, `${house.origin}/bff/callback`]);
    expect(shapesOf(answer.headers.getSetCookie())).toEqual(shapesOf(plain.headers.getSetCookie()));
    expect(shapesOf(answer.headers.getSetCookie())[0]).toContain('; Secure; HttpOnly; SameSite=Lax');
  });

  it('in the way back of a login', async () => {
    const answer = await spoofed('/bff/login?returnTo=https://evil.example/');
    expect(answer.headers.get('location')).not.toContain('evil');
  });

  it('in loginUrl and in pages', async () => {
    const problem = await jsonOf(await spoofed('/bff/session', { 'sec-fetch-mode': 'cors', accept: '*/*' }));
    expect(problem['loginUrl']).toBe('/bff/login');
    expect(await (await spoofed('/api/x')).text()).not.toMatch(/evil|6\.6\.6\.6/);
  });

  it('in a whole login, in the session’s cookie and in the logout', async () => {
    const agent = house.newAgent();
    const trail = await agent.login('alice', { headers: SPOOFED_WITHOUT_HOST });
    const set = trail.hops.flatMap(({ setCookies }) => setCookies).filter((it) => it.includes('cloakroom'));
    expect(set.length).toBeGreaterThan(1);
    expect(set.filter((it) => !it.includes('; Secure; HttpOnly; SameSite=') || it.includes('evil'))).toEqual([]);
    const out = await agent.fetch('/bff/logout', { method: 'POST', headers: SPOOFED_WITHOUT_HOST });
    expect(String((await jsonOf(out))['redirectTo'])).toMatch(/^\/bff\/logout\/provider\?id=/);
  });
});
