import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { rawExchange, header } from '../support/raw-http.ts';
import { verdictOf } from '../support/wire.ts';

describe('the Host header', () => {
  let house: House;

  beforeAll(async () => {
    house = await openHouse();
  });

  beforeEach(() => house.provider.stats.reset());

  afterAll(() => house.close());

  const NAVIGATION = 'Sec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\nSec-Fetch-Dest: document\r\nAccept: text/html\r\n';
  const ask = (target: string, headers: string, method = 'GET') =>
    rawExchange(house.port, `${method} ${target} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`, { bodiless: method === 'HEAD' });

  it.each(['GET', 'HEAD'])('that is wrong moves a navigation by %s to publicUrl, before any cookie is set', async (method) => {
    const answer = await ask('/bff/login?returnTo=/a%2Fb', `Host: 127.0.0.1:${house.port}\r\n${NAVIGATION}`, method);
    expect([answer.status, header(answer, 'location')]).toEqual([308, `${house.origin}/bff/login?returnTo=/a%2Fb`]);
    expect([header(answer, 'set-cookie'), header(answer, 'cache-control')]).toEqual([undefined, 'no-store']);
    expect(header(answer, 'x-request-id')).toMatch(/^[\w.-]{1,64}$/);
  });

  it('that is wrong leads a browser to a login at the right one', async () => {
    const agent = house.newAgent();
    const { hops } = await agent.navigate(`http://127.0.0.1:${house.port}/bff/login?returnTo=/pages/page`);
    expect(hops.slice(0, 2).map(({ status, url }) => [status, new URL(url).hostname])).toEqual([
      [308, '127.0.0.1'],
      [302, 'localhost'],
    ]);
    const { page } = await agent.signIn('alice');
    expect([page.url, page.status]).toEqual([`${house.origin}/pages/page`, 200]);
  });

  it.each([
    ['a fetch', '/api/orders', 'Host: evil.example\r\nSec-Fetch-Mode: cors\r\n', 'GET'],
    ['a navigation by POST', '/bff/logout', `Host: evil.example\r\n${NAVIGATION}`, 'POST'],
    ['no Host', '/api/orders', NAVIGATION, 'GET'],
    ['an empty Host', '/api/orders', `Host: \r\n${NAVIGATION}`, 'GET'],
    ['two Hosts', '/api/orders', `Host: HERE\r\nHost: HERE\r\n${NAVIGATION}`, 'GET'],
    ['a malformed Host', '/api/orders', `Host: HERE/x\r\n${NAVIGATION}`, 'GET'],
    ['a Host with userinfo', '/api/orders', `Host: x@HERE\r\n${NAVIGATION}`, 'GET'],
    ['an absolute form of another host', 'http://evil.example/api/orders', `Host: HERE\r\n${NAVIGATION}`, 'GET'],
    ['an X-Forwarded-Host of nobody we trust', '/api/orders', 'Host: evil.example\r\nX-Forwarded-Host: HERE\r\n', 'GET'],
  ])('is 421 wrong_host for %s, without a cookie', async (_what, target, headers, method) => {
    const answer = await ask(target, headers.replaceAll('HERE', `localhost:${house.port}`), method);
    expect([answer.status, header(answer, 'cloakroom-error'), header(answer, 'set-cookie')]).toEqual([421, 'wrong_host', undefined]);
    expect(header(answer, 'cache-control')).toBe('no-store');
  });

  it.each([
    ['in capitals', 'LOCALHOST:PORT'],
    ['as it is', 'localhost:PORT'],
  ])('passes %s', async (_how, host) => {
    const answer = await ask('/bff/session', `Host: ${host.replace('PORT', String(house.port))}\r\n`);
    expect(answer.status).toBe(200);
  });

  it('is judged before the path', async () => {
    const answer = await ask('/api/..%2f', 'Host: evil.example\r\n');
    expect([answer.status, header(answer, 'cloakroom-error')]).toEqual([421, 'wrong_host']);
  });
});

