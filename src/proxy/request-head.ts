import type { IncomingMessage } from 'node:http';
import type { ApiRoute } from './api-routes.ts';
import type { ForwardedHeaders } from './forwarded.ts';
import { HOP_BY_HOP, nominated } from './hop-by-hop.ts';

export interface RequestHeadOptions {
  readonly routes: readonly ApiRoute[];
  readonly forwarded: ForwardedHeaders;
  /** The client's cookies that may be kept. `undefined`: none is left. */
  readonly keepCookies: (header: string | undefined, keep: (name: string) => boolean) => string | undefined;
  /** Cookies of ours: they never go upstream, whatever a route allows. */
  readonly owns: (name: string) => boolean;
}

export interface RequestHeadContext {
  readonly requestId: string;
  readonly accessToken: string | undefined;
}

// In `-` spelling; a client's `_` spelling is compared as `-`, as CGI-like upstreams do (CVE-2025-64484).
const ALWAYS_REMOVED: readonly string[] = [...HOP_BY_HOP, 'host', 'cookie', 'forwarded', 'x-real-ip', 'x-csrf', 'x-request-id', 'expect'];
const REMOVED_PREFIX = /^(?:x-(?:forwarded|original|rewrite)(?:-|$)|proxy-)/;

/** Builds what goes upstream: one pass over the client's raw headers, then ours, the bearer last. Pure but for the peer's address. */
export class RequestHead {
  readonly #removed: ReadonlySet<string>;
  readonly #options: RequestHeadOptions;

  constructor(options: RequestHeadOptions) {
    this.#options = options;
    const injected = options.routes.flatMap((it) => Object.keys(it.identityHeaders)).map(dashed);
    this.#removed = new Set([...ALWAYS_REMOVED, ...injected]);
  }

  /** Flat `[name, value, …]`. Authorization is the route's own bearer or absent, except where `clientAuthorization` is `pass`. */
  build(request: IncomingMessage, route: ApiRoute, context: RequestHeadContext): string[] {
    const headers: string[] = [];
    this.#copy(request, headers, route.clientAuthorization === 'pass');
    if (route.cookieSet.size > 0) this.#appendCookies(request, headers, route.cookieSet);
    if (route.preserveHost && request.headers.host !== undefined) headers.push('host', request.headers.host);
    if (route.forwarded) this.#options.forwarded.append(headers, request);
    headers.push('x-request-id', context.requestId);
    if (context.accessToken !== undefined) headers.push('authorization', `Bearer ${context.accessToken}`);
    return headers;
  }

  #copy(request: IncomingMessage, headers: string[], keepAuthorization: boolean): void {
    const raw = request.rawHeaders;
    const named = nominated(request.headers.connection);
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = raw[i] ?? '';
      const lower = name.toLowerCase();
      if (lower === 'authorization') {
        if (keepAuthorization) headers.push(name, raw[i + 1] ?? '');
      } else if (!this.#isRemoved(lower) && named?.has(lower) !== true) {
        headers.push(name, raw[i + 1] ?? '');
      }
    }
  }

  #isRemoved(lower: string): boolean {
    const name = lower.includes('_') ? dashed(lower) : lower;
    if (this.#removed.has(name)) return true;
    const first = name.charCodeAt(0);
    return (first === 120 || first === 112) && REMOVED_PREFIX.test(name); // 'x', 'p'
  }

  #appendCookies(request: IncomingMessage, headers: string[], allowed: ReadonlySet<string>): void {
    const kept = this.#options.keepCookies(request.headers.cookie, (name) => allowed.has(name) && !this.#options.owns(name));
    if (kept !== undefined) headers.push('cookie', kept);
  }
}

const dashed = (name: string): string => name.toLowerCase().replaceAll('_', '-');
