import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { headerOf, queryOf, verdictOf } from '../support/wire.ts';

let house: House;
const toProvider = (url: URL): boolean => url.origin === house.provider.origin;

beforeAll(async () => {
  house = await openHouse();
});

beforeEach(() => {
  house.provider.stats.reset();
  house.api.reset();
});

afterAll(() => house.close());

const NAVIGATE = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' };
const SCRIPT = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', accept: '*/*' };

describe('the start of a login', () => {
  it.each([
    ['a script', SCRIPT],
    ['an image', { ...SCRIPT, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', accept: 'image/*' }],
    ['a frame', { ...NAVIGATE, 'sec-fetch-dest': 'iframe' }],
    ['an object', { ...NAVIGATE, 'sec-fetch-dest': 'object' }],
    ['a prefetch', { ...NAVIGATE, 'sec-purpose': 'prefetch' }],
    ['a prerender', { ...NAVIGATE, 'sec-purpose': 'prefetch;prerender' }],
    ['an old prefetch', { ...NAVIGATE, purpose: 'prefetch' }],
    ['a prefetch of Firefox', { ...NAVIGATE, 'x-moz': 'prefetch' }],
  ])('is refused to %s, and sets no cookie', async (_who, headers) => {
    const answer = await house.newAgent().fetch('/bff/login', { headers });
    expect(verdictOf(answer)).toEqual([400, 'navigation_required']);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('location')).toBeNull();
  });

  it.each([
    ['a typed address', { ...NAVIGATE, 'sec-fetch-site': 'none' }],
    ['a link on another site', { ...NAVIGATE, 'sec-fetch-site': 'cross-site' }],
    ['a service worker or a download', { ...NAVIGATE, 'sec-fetch-dest': 'empty' }],
  ])('is open to %s', async (_who, headers) => {
    const answer = await house.newAgent().fetch('/bff/login', { headers });
    expect(verdictOf(answer)).toEqual([302, null]);
    expect(answer.headers.getSetCookie()).toHaveLength(1);
  });

  it('is open to an old Safari, which sends no Sec-Fetch headers, for a page and not for a script', async () => {
    const safari = house.newAgent({ fetchMetadata: false });
    const page = await safari.navigate('/bff/login', { until: toProvider });
    const script = await safari.fetch('/bff/login', { headers: { accept: 'application/json' } });
    expect([verdictOf(page.page), verdictOf(script)]).toEqual([
      [302, null],
      [400, 'navigation_required'],
    ]);
  });

  it('signs an old Safari in', async () => {
    const safari = house.newAgent({ fetchMetadata: false });
    const { page } = await safari.login('alice', { returnTo: '/pages/page' });
    expect([page.url, page.status]).toEqual([`${house.origin}/pages/page`, 200]);
  });

  it.each(['POST', 'HEAD', 'OPTIONS', 'PUT'])('knows no %s', async (method) => {
    const answer = await house.newAgent().fetch('/bff/login', { method, headers: NAVIGATE });
    expect([...verdictOf(answer), answer.headers.get('allow')]).toEqual([405, 'method_not_allowed', 'GET']);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });
});

describe('500 requests of somebody who is not signed in', () => {
  const KINDS: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
    ['a fetch of the API', '/api/orders', SCRIPT],
    ['a fetch of the session', '/bff/session', SCRIPT],
    ['a prefetch of the login', '/bff/login', { ...NAVIGATE, 'sec-purpose': 'prefetch' }],
    ['a prefetch of a page', '/pages/page', { ...NAVIGATE, 'sec-purpose': 'prefetch' }],
    ['a favicon', '/favicon.ico', { ...SCRIPT, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
    ['an image', '/api/logo.png', { ...SCRIPT, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
    ['a service worker', '/sw.js', { ...SCRIPT, 'sec-fetch-mode': 'same-origin', 'sec-fetch-dest': 'serviceworker' }],
    ['a login in a frame', '/bff/login?prompt=none', { ...NAVIGATE, 'sec-fetch-dest': 'iframe' }],
    ['a page', '/pages/page', NAVIGATE],
    ['a page without a route', '/', NAVIGATE],
  ];

  it('leave not one cookie and never reach the provider or the API', async () => {
    const agent = house.newAgent();
    const statuses = new Map<string, Set<number>>();
    for (let round = 0; round < 50; round++) {
      const answers = await Promise.all(KINDS.map(async ([kind, path, headers]) => [kind, await agent.fetch(path, { headers })] as const));
      for (const [kind, answer] of answers) {
        expect(answer.headers.getSetCookie()).toEqual([]);
        statuses.set(kind, (statuses.get(kind) ?? new Set()).add(answer.status));
      }
    }
    expect([...statuses].map(([kind, seen]) => [kind, [...seen]])).toEqual([
      ['a fetch of the API', [401]],
      ['a fetch of the session', [200]],
      ['a prefetch of the login', [400]],
      ['a prefetch of a page', [401]],
      ['a favicon', [404]],
      ['an image', [401]],
      ['a service worker', [404]],
      ['a login in a frame', [400]],
      ['a page', [401]],
      ['a page without a route', [404]],
    ]);
    expect(agent.cookies()).toEqual([]);
    expect(house.provider.stats.authorizations).toEqual([]);
    expect(house.api.requests).toEqual([]);
  });
});

describe('parameters of a login', () => {
  const start = async (query: string): Promise<UserAgent['page']> =>
    (await house.newAgent().navigate(`/bff/login?${query}`, { until: toProvider })).page;

  it('pass when they are on the list, and a prompt joins the configured one', async () => {
    const page = await start('prompt=login&login_hint=alice%40example.com&max_age=60&acr_values=urn%3Aa%20urn%3Ab&ui_locales=de');
    expect(queryOf(headerOf(page, 'location'))).toMatchObject({
      prompt: 'login consent',
      login_hint: 'alice@example.com',
      max_age: '60',
      acr_values: 'urn:a urn:b',
      ui_locales: 'de',
    });
  });

  it('leave prompt=none alone, as the specification demands', async () => {
    expect(queryOf(headerOf(await start('prompt=none'), 'location'))['prompt']).toBe('none');
  });

  it('cannot change what belongs to the login itself', async () => {
    const honest = queryOf(headerOf(await start(''), 'location'));
    const hostile = new URLSearchParams({
      client_id: 'evil',
      redirect_uri: 'https://evil.example/cb',
      response_type: 'token',
      response_mode: 'fragment',
      scope: 'admin',
      state: 'fixed',
      nonce: 'fixed',
      code_challenge: 'fixed',
      code_challenge_method: 'plain',
      request: 'ey',
      request_uri: 'https://evil.example/request',
      audience: 'other',
      unknown: 'x',
    });
    const asked = queryOf(headerOf(await start(hostile.toString()), 'location'));
    expect(Object.keys(asked).sort()).toEqual(Object.keys(honest).sort());
    for (const name of ['client_id', 'redirect_uri', 'response_type', 'scope', 'code_challenge_method'])
      expect(asked[name]).toBe(honest[name]);
    expect(Object.values(asked)).not.toContain('fixed');
  });

  it.each(['returnTo', 'prompt', 'login_hint', 'max_age', 'acr_values', 'ui_locales', 'iss', 'target_link_uri'])(
    'are refused when %s comes twice',
    async (name) => {
      const page = await start(`${name}=1&${name}=1`);
      expect(verdictOf(page)).toEqual([400, 'bad_request']);
      expect(page.setCookies).toEqual([]);
    },
  );

  it('hidden in returnTo stay there', async () => {
    const page = await start(`returnTo=${encodeURIComponent('/a?b=c&prompt=none&redirect_uri=https://evil.example')}`);
    const asked = queryOf(headerOf(page, 'location'));
    expect([asked['prompt'], asked['redirect_uri']]).toEqual(['consent', `${house.origin}/bff/callback`]);
  });

  it('of a login that began at the provider name our issuer and a page of ours', async () => {
    const link = `${house.origin}/pages/page?from=provider`;
    const agent = house.newAgent();
    const query = new URLSearchParams({ iss: house.provider.issuer, target_link_uri: link, login_hint: 'alice' });
    await agent.navigate(`/bff/login?${query.toString()}`, { initiator: new URL(house.provider.origin) });
    const { page } = await agent.signIn('alice');
    expect([page.url, page.status]).toEqual([link, 200]);
  });

  it('with the issuer of somebody else end the login before it begins', async () => {
    const page = await start(`iss=${encodeURIComponent('https://other.example')}`);
    expect(verdictOf(page)).toEqual([400, 'login_failed']);
    expect(page.body).toContain('issuer_mismatch');
    expect(page.setCookies).toEqual([]);
  });
});

describe('returnTo', () => {
  const ATTACKS: readonly string[] = [
    // A1
    ...['//evil.example', '///evil.example', '////evil.example'],
    // A2
    ...['/\\evil.example', '\\/evil.example', '\\\\evil.example', '\\evil.example'],
    // A3
    ...['/\t/evil.example', '/\n/evil.example', '/\r/evil.example', '/\u000b\\evil.example', '/ /evil.example', '/\t\t//evil.example'],
    ...['/%09/evil.example', '/%0a/evil.example', '/%5cevil.example', '/%2fevil.example', '/%2F%2Fevil.example'],
    // A4
    ...['/./\\evil.example', '/./../../\\evil.example', '/.//evil.example', '/a/..//evil.example', '/%2e/%2e%2e//evil.example'],
    // A5
    ...[
      'https:evil.example',
      'https:/evil.example',
      'https:///evil.example',
      'http://evil.example\\@app.example.com',
      'https://evil.example',
    ],
    ...['https://app.example.com@evil.example', 'https://app.example.com.evil.example', 'http:evil.example'],
    // A6, A7
    ...['http://localhost.evil.example/', 'http://evil-localhost/', 'http://localhost:1/', 'http://user@localhost/', 'http://[::1]/'],
    ...['http://xn--lcalhost-4yg/', 'http://%6c%6fcalhost/', 'http://localhost./', '//localhost:1/', '//user@localhost/'],
    // A8
    ...['javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'java\nscript:alert(1)', 'data:text/html,x', 'vbscript:x', '/\tjavascript:alert(1)'],
    // A10
    ...[`/${'x'.repeat(2048)}`, '/\u0000', '/a\u0000b', '/a%00b', ' /a', '', 'null', '[object Object]'],
    // A11
    ...[
      '/bff/login',
      '/bff/logout',
      '/bff/callback',
      '/bff',
      '/bff/',
      '/%62ff/login',
      '/a/../bff/login',
      '/bff/../bff/logout?id=1',
      '/./bff/session',
    ],
    // A17
    ...['orders', '../orders', '?a=b', '#a'],
  ];

  it.each(ATTACKS)('%j leads home', async (returnTo) => {
    const agent = house.newAgent();
    const { page } = await agent.navigate(`/bff/login?returnTo=${encodeURIComponent(returnTo)}`, { until: toProvider });
    expect(page.status).toBe(302);
    const { page: last } = await agent.navigate(headerOf(page, 'location'));
    expect(last.status).toBe(200);
    const back = await agent.signIn('alice', { until: (url) => url.pathname === '/bff/continue' });
    expect(new URL(back.stoppedAt ?? '').searchParams.get('returnTo')).toBe('/');
    const end = await agent.navigate(back.stoppedAt ?? '', { initiator: 'page' });
    expect(end.page.url).toBe(`${house.origin}/`);
  });

  it.each(ATTACKS)('%j leads home from continue and from logged-out too', async (returnTo) => {
    const agent = house.newAgent();
    await agent.login('alice');
    const query = `returnTo=${encodeURIComponent(returnTo)}&state=${encodeURIComponent(returnTo)}`;
    const goOn = await agent.navigate(`/bff/continue?${query}`, { until: (url) => url.pathname === '/' });
    const out = await agent.navigate(`/bff/logged-out?${query}`, { until: (url) => url.pathname === '/' });
    expect([goOn.page.headers.get('location'), out.page.headers.get('location')]).toEqual(['/', '/']);
  });

  it('is never taken from a header', async () => {
    const agent = house.newAgent();
    const headers = {
      referer: `${house.origin}/pages/page`,
      'x-forwarded-uri': '/pages/page',
      'x-auth-request-redirect': '/pages/page',
      rd: '/pages/page',
    };
    await agent.navigate('/bff/login', { headers });
    const { page } = await agent.signIn('alice');
    expect(page.url).toBe(`${house.origin}/`);
  });

  it.each([
    ['/pages/page?q=1%2F2&r=ä', '/pages/page?q=1%2F2&r=%C3%A4'],
    ['/pages/page/../page?x#a/../b', '/pages/page?x#a/../b'],
    ['/bffs', '/bffs'],
  ])('%j leads to %j', async (returnTo, expected) => {
    const { page } = await house.newAgent().login('alice', { returnTo });
    expect(page.url).toBe(house.origin + expected);
  });
});
