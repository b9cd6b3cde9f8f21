import { describe, expect, it } from '@jest/globals';
import { ApiRoutes, upstreamPath, type RouteOptions } from '../../../src/proxy/api-routes.ts';
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

  const compiled = (more: Partial<RouteOptions>) =>
    new ApiRoutes({ routes: [routeOptions({ upstream, ...more })], basePath: '/bff', publicPath: '' }).all[0];
  const rule = { claim: 'groups', anyOf: ['staff'] };

  it.each<[Partial<RouteOptions>, boolean]>([
    [{ token: 'user' }, true],
    [{ token: 'optional' }, true],
    [{ token: 'exchange' }, true],
    [{ token: 'none' }, false],
    [{ token: 'none', access: { allow: [rule] } }, false],
    [{ token: 'client' }, false],
    [{ token: 'client', access: { allow: [rule] } }, true],
  ])('with %j reads the session: %s', (more, reads) => expect(compiled(more)?.readsSession).toBe(reads));

  it.each<[RouteOptions['token'], boolean]>([
    ['client', true],
    ['none', false],
  ])('with %s in an app that not everybody may enter reads the session: %s', (token, reads) => {
    const routes = new ApiRoutes({ routes: [routeOptions({ upstream, token })], basePath: '/bff', publicPath: '', access: [rule] });
    expect(routes.all[0]?.readsSession).toBe(reads);
  });

  it.each<[Partial<RouteOptions>, string | undefined]>([
    [{ token: 'user' }, undefined],
    [{ token: 'user', scope: [] }, undefined],
    [{ token: 'optional' }, undefined],
    [{ token: 'none' }, undefined],
    [{ token: 'user', scope: ['a'] }, 'scoped'],
    [{ token: 'user', resource: 'urn:a' }, 'audience'],
    [{ token: 'user', audience: 'a', scope: ['a'] }, 'audience'],
    [{ token: 'client' }, 'client'],
    [{ token: 'exchange', audience: 'a' }, 'exchange'],
  ])('with %j has the token policy %s', (more, kind) => expect(compiled(more)?.policy?.kind).toBe(kind));
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
