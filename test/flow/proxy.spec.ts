import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { told } from '../support/answers.ts';
import { openHouse, type CallOptions, type House } from '../support/house.ts';
import { header, headers, rawExchange, type RawAnswer } from '../support/raw-http.ts';

const SESSION = '__Host-Http-cloakroom';
const NAVIGATE = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html,*/*;q=0.8' } as const;
const OLD_BROWSER = { 'sec-fetch-site': '', 'sec-fetch-mode': '', 'sec-fetch-dest': '' } as const;

describe('a route, end to end', () => {
  let house: House;
  let cookie: string;

  beforeAll(async () => {
    const routes = (upstream: string) => [
      { path: '/api', upstream, stripPrefix: true },
      { path: '/api/whole', upstream },
      { path: '/cookies', upstream, stripPrefix: true, cookies: ['theme'], setCookie: ['theme'] },
      { path: '/small', upstream, stripPrefix: true, maxBody: '1KiB', methods: ['GET', 'POST'] },
      { path: '/files', upstream, stripPrefix: true, allowEncodedSlash: true },
      { path: '/public', upstream, stripPrefix: true, token: 'none' },
      { path: '/maybe', upstream, stripPrefix: true, token: 'optional' },
      { path: '/staff', upstream, stripPrefix: true, access: { allow: [{ claim: 'sub', anyOf: ['erin'] }] } },
      { path: '/mailed', upstream, stripPrefix: true, navigation: 'allow' },
    ];
    house = await openHouse({ routes });
    const agent = house.newAgent();
    await agent.login('alice');
    cookie = house.cookiesOf(agent);
  });

  beforeEach(() => house.api.reset());
  afterAll(() => house.close());

  const call = (path: string, more: CallOptions = {}): Promise<Response> => house.call(path, { cookie, ...more });
  const received = (): House['api']['requests'][number] => {
    const [one, ...more] = house.api.requests;
    if (one === undefined || more.length > 0) throw new Error(`${String(house.api.requests.length)} requests reached the API`);
    return one;
  };
  const host = (): string => new URL(house.origin).host;
  const raw = (lines: readonly string[], body = ''): Promise<RawAnswer> =>
    rawExchange(house.port, [...lines, '', body].join('\r\n'), { bodiless: lines[0]?.startsWith('HEAD') === true });

  describe('what reaches the API', () => {
    it('is the bearer, no cookie, none of the client’s credentials, and forwarding headers of ours alone', async () => {
      const answer = await raw([
        'GET /api/orders?a=1&b=%2F HTTP/1.1',
        `Host: ${host()}`,
        `Cookie: theme=dark; ${cookie}; ${SESSION}.7=x; __Secure-cloakroom-hint=x; __Host-Http-cloakroom-login.abc=x`,
        'Sec-Fetch-Site: same-origin',
        'Authorization: Bearer stolen',
        'Connection: close, Authorization, X-User, Cookie, X-Forwarded-For',
        'Proxy-Authorization: Basic abc',
        'Keep-Alive: timeout=1',
        'TE: trailers',
        'X-Forwarded-For: 6.6.6.6',
        'X-Forwarded-Host: evil.example',
        'X-Forwarded-Proto: gopher',
        'X_Forwarded_User: admin',
        'X-Forwarded-User: admin',
        'X-Original-URL: /admin',
        'X-Rewrite-URL: /admin',
        'X-Real-IP: 6.6.6.6',
        'Forwarded: for=6.6.6.6',
        'X-CSRF: 1',
        'X-Request-Id: chosen-by-the-client',
        'X-Custom: kept',
        'Referer: http://localhost/page',
      ]);
      expect(answer.status).toBe(200);
      const seen = received();
      expect([seen.url, seen.cookie, seen.headers['x-custom'], seen.headers['referer']]).toEqual([
        '/orders?a=1&b=%2F',
        false,
        'kept',
        'http://localhost/page',
      ]);
      expect(seen.bearer).toEqual({ fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/), expiresIn: null });
      expect(seen.headerNames.filter((name) => name === 'authorization')).toHaveLength(1);
      expect(seen.headers).toMatchObject({
        host: new URL(house.api.origin).host,
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': host(),
        forwarded: `for=127.0.0.1;host="${host()}";proto=http`,
        'x-request-id': header(answer, 'x-request-id'),
      });
      expect(seen.headers['x-request-id']).not.toBe('chosen-by-the-client');
      for (const gone of [
        'te',
        'proxy-authorization',
        'x_forwarded_user',
        'x-forwarded-user',
        'x-original-url',
        'x-rewrite-url',
        'x-real-ip',
        'x-csrf',
      ])
        expect(seen.headerNames).not.toContain(gone);
    });

    it('is the path without the prefix, or whole, by the route that matches longest', async () => {
      for (const [path, url] of [
        ['/api', '/'],
        ['/api/', '/'],
        ['/api/a%20b', '/a%20b'],
        ['/api/whole/x', '/api/whole/x'],
        ['/api/wholesome', '/wholesome'],
        ['/%61pi/x', '/x'],
        ['/files/a%2Fb', '/a%2Fb'],
      ] as const) {
        house.api.reset();
        expect((await call(path)).status).toBe(200);
        expect(received().url).toBe(url);
      }
      expect((await call('/apiary')).status).toBe(404);
      expect((await call('/API/x')).status).toBe(404);
    });

    it('is a cookie of the client only where the route names it, and none of ours ever', async () => {
      await call('/api/x', { cookie: `theme=dark; ${cookie}` });
      expect(received().cookie).toBe(false);
      house.api.reset();
      await call('/cookies/x', { cookie: `theme=dark; other=1; ${cookie}` });
      expect(received().cookie).toBe(true);
    });

    it('is one request, whatever a chunked DELETE has in its body', async () => {
      const smuggled = 'GET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
      const first = ['/api/delete', '/api/again'].map((path) =>
        raw(
          [
            `DELETE ${path} HTTP/1.1`,
            `Host: ${host()}`,
            `Cookie: ${cookie}`,
            'Sec-Fetch-Site: same-origin',
            'Transfer-Encoding: chunked',
            'Connection: close',
          ],
          `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
        ),
      );
      expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200]);
      expect((await call('/api/after')).status).toBe(200);
      expect(house.api.requests.map(({ method, url }) => `${method} ${url}`).sort()).toEqual([
        'DELETE /again',
        'DELETE /delete',
        'GET /after',
      ]);
    });

    it.each([
      { expect: '100-continue' },
      { upgrade: 'h2c' },
      { upgrade: 'foo', connection: 'upgrade' },
      { 'proxy-connection': 'keep-alive' },
      { 'keep-alive': '300' },
      { te: 'trailers', connection: 'TE' },
    ])('comes through with $headers that a client added, and the bearer is still ours', async (headers) => {
      const answer = await call('/api/upload', { method: 'POST', body: 'abc', headers: { ...headers, authorization: 'Bearer stolen' } });
      expect([answer.status, ((await answer.json()) as { bytes: number }).bytes]).toEqual([200, 3]);
      expect(received().headerNames.filter((name) => name in headers || name === 'cookie')).toEqual(
        ['connection'].filter((it) => it in headers),
      );
      expect(received().headerNames.filter((name) => name === 'authorization')).toHaveLength(1);
    });

    it.each(['/public', '/maybe'])('has no bearer from the client on %s either', async (path) => {
      await house.call(`${path}/x`, { headers: { authorization: 'Bearer stolen' } });
      expect(received().bearer).toBe(false);
    });
  });

  describe('without a session', () => {
    it.each([
      { what: 'fetch', headers: { accept: '*/*' } },
      { what: 'axios', headers: { accept: 'application/json, text/plain, */*' } },
      { what: 'EventSource', headers: { accept: 'text/event-stream', 'cache-control': 'no-cache' } },
      { what: '<img>', headers: { accept: 'image/avif,image/webp,*/*;q=0.8', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' } },
      { what: '<script>', headers: { accept: '*/*', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' } },
      { what: 'a script that wants HTML', headers: { accept: 'text/html' } },
      { what: 'curl', headers: { ...OLD_BROWSER, accept: '*/*', 'user-agent': 'curl/8.5.0' } },
      { what: 'OPTIONS', method: 'OPTIONS', headers: {} },
      { what: 'HEAD', method: 'HEAD', headers: {} },
      { what: 'a POST of a script', method: 'POST', headers: {} },
      { what: 'an upgrade that is no WebSocket', headers: { connection: 'upgrade', upgrade: 'h2c' } },
    ])('$what gets a 401 problem, never a redirect', async ({ method = 'GET', headers: own }) => {
      const sent = Object.entries({ 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', ...own });
      const lines = sent.flatMap(([name, value]) => (value === '' ? [] : [`${name}: ${value}`]));
      const answer = await raw([`${method} /api/x HTTP/1.1`, `Host: ${host()}`, ...lines]);
      expect([answer.status, header(answer, 'cloakroom-error'), header(answer, 'content-type')]).toEqual([
        401,
        'not_logged_in',
        'application/problem+json',
      ]);
      expect([header(answer, 'location'), header(answer, 'www-authenticate'), headers(answer, 'set-cookie')]).toEqual([
        undefined,
        undefined,
        [],
      ]);
      expect(header(answer, 'cache-control')).toBe('no-store');
      expect(answer.lines.filter(([name]) => name.startsWith('access-control-'))).toEqual([]);
      if (method !== 'HEAD') {
        expect(JSON.parse(answer.body)).toEqual({
          type: 'urn:cloakroom:problem:not_logged_in',
          title: 'Not logged in',
          status: 401,
          code: 'not_logged_in',
          detail: 'No session cookie was sent.',
          requestId: header(answer, 'x-request-id'),
          loginUrl: '/bff/login',
        });
      }
      expect(house.api.requests).toEqual([]);
    });

    it.each([
      { what: 'a navigation', headers: NAVIGATE },
      { what: 'a navigation of an old browser', headers: { ...OLD_BROWSER, accept: 'text/html' } },
    ])('$what gets a page that leads to the login and back', async ({ headers: own }) => {
      const sent = Object.entries({ 'sec-fetch-site': 'none', ...own }).flatMap(([name, value]) =>
        value === '' ? [] : [`${name}: ${value}`],
      );
      const answer = await raw(['GET /api/report?year=1&x="> HTTP/1.1', `Host: ${host()}`, ...sent]);
      expect([answer.status, header(answer, 'cloakroom-error'), header(answer, 'content-type')]).toEqual([
        401,
        'not_logged_in',
        'text/html; charset=utf-8',
      ]);
      expect(answer.body).toContain(`/bff/login?returnTo=${encodeURIComponent('/api/report?year=1&x=')}`);
      expect(answer.body).not.toContain('x=">');
      expect(header(answer, 'content-security-policy')).toContain("default-src 'none'");
    });

    it('goes upstream without a bearer where the route’s token is optional or none', async () => {
      expect((await house.call('/maybe/x')).status).toBe(200);
      expect((await house.call('/public/x')).status).toBe(200);
      expect(house.api.requests.map(({ bearer, cookie: any }) => [bearer, any])).toEqual([
        [false, false],
        [false, false],
      ]);
      house.api.reset();
      await call('/maybe/x');
      expect(received().bearer).not.toBe(false);
    });

    it('a WebSocket handshake is answered and closed, never a redirect', async () => {
      const upgrade = (origin: string): Promise<RawAnswer> =>
        raw([
          'GET /api/socket HTTP/1.1',
          `Host: ${host()}`,
          `Origin: ${origin}`,
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        ]);
      for (const origin of ['https://evil.example', 'null', `${house.origin}.evil.example`]) {
        const answer = await upgrade(origin);
        expect([answer.status, header(answer, 'cloakroom-error'), header(answer, 'connection')]).toEqual([403, 'origin_refused', 'close']);
      }
      const answer = await upgrade(house.origin);
      expect([answer.status, header(answer, 'cloakroom-error'), header(answer, 'location')]).toEqual([401, 'not_logged_in', undefined]);
      expect(house.api.requests).toEqual([]);
    });
  });

  describe('what comes back', () => {
    it('a 401 of the upstream is the upstream’s: no code of ours, no cookie taken', async () => {
      const answer = await call('/api/status/401');
      expect(told(answer)).toEqual({ status: 401, code: undefined, set: [], cleared: [], retryAfter: undefined });
      const forged = await call('/api/forged-error');
      expect(told(forged)).toMatchObject({ status: 401, code: undefined });
      expect((await call('/api/x')).status).toBe(200);
    });

    it('has no CORS headers, no cookies that are not allowed, and is private', async () => {
      const cors = await call('/api/cors');
      expect([...cors.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
      expect((await call('/api/set-cookie')).headers.getSetCookie()).toEqual([]);
      const allowed = (await call('/cookies/set-cookie')).headers.getSetCookie();
      expect(allowed).toEqual([expect.stringMatching(/^theme=dark; Path=\/cookies/)]);
      expect(allowed.join()).not.toContain('Domain');
      const page = await call('/api/page');
      expect([page.headers.get('cache-control'), page.headers.get('vary')]).toEqual(['private', 'Cookie']);
    });

    it('redirects within the upstream lead back through the route, others are refused', async () => {
      const inside = await call(`/api/redirect?to=${encodeURIComponent(`${house.api.origin}/other?x=1`)}`);
      expect([inside.status, inside.headers.get('location')]).toEqual([302, '/api/other?x=1']);
      expect(told(await call('/api/redirect?to=http://inner.example/'))).toMatchObject({ status: 502, code: 'upstream_protocol' });
      expect(house.api.requests.map(({ url }) => url.split('?')[0])).toEqual(['/redirect', '/redirect']); // never followed
    });

    it('is one of our answers when there is none of the upstream', async () => {
      expect(told(await call('/api/die-before-head'))).toMatchObject({ status: 502, code: 'upstream_unreachable', cleared: [] });
      const page = await call('/api/die-before-head', { headers: { ...NAVIGATE } });
      expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html; charset=utf-8']);
      expect(await page.text()).not.toMatch(/127\.0\.0\.1|ECONN|Error:/);
    });
  });

  describe('CSRF', () => {
    const foreign = (site: string): Record<string, string> => ({ 'sec-fetch-site': site });
    it.each([
      { what: 'same-origin', headers: foreign('same-origin'), get: 200, post: 200 },
      {
        what: 'same-origin with Origin null (a form of a no-referrer page)',
        headers: { ...foreign('same-origin'), origin: 'null' },
        get: 200,
        post: 200,
      },
      { what: 'cross-site', headers: foreign('cross-site'), get: 403, post: 403 },
      { what: 'a sibling domain', headers: foreign('same-site'), get: 403, post: 403 },
      { what: 'none, but no navigation', headers: foreign('none'), get: 403, post: 403 },
      { what: 'none, a navigation', headers: { ...foreign('none'), ...NAVIGATE }, get: 200, post: 403 },
      {
        what: 'cross-site with X-CSRF and our Origin',
        headers: { ...foreign('cross-site'), 'x-csrf': '1', origin: 'ours' },
        get: 403,
        post: 403,
      },
      { what: 'a value nobody knows', headers: foreign('SAME-ORIGIN'), get: 403, post: 403 },
      { what: 'no Fetch Metadata', headers: {}, get: 200, post: 403 },
      { what: 'no Fetch Metadata, X-CSRF', headers: { 'x-csrf': '1' }, get: 200, post: 200 },
      { what: 'no Fetch Metadata, another X-CSRF', headers: { 'x-csrf': '0' }, get: 200, post: 403 },
      { what: 'no Fetch Metadata, our Origin', headers: { origin: 'ours' }, get: 200, post: 200 },
      { what: 'no Fetch Metadata, Origin null', headers: { origin: 'null' }, get: 200, post: 403 },
      {
        what: 'no Fetch Metadata, X-CSRF and a foreign Origin',
        headers: { 'x-csrf': '1', origin: 'https://evil.example' },
        get: 200,
        post: 403,
      },
      { what: 'no Fetch Metadata, an Origin that begins like ours', headers: { origin: 'ours.evil.example' }, get: 200, post: 403 },
    ])('$what: GET $get, POST $post', async ({ headers: own, get, post }) => {
      const lines = Object.entries(own).map(([name, value]) => `${name}: ${value.replace(/^ours/, house.origin)}`);
      for (const [method, status] of [
        ['GET', get],
        ['POST', post],
        ['DELETE', post],
      ] as const) {
        house.api.reset();
        const answer = await raw([`${method} /api/x HTTP/1.1`, `Host: ${host()}`, `Cookie: ${cookie}`, 'Content-Length: 0', ...lines]);
        expect([method, answer.status, header(answer, 'cloakroom-error')]).toEqual([
          method,
          status,
          status === 403 ? 'csrf_refused' : undefined,
        ]);
        expect(house.api.requests).toHaveLength(status === 403 ? 0 : 1);
      }
    });

    it('a form of another site is refused whatever its type', async () => {
      for (const type of ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain']) {
        const answer = await call('/api/x', {
          method: 'POST',
          body: 'a=1',
          headers: { ...NAVIGATE, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example', 'content-type': type },
        });
        expect(told(answer)).toMatchObject({ status: 403, code: 'csrf_refused' });
      }
      expect(house.api.requests).toEqual([]);
    });

    it('a mailed link gets a page with a button to the same URL, and the click goes through', async () => {
      const answer = await house.call('/api/page?year=1', { headers: { ...NAVIGATE, 'sec-fetch-site': 'cross-site' } });
      expect(told(answer)).toMatchObject({ status: 403, code: 'csrf_refused' });
      expect(answer.headers.get('refresh')).toBeNull();
      expect(await answer.text()).toContain('href="/api/page?year=1"');
      expect(house.api.requests).toEqual([]);
      expect((await call('/api/page?year=1', { headers: NAVIGATE })).status).toBe(200);
    });

    it('a mailed link goes on by itself where the route says navigation: allow', async () => {
      const answer = await house.call('/mailed/page', { headers: { ...NAVIGATE, 'sec-fetch-site': 'cross-site' } });
      expect([answer.status, answer.headers.get('refresh'), house.api.requests.length]).toEqual([200, '0;url=/mailed/page', 0]);
      const framed = await house.call('/mailed/page', {
        headers: { ...NAVIGATE, 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' },
      });
      expect(framed.status).toBe(403);
    });
  });

  it.each([
    '/api/..%2fadmin',
    '/api/%2e%2e/admin',
    '/api/.%2e/admin',
    '/api/../admin',
    '/api/..;/admin',
    '/api//evil',
    '//api/x',
    '/api/%5c..%5cadmin',
    '/api/\\evil',
    '/api/%252e%252e/x',
    '/api/%2f%2fevil',
    '/api/a%2fb',
    '/api/a%00b',
    '/api/a%2500b',
    '/api/%zz',
    '/api/%',
    '/public#/../api',
    '/api/x?a#b',
    '/api/\u00e9',
    '/api/%c0%ae%c0%ae/x',
    '*',
  ])('refuses %s and nothing reaches the API', async (target) => {
    const answer = await raw([`GET ${target} HTTP/1.1`, `Host: ${host()}`, `Cookie: ${cookie}`, 'Sec-Fetch-Site: same-origin']);
    expect(answer.status).toBe(400);
    expect(header(answer, 'cloakroom-error')).toBe('path_refused');
    expect(house.api.requests).toEqual([]);
  });

  it('serves no method that a route does not name, and says which it does', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const answer = await call('/small/x', { method });
      expect([told(answer), answer.headers.get('allow')]).toEqual([
        expect.objectContaining({ status: 405, code: 'method_not_allowed' }),
        'GET, POST',
      ]);
    }
    for (const method of ['TRACE', 'PROPFIND', 'LOCK'])
      expect(told(await call('/api/x', { method }))).toMatchObject({ status: 405, code: 'method_not_allowed' });
    const override = await call('/small/x', { method: 'POST', headers: { 'x-http-method-override': 'DELETE' } });
    expect([override.status, house.api.requests.map(({ method }) => method)]).toEqual([200, ['POST']]);
  });

  describe('of two faults the earlier check speaks', () => {
    const OURS = 'Sec-Fetch-Site: same-origin';
    const FOREIGN = 'Sec-Fetch-Site: cross-site';
    it.each<[string, () => readonly string[], number, string]>([
      [
        'framing before Host',
        () => ['POST /api/x HTTP/1.1', 'Host: evil.example', OURS, 'Content-Length: 1', 'Content-Length: 2'],
        400,
        'bad_request',
      ],
      ['Host before the target', () => ['GET /api/../x HTTP/1.1', 'Host: evil.example', OURS], 421, 'wrong_host'],
      ['the target before the route', () => ['GET /nowhere/..%2fx HTTP/1.1', `Host: ${host()}`, OURS], 400, 'path_refused'],
      ['the target before an endpoint', () => ['PUT /bff/../bff/login HTTP/1.1', `Host: ${host()}`, FOREIGN], 400, 'path_refused'],
      [
        'the route before the method',
        () => ['PUT /bff/nothing HTTP/1.1', `Host: ${host()}`, FOREIGN, 'Content-Length: 0'],
        404,
        'route_not_found',
      ],
      [
        'the method before CSRF',
        () => ['PUT /small/x HTTP/1.1', `Host: ${host()}`, FOREIGN, 'Content-Length: 5000'],
        405,
        'method_not_allowed',
      ],
      ['an endpoint’s method before CSRF', () => ['DELETE /bff/refresh HTTP/1.1', `Host: ${host()}`, FOREIGN], 405, 'method_not_allowed'],
      ['CSRF before size', () => ['POST /small/x HTTP/1.1', `Host: ${host()}`, FOREIGN, 'Content-Length: 5000'], 403, 'csrf_refused'],
      [
        'size before the session',
        () => ['POST /small/x HTTP/1.1', `Host: ${host()}`, OURS, 'Content-Length: 5000'],
        413,
        'payload_too_large',
      ],
      ['the session before access', () => ['GET /staff/x HTTP/1.1', `Host: ${host()}`, OURS], 401, 'not_logged_in'],
      ['access, which alice lacks', () => ['GET /staff/x HTTP/1.1', `Host: ${host()}`, OURS, `Cookie: ${cookie}`], 403, 'forbidden'],
    ])('%s', async (_, lines, status, code) => {
      const answer = await raw(lines());
      expect([answer.status, header(answer, 'cloakroom-error')]).toEqual([status, code]);
      expect(house.api.requests).toEqual([]);
    });
  });
});

describe('the last checks', () => {
  it('access speaks before the token, and the token before the number of requests under way', async () => {
    const routes = (upstream: string) => [
      { path: '/api', upstream, stripPrefix: true, maxInFlight: 1 },
      { path: '/staff', upstream, access: { allow: [{ claim: 'sub', anyOf: ['erin'] }] } },
    ];
    const house = await openHouse({ routes });
    try {
      const agent = house.newAgent();
      await agent.login('alice');
      const cookie = house.cookiesOf(agent);
      house.provider.stats.reset();
      const client = new AbortController();
      const busy = house.call('/api/hang', { cookie, signal: client.signal });
      const gone = expect(busy).rejects.toThrow();
      while (house.api.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
      const full = await house.call('/api/x', { cookie });
      expect(told(full)).toEqual({ status: 503, code: 'overloaded', set: [], cleared: [], retryAfter: '1' });

      house.expireAccessToken();
      house.provider.control.fail('token', { kind: 'oauth-error', error: 'invalid_client', status: 401 });
      const forbidden = await house.call('/staff/x', { cookie });
      expect(told(forbidden)).toMatchObject({ status: 403, code: 'forbidden' });
      expect(await forbidden.json()).toMatchObject({ loginUrl: '/bff/login?prompt=select_account' });
      expect(house.provider.stats.hits.token).toBeUndefined();
      expect(told(await house.call('/api/x', { cookie }))).toMatchObject({ status: 503, code: 'provider_unavailable' });
      expect(house.provider.stats.hits.token).toBe(1);
      client.abort();
      await gone;
      expect(house.api.requests).toHaveLength(1);
    } finally {
      await house.close();
    }
  });
});
