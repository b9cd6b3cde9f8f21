import { describe, expect, it } from '@jest/globals';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Destinations, type Destination } from '../../src/destinations.ts';
import { ApiRoutes } from '../../src/proxy/api-routes.ts';
import { HostCheck } from '../../src/proxy/host-check.ts';
import { TrustedProxies } from '../../src/proxy/trusted-proxies.ts';
import { routeOptions } from '../support/proxy-stand.ts';

const PUBLIC = { origin: 'https://app.example.com', path: '' };
const PATHS = ['/api', '/api/admin', '/api/admin/open', '/files'];
const upstream = { origin: 'http://api', path: '' };
const routes = new ApiRoutes({
  routes: PATHS.map((path) => routeOptions({ path, upstream, allowEncodedSlash: path !== '/files' })),
  basePath: '/bff',
  publicPath: '',
});
const hostCheck = new HostCheck({ publicOrigin: PUBLIC.origin, trustedProxies: new TrustedProxies([]) });
const destinations = new Destinations({ publicUrl: PUBLIC, ingressStripsPath: false, hostCheck, routes });

function destinationOf(target: string): Destination {
  const request = new IncomingMessage(new Socket());
  Object.assign(request, { method: 'GET', url: target, httpVersionMajor: 1, httpVersionMinor: 1, rawHeaders: ['Host', 'app.example.com'] });
  request.headers.host = 'app.example.com';
  return destinations.of(request);
}

/** What readers do to a path, each alone and in any order. */
const LENIENT: readonly ((path: string) => string)[] = [
  (path) => path.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))),
  (path) => path.replace(/%2f/gi, '/'),
  (path) => path.replace(/;[^/]*/g, ''),
  (path) => path.replace(/[?#].*$/s, ''),
  (path) => path.replace(/\/{2,}/g, '/'),
  (path) => path.replace(/[. ]+(?=\/|$)/g, ''),
  (path) => (path.startsWith('/') && !/[?#]/.test(path) ? new URL(`http://a${path}`).pathname : path),
];

/** Everything that these readers make of a path, one behind another, up to five of them. */
function readingsOf(path: string): ReadonlySet<string> {
  const all = new Set([path]);
  let latest = [path];
  for (let depth = 0; depth < 5 && latest.length > 0; depth++) {
    latest = latest.flatMap((it) => LENIENT.map((read) => read(it))).filter((it) => !all.has(it) && all.add(it).size > 0);
  }
  return all;
}

/** The same targets in every run: a linear congruential generator with a fixed seed. */
function generated(count: number): readonly string[] {
  const common = ['/api', '/admin', '/open', '/x', 'admin', 'x', '/', ';', '%2F', '%3B', '%253B', '.', '%20', '%09', '%3f', '%2523'];
  const pieces = [...common, '/;', '..', '%25', '25', '3b', '%2561dmin', '=', '%C3%A9', '/files', '/bff', '%0a', '%2520', '%2509..'];
  let state = 20_261_125;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const one = (of: readonly string[]): string => of[next(of.length)] ?? '';
  const target = (): string => one(['', '/api', '/api', '/api/admin']) + Array.from({ length: 1 + next(6) }, () => one(pieces)).join('');
  return Array.from({ length: count }, target);
}

describe('a path among nested routes', () => {
  const judged = [...new Set(generated(60_000))].map((target) => [target, destinationOf(target)] as const);
  const isRouted = ([, { kind }]: (typeof judged)[number]): boolean => kind === 'route';

  it('is often enough one that passes, and one that does not', () => {
    const odd = judged.filter(([target]) => /[;%]/.test(target));
    expect(odd.filter(isRouted).length).toBeGreaterThan(2_000);
    expect(odd.filter((it) => !isRouted(it)).length).toBeGreaterThan(2_000);
  });

  it('goes where every lenient reader would take it, or nowhere', () => {
    const astray = judged.flatMap(([target, goes]) => {
      if (goes.kind !== 'route') return [];
      const other = [...readingsOf(goes.target.path)].find((it) => routes.match(it) !== goes.route);
      return other === undefined ? [] : [`${target} is for ${goes.route.path}, and ${other} to others`];
    });
    expect(astray).toEqual([]);
  });

  it('that is no route is none to any of them', () => {
    const astray = judged.flatMap(([target, goes]) =>
      goes.kind === 'inside' && [...readingsOf(goes.target.path)].some((it) => routes.match(it) !== undefined) ? [target] : [],
    );
    expect(astray).toEqual([]);
  });
});
