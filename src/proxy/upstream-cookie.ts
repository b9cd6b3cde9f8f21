import { canonicalTarget, isBelow } from '../kernel/request-target.ts';
import type { ApiRoute } from './api-routes.ts';

/**
 * An upstream's Set-Cookie line as the browser may get it: only names that the route allows, Domain dropped, Path under the
 * route. `undefined`: not this one. Ours never, nor a prefix name that demands a path of its own.
 */
export function publicCookie(line: string, route: ApiRoute, owns: (name: string) => boolean): string | undefined {
  const [pair = '', ...attributes] = line.split(';');
  const name = pair.slice(0, Math.max(0, pair.indexOf('='))).trim();
  if (name === '' || !route.setCookieSet.has(name) || owns(name) || /^__host-/i.test(name)) return undefined;
  let path = route.publicPath;
  const kept: string[] = [];
  for (const attribute of attributes) {
    const [key = '', value = ''] = attribute.split('=').map((it) => it.trim());
    if (/^path$/i.test(key)) path = isUnderRoute(value, route) ? value : route.publicPath;
    else if (key !== '' && !/^domain$/i.test(key)) kept.push(attribute.trim());
  }
  return [pair.trim(), `Path=${path}`, ...kept].join('; ');
}

/** In the one spelling that requests on this route have: browsers compare the texts (RFC 6265 §5.1.4). */
function isUnderRoute(path: string, route: ApiRoute): boolean {
  const target = canonicalTarget(path);
  return target.kind === 'canonical' && target.path === path && isBelow(path, route.publicPath);
}
