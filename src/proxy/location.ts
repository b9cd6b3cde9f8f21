import { isBelow } from '../kernel/request-target.ts';
import type { ApiRoute } from './api-routes.ts';

const HAS_ORIGIN = /^(?:[a-z][a-z0-9+.-]*:|[/\\]{2})/i;

export type PublicLocation = { readonly kind: 'location'; readonly value: string } | { readonly kind: 'refused' };

/**
 * What the browser is told of an upstream's Location. The upstream's own origin becomes the route's public path; publicUrl's
 * own origin stays, and is put right where the upstream took the scheme of its own connection for the browser's; another origin is
 * refused unless the route says `any`. Read as browsers do (WHATWG), so that `/\host` is no path.
 */
export function publicLocation(location: string, route: ApiRoute, publicOrigin: string): PublicLocation {
  const plain = location.replace(/[\t\n\r]/g, '').trim();
  const target = URL.parse(plain, `${route.upstream.origin}/`);
  if (target === null) return { kind: 'refused' };
  if (!HAS_ORIGIN.test(plain) && target.origin === route.upstream.origin) {
    return { kind: 'location', value: plain.startsWith('/') ? publicPathOf(target, route) : plain };
  }
  if (target.origin === route.upstream.origin && target.username === '') return { kind: 'location', value: publicPathOf(target, route) };
  if (`https://${target.host}` === publicOrigin && target.protocol === 'http:' && target.username === '') {
    return { kind: 'location', value: publicOrigin + target.pathname + target.search + target.hash };
  }
  if (target.origin === publicOrigin || route.redirects === 'any') return { kind: 'location', value: plain };
  return { kind: 'refused' };
}

/** The way back of `upstreamPath`. A path beside the upstream's base path has no public name: it stays as it is. */
function publicPathOf(target: URL, route: ApiRoute): string {
  const { pathname } = target;
  const base = route.upstream.path;
  const rest = `${target.search}${target.hash}`;
  if (!isBelow(pathname, base)) return noSecondSlash(pathname) + rest;
  const inner = pathname.slice(base.length) || '/';
  if (route.stripPrefix) return route.publicPath + inner + rest;
  return noSecondSlash(route.publicPath.slice(0, route.publicPath.length - route.path.length) + inner) + rest;
}

/** `//x` in a Location names a host. */
const noSecondSlash = (path: string): string => path.replace(/^\/{2,}/, '/');
