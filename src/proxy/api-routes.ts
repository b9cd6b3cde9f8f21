import type { AccessRule } from '../access/access-policy.ts';
import { isBelow } from '../kernel/request-target.ts';
import { routeTokenPolicy, type RouteTokenOptions, type RouteTokenPolicy } from '../tokens/route-policy.ts';
import type { UpstreamTlsOptions } from './upstream-tls.ts';

/** One entry of `routes`, as the configuration gives it. Times in milliseconds, sizes in bytes, `off` as undefined. */
export interface RouteOptions extends RouteTokenOptions {
  /** Below publicUrl's path: `/api`. */
  readonly path: string;
  readonly upstream: { readonly origin: string; readonly path: string };
  readonly stripPrefix: boolean;
  readonly access: { readonly allow: readonly AccessRule[] };
  readonly methods: readonly string[];
  readonly csrf: boolean;
  readonly navigation: 'button' | 'allow';
  readonly clientAuthorization: 'remove' | 'pass';
  readonly cookies: readonly string[];
  readonly setCookie: readonly string[];
  readonly identityHeaders: Readonly<Record<string, string>>;
  readonly preserveHost: boolean;
  readonly forwarded: boolean;
  readonly redirects: 'same-origin' | 'any';
  readonly allowEncodedSlash: boolean;
  readonly maxBody?: number | undefined;
  readonly connectTimeout: number;
  readonly headersTimeout: number;
  readonly idleTimeout: number;
  readonly maxInFlight: number;
  readonly maxAge: number;
  readonly retryOn401: boolean;
  readonly activity: boolean;
  /** For an https upstream. */
  readonly tls?: UpstreamTlsOptions | undefined;
}

/** A route ready for use: what every request asks is worked out once. */
export interface ApiRoute extends RouteOptions {
  /** The prefix as browsers see it: with publicUrl's path. */
  readonly publicPath: string;
  readonly methodSet: ReadonlySet<string>;
  readonly cookieSet: ReadonlySet<string>;
  readonly setCookieSet: ReadonlySet<string>;
  /** Absent: the session's own access token, or none. */
  readonly policy: RouteTokenPolicy | undefined;
  /** Without one, or without reading it, requests go on all the same. */
  readonly readsSession: boolean;
}

/** The routes of one frontend. A path belongs to the longest route that is a segment prefix of it; matching is case-sensitive. */
export class ApiRoutes {
  /** Longest prefix first. */
  readonly all: readonly ApiRoute[];
  readonly #basePath: string;
  readonly #publicPath: string;

  /**
   * `basePath` and what lies below it is ours and matches no route. `publicPath` is publicUrl's path, `''` or `/a`. `access` are the
   * rules of the whole app.
   */
  constructor(options: { routes: readonly RouteOptions[]; basePath: string; publicPath: string; access?: readonly AccessRule[] }) {
    this.#basePath = options.basePath;
    this.#publicPath = options.publicPath;
    this.all = options.routes.map((it) => compile(it, options)).sort((a, b) => b.path.length - a.path.length);
  }

  /** `path` is canonical and without publicUrl's path. */
  match(path: string): ApiRoute | undefined {
    if (isBelow(path, this.#basePath)) return undefined;
    for (const route of this.all) if (isBelow(path, route.path)) return route;
    return undefined;
  }

  /**
   * Whether a browser may be led to a canonical path (this one with publicUrl's path) without a click. Not to a route, unless its
   * `navigation` says so: the step would count as our own site's, whoever began it.
   */
  goesOnByItself(publicPath: string): boolean {
    if (!isBelow(publicPath, this.#publicPath)) return false;
    const route = this.match(publicPath.slice(this.#publicPath.length) || '/');
    return route === undefined || route.navigation === 'allow';
  }
}

/** The path that the upstream is asked for. */
export function upstreamPath(route: ApiRoute, path: string): string {
  const rest = route.stripPrefix ? path.slice(route.path.length) || '/' : path;
  return route.upstream.path === '' ? rest : route.upstream.path + rest;
}

function compile(options: RouteOptions, { publicPath, access = [] }: { publicPath: string; access?: readonly AccessRule[] }): ApiRoute {
  const isRestricted = options.access.allow.length > 0 || access.length > 0;
  return {
    ...options,
    publicPath: publicPath + options.path,
    methodSet: new Set(options.methods.filter((it) => it !== 'TRACE' && it !== 'CONNECT')),
    cookieSet: new Set(options.cookies),
    setCookieSet: new Set(options.setCookie),
    policy: routeTokenPolicy(options),
    // Our own token is no way around the rules of who may come in.
    readsSession: options.token !== 'none' && (options.token !== 'client' || isRestricted),
  };
}
