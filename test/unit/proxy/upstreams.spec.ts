import { describe, expect, it } from '@jest/globals';
import { ApiRoutes, type ApiRoute, type RouteOptions } from '../../../src/proxy/api-routes.ts';
import { Upstreams, type PoolOptions } from '../../../src/proxy/upstreams.ts';
import { routeOptions } from '../../support/proxy-stand.ts';

const A = { origin: 'http://a:1', path: '' };
const routesOf = (...given: Partial<RouteOptions>[]): ApiRoute[] =>
  given.map((it) => {
    const [route] = new ApiRoutes({ routes: [routeOptions({ upstream: A, ...it })], basePath: '/bff', publicPath: '' }).all;
    if (route === undefined) throw new Error('one route');
    return route;
  });

describe('the upstreams', () => {
  const opened: PoolOptions[] = [];
  const closed: string[] = [];
  const open = (options: PoolOptions) => {
    opened.push(options);
    return { forward: () => undefined, close: async () => void closed.push(options.origin) };
  };

  it('have one pool for each origin and connect timeout, with room for every request that its routes admit', async () => {
    const [first, second, elsewhere, patient] = routesOf(
      { path: '/first', maxInFlight: 10 },
      { path: '/second', maxInFlight: 5, upstream: { ...A, path: '/base' } },
      { path: '/elsewhere', upstream: { origin: 'http://b:1', path: '' }, maxInFlight: 3 },
      { path: '/patient', connectTimeout: 9_000, maxInFlight: 2 },
    );
    if (!first || !second || !elsewhere || !patient) throw new Error('four routes');
    const upstreams = new Upstreams([first, second, elsewhere, patient], open);
    expect(opened).toEqual([
      { origin: 'http://a:1', connections: 15, connectTimeout: 2_000 },
      { origin: 'http://b:1', connections: 3, connectTimeout: 2_000 },
      { origin: 'http://a:1', connections: 2, connectTimeout: 9_000 },
    ]);
    expect(upstreams.of(first)).toBe(upstreams.of(second));
    expect(new Set([first, elsewhere, patient].map((it) => upstreams.of(it))).size).toBe(3);
    await upstreams.close();
    expect(closed).toEqual(['http://a:1', 'http://b:1', 'http://a:1']);
  });

  it('know no route of anybody else', () => {
    const [route] = routesOf({});
    if (route === undefined) throw new Error('one route');
    expect(() => new Upstreams([], open).of(route)).toThrow('another frontend');
  });
});
