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

// In plain spelling (see `plainName`).
const OTHERS_REMOVED: readonly string[] = [
  'host',
  'cookie',
  'forwarded',
  'x-real-ip',
  'front-end-https',
  'x-csrf',
  'x-request-id',
  'expect',
];
const REMOVED_PREFIX = /^(?:x-(?:forwarded|original|rewrite)(?:-|$)|proxy-)/;

// CGI-like upstreams take `content_length` for the real one: only the usual spelling passes.
const ONE_SPELLING = /^(?:authorization|content-(?:length|type|encoding))$/;

type Fate = 'keep' | 'drop' | 'authorization';

const MAX_KNOWN_NAMES = 512;
const MAX_KNOWN_LENGTH = 64;

/** Builds what goes upstream: one pass over the client's raw headers, then ours, the bearer last. Pure but for the peer's address. */
export class RequestHead {
  readonly #removed: ReadonlySet<string>;
  readonly #options: RequestHeadOptions;
  readonly #fates = new Map<string, Fate>();

  constructor(options: RequestHeadOptions) {
    this.#options = options;
    const injected = options.routes.flatMap((it) => Object.keys(it.identityHeaders)).map(plainName);
    this.#removed = new Set([...HOP_BY_HOP, ...OTHERS_REMOVED, ...injected]);
  }

  /** Flat `[name, value, …]`. Authorization is the route's own bearer or absent, except where `clientAuthorization` is `pass`. */
  build(request: IncomingMessage, route: ApiRoute, context: RequestHeadContext): string[] {
    const headers: string[] = [];
    this.#copy(request, headers, route.clientAuthorization === 'pass');
    if (route.cookieSet.size > 0) this.#appendCookies(request, headers, route.cookieSet);
    // Never the client's own: behind a trusted proxy the Host check has judged another header.
    if (route.preserveHost) headers.push('host', this.#options.forwarded.host);
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
      const fate = this.#fates.get(name) ?? this.#fateOf(name);
      if (fate === 'drop' || (fate === 'authorization' && !keepAuthorization)) continue;
      if (named?.has(name.toLowerCase()) !== true || fate === 'authorization') headers.push(name, raw[i + 1] ?? '');
    }
  }

  /** Worked out once for each spelling that clients use; a client that makes up names cannot make it grow for ever. */
  #fateOf(name: string): Fate {
    const plain = plainName(name);
    const isOddlySpelled = plain !== name.toLowerCase();
    const isRemoved = this.#removed.has(plain) || REMOVED_PREFIX.test(plain) || (isOddlySpelled && ONE_SPELLING.test(plain));
    const fate = isRemoved ? 'drop' : plain === 'authorization' ? 'authorization' : 'keep';
    if (this.#fates.size < MAX_KNOWN_NAMES && name.length <= MAX_KNOWN_LENGTH) this.#fates.set(name, fate);
    return fate;
  }

  #appendCookies(request: IncomingMessage, headers: string[], allowed: ReadonlySet<string>): void {
    const kept = this.#options.keepCookies(request.headers.cookie, (name) => allowed.has(name) && !this.#options.owns(name));
    if (kept !== undefined) headers.push('cookie', kept);
  }
}

/** As CGI-like upstreams read a name: all punctuation is one character to them, and a last one may get lost (CVE-2025-64484). */
const plainName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '-')
    .replace(/-+$/, '');
