import { describe, expect, it } from '@jest/globals';
import { ApiRoutes, type ApiRoute, type RouteOptions } from '../../../src/proxy/api-routes.ts';
import { responseHead, type ResponseHeadContext, type UpstreamHeaders } from '../../../src/proxy/response-head.ts';
import { routeOptions } from '../../support/proxy-stand.ts';

const OURS = '__Host-Http-cloakroom=new; Path=/';

function routeOf(more: Partial<RouteOptions> = {}, publicPath = ''): ApiRoute {
  const options = routeOptions({ upstream: { origin: 'http://api:8080', path: '' }, ...more });
  const [route] = new ApiRoutes({ routes: [options], basePath: '/bff', publicPath }).all;
  if (route === undefined) throw new Error('no route');
  return route;
}

function head(upstream: UpstreamHeaders, options: { route?: ApiRoute } & Partial<ResponseHeadContext> = {}): readonly string[] | string {
  const { route = routeOf(), ...context } = options;
  const result = responseHead(upstream, route, {
    status: 200,
    requestId: 'id',
    publicOrigin: 'https://app.example.com',
    setCookies: [],
    personal: false,
    owns: (name) => name.startsWith('__Host-Http-cloakroom'),
    ...context,
  });
  if (result.kind === 'refused') return result.detail;
  const pairs: string[] = [];
  for (let i = 0; i < result.headers.length; i += 2) pairs.push(`${result.headers[i] ?? ''}: ${result.headers[i + 1] ?? ''}`);
  return pairs.filter((it) => it !== 'x-request-id: id');
}

describe('a response head', () => {
  it('passes ordinary headers and repeated ones', () =>
    expect(head({ 'content-type': 'text/plain', etag: '"1"', link: ['<a>', '<b>'], 'x-accel-buffering': 'no' })).toEqual([
      'content-type: text/plain',
      'etag: "1"',
      'link: <a>',
      'link: <b>',
      'x-accel-buffering: no',
    ]));

  it('drops hop-by-hop headers, what Connection names, CORS headers and marks that are ours', () =>
    expect(
      head({
        connection: 'keep-alive, X-Hop',
        'x-hop': '1',
        'keep-alive': 'timeout=5',
        'proxy-authenticate': 'Basic',
        trailer: 'X-T',
        upgrade: 'h2c',
        'transfer-encoding': 'chunked',
        'access-control-allow-origin': '*',
        'access-control-allow-credentials': 'true',
        'cloakroom-error': 'not_logged_in',
        'x-request-id': 'theirs',
      }),
    ).toEqual([]));

  it("drops what speaks for the whole origin: the session and the pages are not the upstream's to clear or to lead away", () =>
    expect(
      head({
        'clear-site-data': '"cookies"',
        'service-worker-allowed': '/',
        'alt-svc': 'h3=":443"',
        refresh: '0;url=//evil.example',
        etag: '"1"',
      }),
    ).toEqual(['etag: "1"']));

  it('lets nobody take framing, cookies or caching away by naming them in Connection', () =>
    expect(head({ connection: 'content-length, set-cookie, cache-control', 'content-length': '2', 'cache-control': 'no-cache' })).toEqual([
      'content-length: 2',
      'cache-control: no-cache',
    ]));

  it('drops the length of a 204', () => expect(head({ 'content-length': '0' }, { status: 204 })).toEqual([]));

  it.each<[string, UpstreamHeaders]>([
    ['another coding', { 'transfer-encoding': 'chunked, identity' }],
    ['a coding before chunked', { 'transfer-encoding': 'gzip, chunked' }],
    ['an odd coding', { 'transfer-encoding': 'xchunked' }],
    ['two codings', { 'transfer-encoding': ['chunked', 'chunked'] }],
    ['chunks and a length', { 'transfer-encoding': 'chunked', 'content-length': '2' }],
    ['two lengths', { 'content-length': ['2', '2'] }],
  ])('refuses %s', (_, upstream) => expect(typeof head(upstream)).toBe('string'));

  it.each(['Chunked', 'chunked ', '\tchunked'])('takes %j as chunked', (value) => expect(head({ 'transfer-encoding': value })).toEqual([]));
});

