import type { IncomingMessage } from 'node:http';
import { isNavigation } from './csrf/navigation.ts';
import type { Failure } from './kernel/errors.ts';
import { otherReadings } from './kernel/other-readings.ts';
import { canonicalTarget, isBelow, type CanonicalTarget } from './kernel/request-target.ts';
import type { ApiRoute, ApiRoutes } from './proxy/api-routes.ts';
import { splitTarget, type HostCheck } from './proxy/host-check.ts';

export interface DestinationOptions {
  /** `path` is `''` or `/a`. */
  readonly publicUrl: { readonly origin: string; readonly path: string };
  /** An ingress took publicUrl's path off before us. */
  readonly ingressStripsPath: boolean;
  readonly hostCheck: HostCheck;
  readonly routes: Pick<ApiRoutes, 'match'>;
}

/** Where a request goes once Host and target are judged. */
export type Destination =
  | { readonly kind: 'route'; readonly target: CanonicalTarget; readonly route: ApiRoute }
  | { readonly kind: 'inside'; readonly target: CanonicalTarget }
  | { readonly kind: 'moved'; readonly location: string }
  /** `closing`: where the request ends is not certain, so nothing may follow it on its connection. */
  | { readonly kind: 'refused'; readonly failure: Failure; readonly closing?: true };

const NEVER: Failure = {
  code: 'method_not_allowed',
  detail: 'This method is never served.',
  allow: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
};
const ODD_FRAMING: Failure = {
  code: 'bad_request',
  detail: 'The request is not HTTP/1.1 or HTTP/1.0, or has a Transfer-Encoding other than chunked, or one that HTTP/1.0 does not know.',
};
export const NOT_HERE: Failure = { code: 'route_not_found', detail: 'Nothing is served at this path.' };

/** Says where each request goes. The order of the checks is part of the contract. */
export class Destinations {
  readonly #options: DestinationOptions;

  constructor(options: DestinationOptions) {
    this.#options = options;
  }

  /** Framing (what Node lets through), Host, then the request target, then the route. */
  of(request: IncomingMessage): Destination {
    const { hostCheck, routes } = this.#options;
    if (hasOddFraming(request)) return { kind: 'refused', failure: ODD_FRAMING, closing: true };
    const { authority, path } = splitTarget(request.url ?? '');
    const host = hostCheck.check(request);
    if (host.kind === 'malformed') return refused({ code: 'wrong_host', detail: host.detail });
    if (authority !== undefined && !hostCheck.accepts(authority))
      return refused({ code: 'wrong_host', detail: 'The request target names another host.' });
    if (host.kind === 'wrong') return this.#elsewhere(request, path);
    if (request.method === 'TRACE' || request.method === 'CONNECT') return refused(NEVER);
    const target = canonicalTarget(path);
    if (target.kind === 'refused') return refused({ code: 'path_refused', detail: target.detail });
    const inner = this.#inner(target);
    if (inner === undefined) return refused(NOT_HERE);
    const route = routes.match(inner.path);
    if (inner.encodedSlash && route?.allowEncodedSlash !== true)
      return refused({ code: 'path_refused', detail: 'The path holds an encoded slash.' });
    if (otherReadings(inner.path).some((it) => routes.match(it) !== route))
      return refused({ code: 'path_refused', detail: 'Other readers could take the path for one of another route.' });
    return route === undefined ? { kind: 'inside', target: inner } : { kind: 'route', target: inner, route };
  }

  /** The target without publicUrl's path; `undefined` outside of it. */
  #inner(target: CanonicalTarget): CanonicalTarget | undefined {
    const prefix = this.#options.ingressStripsPath ? '' : this.#options.publicUrl.path;
    if (prefix === '') return target;
    if (!isBelow(target.path, prefix)) return undefined;
    return { ...target, path: target.path.slice(prefix.length) || '/' };
  }

  #elsewhere(request: IncomingMessage, path: string): Destination {
    const isPlain = (request.method === 'GET' || request.method === 'HEAD') && path.startsWith('/') && !/[^\x21-\x7e]/.test(path);
    if (!isPlain || !isNavigation(request.headers))
      return refused({ code: 'wrong_host', detail: 'The Host header does not name this application.' });
    const { origin, path: prefix } = this.#options.publicUrl;
    return { kind: 'moved', location: origin + (this.#options.ingressStripsPath ? prefix : '') + path };
  }
}

/**
 * Node takes `HTTP/2.0` and `HTTP/0.9` for versions of this protocol. HTTP/1.0 knows no Transfer-Encoding: the next reader may not
 * see the chunks. Of `gzip, chunked` Node unwraps only the chunks: the next reader would take the rest for plain bytes (RFC 9112 §6.1).
 */
function hasOddFraming({ httpVersionMajor, httpVersionMinor, headers }: IncomingMessage): boolean {
  if (httpVersionMajor !== 1) return true;
  const coding = headers['transfer-encoding'];
  return coding !== undefined && (httpVersionMinor === 0 || coding.toLowerCase() !== 'chunked');
}

const refused = (failure: Failure): Destination => ({ kind: 'refused', failure });
