import { describe, expect, it } from '@jest/globals';
import { ApiRoutes, upstreamPath } from '../../../src/proxy/api-routes.ts';
import { routeOptions } from '../../support/proxy-stand.ts';

const upstream = { origin: 'http://api:8080', path: '' };
const routesOf = (...paths: string[]): ApiRoutes =>
  new ApiRoutes({ routes: paths.map((path) => routeOptions({ path, upstream })), basePath: '/bff', publicPath: '/app' });

describe('the route of a path', () => {
  const routes = routesOf('/api', '/api/v2', '/b', '/bff-like');

  it.each([
    ['/api', '/api'],
    ['/api/', '/api'],
    ['/api/v1', '/api'],
    ['/api/v2', '/api/v2'],
    ['/api/v2/x', '/api/v2'],
    ['/api/v22', '/api'],
    ['/b/x', '/b'],
    ['/bff-like/x', '/bff-like'],
    ['/apix', undefined],
    ['/API/x', undefined],
    ['/api%2Fx', undefined],
    ['/', undefined],
    ['/bff/session', undefined],
    ['/bff', undefined],
  ])('of %s is %s', (path, route) => expect(routes.match(path)?.path).toBe(route));

  it('is never one at or below the base path', () => expect(routesOf('/bff').match('/bff/x')).toBeUndefined());
});

describe('a navigation that nobody clicked', () => {
  const options = [routeOptions({ path: '/api', upstream }), routeOptions({ path: '/api/open', upstream, navigation: 'allow' })];
  const routes = new ApiRoutes({ routes: options, basePath: '/bff', publicPath: '/app' });

  it.each([
    ['/app', true],
    ['/app/', true],
    ['/app/apix', true],
    ['/app/api', false],
    ['/app/api/transfer', false],
    ['/app/api/open', true],
    ['/app/api/open/x', true],
    ['/app/api/openx', false],
    ['/api', false],
    ['/elsewhere', false],
  ])('to %s: %s', (path, alone) => expect(routes.goesOnByItself(path)).toBe(alone));
});

describe('a compiled route', () => {
  it('knows its prefix as browsers see it', () => expect(routesOf('/api').all[0]?.publicPath).toBe('/app/api'));

  it('never admits TRACE or CONNECT', () => {
    const options = routeOptions({ upstream, methods: ['GET', 'TRACE', 'CONNECT'] });
    const routes = new ApiRoutes({ routes: [options], basePath: '/bff', publicPath: '' });
    expect([...(routes.all[0]?.methodSet ?? [])]).toEqual(['GET']);
  });

  it.each(['client', 'exchange'] as const)('is not made for token: %s, which is not there yet', (token) =>
    expect(() => new ApiRoutes({ routes: [routeOptions({ upstream, token })], basePath: '/bff', publicPath: '' })).toThrow(/not available/),
  );
});

describe('the path upstream', () => {
  it.each([
    [false, '', '/api/x', '/api/x'],
    [true, '', '/api/x', '/x'],
    [true, '', '/api', '/'],
    [true, '', '/api/', '/'],
    [false, '/base', '/api/x', '/base/api/x'],
    [true, '/base', '/api/x', '/base/x'],
    [true, '/base', '/api', '/base/'],
  ])('with stripPrefix %s and base %j of %s is %s', (stripPrefix, path, given, expected) => {
    const options = routeOptions({ upstream: { ...upstream, path }, stripPrefix });
    const [route] = new ApiRoutes({ routes: [options], basePath: '/bff', publicPath: '' }).all;
    expect(route && upstreamPath(route, given)).toBe(expected);
  });
});