describe('caching', () => {
  it('is the upstream’s where it says something', () =>
    expect(head({ 'cache-control': 'max-age=60', vary: 'Accept' }, { personal: true })).toEqual([
      'vary: Accept',
      'cache-control: max-age=60',
    ]));

  it('is private on a route with a session where the upstream says nothing', () =>
    expect(head({ vary: 'Accept' }, { personal: true })).toEqual(['vary: Accept', 'cache-control: private', 'vary: Cookie']));

  it('is left alone on a route without a session', () => expect(head({})).toEqual([]));

  it('is no-store on an answer that sets our cookie, whatever the upstream says', () =>
    expect(head({ 'cache-control': 'public, max-age=60' }, { personal: true, setCookies: [OURS] })).toEqual([
      'cache-control: no-store',
      `set-cookie: ${OURS}`,
    ]));
});

describe('cookies', () => {
  const three = ['a=1; Path=/', 'b=2', '__Host-Http-cloakroom=evil; Path=/; Secure'];

  it('of the upstream are dropped, ours is sent', () =>
    expect(head({ 'set-cookie': three }, { setCookies: [OURS] })).toEqual(['cache-control: no-store', `set-cookie: ${OURS}`]));

  it('that the route allows come back under the route, without a Domain, each once, and ours besides', () => {
    const route = routeOf({ setCookie: ['a', 'b', '__Host-Http-cloakroom', '__Host-Http-cloakroom.0'] }, '/app');
    const given = [
      'a=1; Domain=example.com; Path=/; HttpOnly; SameSite=Lax',
      'b=x=y; path=/app/api/deep; Max-Age=5',
      '__Host-Http-cloakroom=evil; Path=/',
      '__Host-Http-cloakroom.0=evil',
      'c=3',
    ];
    expect(head({ 'set-cookie': given }, { route, setCookies: [OURS] })).toEqual([
      'cache-control: no-store',
      'set-cookie: a=1; Path=/app/api; HttpOnly; SameSite=Lax',
      'set-cookie: b=x=y; Path=/app/api/deep; Max-Age=5',
      `set-cookie: ${OURS}`,
    ]);
  });

  it('without a name, or with a prefix that demands its own path, never come back', () => {
    const route = routeOf({ setCookie: ['', '__Host-x'] });
    expect(head({ 'set-cookie': ['=evil', 'evil', '__Host-x=1; Path=/; Secure'] }, { route })).toEqual([]);
  });
});

describe('a Location', () => {
  const location = (value: string, route: ApiRoute = routeOf()): string => {
    const result = head({ location: value }, { route });
    return typeof result === 'string' ? 'refused' : (result[0] ?? '').replace('location: ', '');
  };
  const stripped = routeOf({ stripPrefix: true, upstream: { origin: 'http://api:8080', path: '/base' } }, '/app');

  it.each([
    ['/api/x?y#z', '/api/x?y#z'],
    ['http://api:8080/api/x?y#z', '/api/x?y#z'],
    ['HTTP://API:8080/api', '/api'],
    ['//api:8080/api', '/api'],
    ['x/y', 'x/y'],
    ['?page=2', '?page=2'],
    ['https://app.example.com/other', 'https://app.example.com/other'],
  ])('%s becomes %s', (given, expected) => expect(location(given)).toBe(expected));

  it.each([
    ['/base/x', '/app/api/x'],
    ['/base', '/app/api/'],
    ['http://api:8080/base/x', '/app/api/x'],
    ['/elsewhere', '/elsewhere'],
    ['http://api:8080//evil.example', '/evil.example'],
  ])('%s becomes %s under a stripped prefix and a base path', (given, expected) => expect(location(given, stripped)).toBe(expected));

  it('gets publicUrl’s path', () => expect(location('/api/x', routeOf({}, '/app'))).toBe('/app/api/x'));

  it.each([
    'http://internal:9000/x',
    'https://api:8080/x',
    '//evil.example/x',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
    'http://',
    'http://user@api:8080/',
  ])('%j is refused', (given) => expect(location(given)).toBe('refused'));

  it('of the content is made public in the same way, or left out', () => {
    const place = (value: string): unknown => head({ 'content-location': value });
    expect(place('http://api:8080/api/x')).toEqual(['content-location: /api/x']);
    expect([place('http://internal:9000/x'), head({ 'content-location': ['/a', '/b'] })]).toEqual([[], []]);
  });

  it('that is repeated is refused', () => expect(typeof head({ location: ['/a', '/b'] })).toBe('string'));

  it('may go anywhere where the route says so', () =>
    expect(location('https://files.example/x', routeOf({ redirects: 'any' }))).toBe('https://files.example/x'));
});
