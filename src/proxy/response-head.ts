import type { ApiRoute } from './api-routes.ts';
import { HOP_BY_HOP, nominated } from './hop-by-hop.ts';
import { publicLocation } from './location.ts';
import { publicCookie } from './upstream-cookie.ts';

/** Lower-case names; a name that came more than once has a list. */
export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>;

export type ResponseHead =
  /** Flat `[name, value, …]`. */
  | { readonly kind: 'head'; readonly headers: string[] }
  /** 502 `upstream_protocol`. */
  | { readonly kind: 'refused'; readonly detail: string };

export interface ResponseHeadContext {
  readonly status: number;
  readonly requestId: string;
  readonly publicOrigin: string;
  /** Set-Cookie lines of ours, decided now. */
  readonly setCookies: readonly string[];
  /** The answer may depend on who is signed in: shared caches must not keep it. */
  readonly personal: boolean;
  readonly owns: (name: string) => boolean;
}

// These speak for the whole origin, whose cookies and pages are ours: `Clear-Site-Data: "cookies"` would end the session, and Refresh
// would lead where Location may not.
const OF_THE_ORIGIN: readonly string[] = ['clear-site-data', 'service-worker-allowed', 'alt-svc', 'refresh'];
const DROPPED: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...OF_THE_ORIGIN, 'timing-allow-origin', 'x-request-id', 'cloakroom-error']);
// Caches of all sorts listen to these before Cache-Control.
const OF_CACHES = /^(?:expires|pragma|surrogate-control|edge-control|x-accel-expires|(?:.+-)?cdn-cache-control)$/;
const NOTHING: readonly string[] = [];
const TREATED: ReadonlySet<string> = new Set(['set-cookie', 'location', 'content-location', 'cache-control', 'vary']);

/**
 * Pure. What the browser gets of the upstream's head, with our cookies: the one place where Set-Cookie is written. Headers that open
 * an answer to other origins (CORS, Timing-Allow-Origin) are dropped, for the routes serve this origin's own pages; those that close
 * it to them (Cross-Origin-Resource-Policy, -Embedder-Policy, -Opener-Policy) pass.
 */
export function responseHead(upstream: UpstreamHeaders, route: ApiRoute, context: ResponseHeadContext): ResponseHead {
  const fault = framingFault(upstream);
  if (fault !== undefined) return { kind: 'refused', detail: fault };
  const headers: string[] = ['x-request-id', context.requestId];
  copy(upstream, headers, context);
  appendCaching(upstream, headers, context);
  for (const line of listed(upstream['set-cookie'])) append(headers, 'set-cookie', publicCookie(line, route, context.owns));
  for (const line of context.setCookies) headers.push('set-cookie', line);
  append(headers, 'content-location', publicPlace(upstream['content-location'], route, context.publicOrigin));
  return appendLocation(upstream['location'], headers, route, context.publicOrigin);
}

/** undici passes such a head on and then waits for ever, or reads another body than the next reader. */
function framingFault(upstream: UpstreamHeaders): string | undefined {
  const encoding = upstream['transfer-encoding'];
  const length = upstream['content-length'];
  if (encoding !== undefined && (typeof encoding !== 'string' || encoding.trim().toLowerCase() !== 'chunked')) {
    return 'The upstream answered with a Transfer-Encoding other than chunked.';
  }
  if (encoding !== undefined && length !== undefined) return 'The upstream answered with both Transfer-Encoding and Content-Length.';
  return length === undefined || typeof length === 'string' ? undefined : 'The upstream answered with two Content-Length headers.';
}

function copy(upstream: UpstreamHeaders, headers: string[], { status, setCookies }: ResponseHeadContext): void {
  const named = nominated(upstream['connection']);
  const isOurs = setCookies.length > 0;
  for (const name of Object.keys(upstream)) {
    if (DROPPED.has(name) || TREATED.has(name) || name.startsWith('access-control-') || named?.has(name) === true) continue;
    if (status === 204 && name === 'content-length') continue; // RFC 9110 §8.6
    if (isOurs && OF_CACHES.test(name)) continue;
    const value = upstream[name];
    if (typeof value === 'string') headers.push(name, value);
    else for (const one of value ?? []) headers.push(name, one);
  }
}

function appendCaching(upstream: UpstreamHeaders, headers: string[], context: ResponseHeadContext): void {
  const own = upstream['cache-control'];
  for (const value of listed(upstream['vary'])) headers.push('vary', value);
  if (context.setCookies.length > 0) {
    headers.push('cache-control', 'no-store');
  } else if (own !== undefined) {
    for (const value of listed(own)) headers.push('cache-control', value);
  } else if (context.personal) {
    headers.push('cache-control', 'private', 'vary', 'Cookie');
  }
}

function appendLocation(location: string | string[] | undefined, headers: string[], route: ApiRoute, publicOrigin: string): ResponseHead {
  if (location === undefined) return { kind: 'head', headers };
  const result = typeof location === 'string' ? publicLocation(location, route, publicOrigin) : { kind: 'refused' as const };
  if (result.kind === 'refused') return { kind: 'refused', detail: 'The upstream redirected to another origin (routes[].redirects).' };
  headers.push('location', result.value);
  return { kind: 'head', headers };
}

/** A Content-Location of another origin is no use to the browser, and may name an internal host. */
function publicPlace(place: string | string[] | undefined, route: ApiRoute, publicOrigin: string): string | undefined {
  const result = typeof place === 'string' ? publicLocation(place, route, publicOrigin) : undefined;
  return result?.kind === 'location' ? result.value : undefined;
}

function append(headers: string[], name: string, value: string | undefined): void {
  if (value !== undefined) headers.push(name, value);
}

function listed(value: string | string[] | undefined): readonly string[] {
  if (value === undefined) return NOTHING;
  return typeof value === 'string' ? [value] : value;
}
