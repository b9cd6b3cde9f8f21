import type { IncomingHttpHeaders } from 'node:http';
import { isNavigation } from './navigation.ts';

export type CsrfVerdict =
  | { readonly kind: 'pass' }
  /** 403. `detail` names the header that is missing or wrong. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** 403 too, but a GET/HEAD navigation: the user may go on with a click on a page of ours. */
  | { readonly kind: 'ask'; readonly detail: string };

export interface CsrfRules {
  /** publicUrl's origin, as browsers serialise it. */
  readonly publicOrigin: string;
  /** Demands `X-CSRF: 1` on every request, whatever the browser says of it. */
  readonly requireHeader: boolean;
  /** What becomes of a GET/HEAD navigation from another site. */
  readonly navigation?: 'button' | 'allow';
}

const PASS: CsrfVerdict = { kind: 'pass' };
const FOREIGN = "Sec-Fetch-Site must be same-origin: the request was not made by this site's own pages.";
const NO_PROOF = "An unsafe request needs Sec-Fetch-Site: same-origin, X-CSRF: 1, or an Origin header with this site's origin.";
const WRONG_ORIGIN = "The Origin header does not name this site's origin.";
const NO_HEADER = 'Every request needs X-CSRF: 1 (csrf.requireHeader is on).';
const UPGRADE_ORIGIN = "A WebSocket handshake needs an Origin header with exactly this site's origin.";

/** Pure. Fetch Metadata decides when present; old browsers are judged by method, `X-CSRF` and `Origin`. */
export function checkCsrf(request: { readonly method: string; readonly headers: IncomingHttpHeaders }, rules: CsrfRules): CsrfVerdict {
  const { headers } = request;
  if (rules.requireHeader && headers['x-csrf'] !== '1') return { kind: 'refused', detail: NO_HEADER };
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin') return PASS;
  if (site === undefined) return withoutMetadata(request.method, headers, rules.publicOrigin);
  if (!isSafeNavigation(request.method, headers)) return { kind: 'refused', detail: FOREIGN };
  if (site === 'none') return PASS;
  return rules.navigation === 'allow' && isTopLevel(headers) ? PASS : { kind: 'ask', detail: FOREIGN };
}

/** Upgrades carry no Fetch Metadata: the exact Origin and nothing else. */
export function checkUpgradeOrigin(headers: IncomingHttpHeaders, publicOrigin: string): CsrfVerdict {
  return headers.origin === publicOrigin ? PASS : { kind: 'refused', detail: UPGRADE_ORIGIN };
}

/** A navigation that comes from another site or a sibling domain: the Strict session cookie is not sent along. */
export function isCrossSiteNavigation(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none' && isNavigation(headers);
}

function withoutMetadata(method: string, headers: IncomingHttpHeaders, publicOrigin: string): CsrfVerdict {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return PASS;
  if (headers.origin !== undefined) return headers.origin === publicOrigin ? PASS : { kind: 'refused', detail: WRONG_ORIGIN };
  return headers['x-csrf'] === '1' ? PASS : { kind: 'refused', detail: NO_PROOF };
}

function isSafeNavigation(method: string, headers: IncomingHttpHeaders): boolean {
  return (method === 'GET' || method === 'HEAD') && isNavigation(headers);
}

/** A download or a service worker makes the destination `empty`; a frame of another site is neither. */
function isTopLevel(headers: IncomingHttpHeaders): boolean {
  const destination = headers['sec-fetch-dest'];
  return destination === undefined || destination === 'document' || destination === 'empty';
}