describe.each([
  ['behind an ingress that keeps the path', false],
  ['behind an ingress that takes the path off', true],
])('a publicUrl with a path, %s', (_where, ingressStripsPath) => {
  let house: House;

  beforeAll(async () => {
    house = await openHouse({ publicPath: '/shop/app', ingressStripsPath });
  });

  beforeEach(() => {
    house.provider.stats.reset();
    house.api.reset();
  });

  afterAll(() => house.close());

  it('has everything below it: login, deep link, API, session, logout', async () => {
    const agent = house.newAgent();
    const trail = await agent.login('alice', { returnTo: '/shop/app/pages/page?x=1' });
    const ours = trail.hops.filter(({ url }) => url.startsWith(house.origin));
    expect(ours.map(({ url, status }) => [new URL(url).pathname, status])).toEqual([
      ['/shop/app/bff/login', 302],
      ['/shop/app/bff/callback', 200],
      ['/shop/app/bff/continue', 303],
      ['/shop/app/pages/page', 200],
    ]);
    expect(house.provider.stats.authorizations[0]).toMatchObject({ redirect_uri: `${house.origin}/shop/app/bff/callback` });
    expect(
      agent
        .cookies()
        .filter(({ name }) => name.includes('cloakroom'))
        .map(({ name, path }) => [name, path]),
    ).toEqual([
      ['__Host-Http-cloakroom', '/'],
      ['__Secure-cloakroom-hint', '/shop/app/bff/logout'],
    ]);

    expect((await agent.fetch('/shop/app/api/orders?a=1')).status).toBe(200);
    expect(house.api.requests.map(({ url }) => url)).toEqual(['/page?x=1', '/orders?a=1']);

    const session: unknown = await (await agent.fetch('/shop/app/bff/session')).json();
    expect(session).toMatchObject({ authenticated: true, logoutUrl: expect.stringMatching(/^\/shop\/app\/bff\/logout\?id=/) });

    const out: unknown = await (await agent.fetch('/shop/app/bff/logout', { method: 'POST' })).json();
    const { redirectTo } = out as { redirectTo: string };
    const left = await agent.navigate(redirectTo, { initiator: 'page', until: (url) => url.pathname === '/shop/app/' });
    expect(left.urls.map((url) => new URL(url).pathname)).toEqual([
      '/shop/app/bff/logout/provider',
      '/oauth2/default/v1/logout',
      '/shop/app/bff/logged-out',
    ]);
    expect(left.stoppedAt).toBe(`${house.origin}/shop/app/`);
    expect(verdictOf(await agent.fetch('/shop/app/api/orders'))).toEqual([401, 'not_logged_in']);
  });

  it('says so in loginUrl', async () => {
    const answer: unknown = await (await house.newAgent().fetch('/shop/app/api/orders')).json();
    expect(answer).toMatchObject({ code: 'not_logged_in', loginUrl: '/shop/app/bff/login' });
  });

  it.each(['/', '/shop', '/shop/application', '/pages/page', '/shop/app/bff/login', 'https://evil.example/shop/app/'])(
    'does not lead outside of itself: returnTo %j leads home',
    async (returnTo) => {
      const agent = house.newAgent();
      const { page } = await agent.login('alice', { returnTo });
      expect(page.url).toBe(`${house.origin}/shop/app/`);
    },
  );

  it('leads a navigation to a wrong host to the same page at the right one', async () => {
    const agent = house.newAgent();
    const port = new URL(house.origin).port;
    const { hops } = await agent.navigate(`http://127.0.0.1:${port}/shop/app/pages/page?x=1`);
    expect([hops[0]?.status, hops[0]?.headers.get('location')]).toEqual([308, `${house.origin}/shop/app/pages/page?x=1`]);
  });
});

describe('a publicUrl with a path that the ingress keeps', () => {
  it('serves nothing beside it', async () => {
    const house = await openHouse({ publicPath: '/shop/app' });
    try {
      const agent = house.newAgent();
      for (const path of ['/', '/bff/session', '/api/orders', '/shop', '/shop/application/bff/session']) {
        expect(verdictOf(await agent.fetch(path))).toEqual([404, 'route_not_found']);
      }
    } finally {
      await house.close();
    }
  });
});
