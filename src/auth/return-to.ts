import { canonicalTarget, isBelow } from '../kernel/request-target.ts';
import { homeOf, type PublicUrls } from './public-urls.ts';

const MAX_BYTES = 512;
/** Of no use in the path of a page, and a line break to careless readers. */
const CONTROL = /%(?:[01][0-9a-f]|7f)/i;

/**
 * Where a login, a logout or an error page leads back to: a path of this site, re-serialised, or the start page.
 * `wanted` comes from a query, a body or a seal, and is judged each time it is spent.
 */
export function safeReturnTo(wanted: string | null | undefined, urls: PublicUrls): string {
  if (typeof wanted !== 'string' || !wanted.startsWith('/')) return homeOf(urls);
  return serialise(wanted, urls) ?? homeOf(urls);
}

/** The rule for `target_link_uri` (OIDC Core §4): an absolute URL of this origin is welcome too. */
export function safeTargetLink(wanted: string | null | undefined, urls: PublicUrls): string {
  if (typeof wanted !== 'string' || !/^(?:\/|https?:\/\/)/i.test(wanted)) return homeOf(urls);
  return serialise(wanted, urls) ?? homeOf(urls);
}

function serialise(wanted: string, urls: PublicUrls): string | undefined {
  const url = isPlain(wanted) ? URL.parse(wanted, urls.origin) : null;
  if (url?.username !== '' || url.password !== '') return undefined;
  // A blob: URL has the origin of its maker, so the scheme and host are compared by themselves.
  if (`${url.protocol}//${url.host}` !== urls.origin || !isOurPage(url.pathname, urls)) return undefined;
  const path = url.pathname + url.search + url.hash;
  return path.length > MAX_BYTES ? undefined : path;
}

/** No control, backslash, half surrogate, or space in the path: the URL parser drops or turns them, and then we judge something else than was meant. */
function isPlain(text: string): boolean {
  const [path = ''] = text.split('?', 1);
  for (const char of text) if (char < ' ' || char === '\\' || char === '\u007f') return false;
  return !path.includes(' ') && text.isWellFormed();
}

/** Read exactly as the front door reads it: what it refuses is no page, and `/%62ff` is `/bff`. */
function isOurPage(pathname: string, urls: PublicUrls): boolean {
  const target = canonicalTarget(pathname);
  if (target.kind === 'refused' || target.encodedSlash || CONTROL.test(target.path)) return false;
  return isBelow(target.path, urls.path) && !isBelow(target.path, urls.base);
}
