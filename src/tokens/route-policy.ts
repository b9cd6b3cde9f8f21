import type { TokenTarget } from '../oidc/token-target.ts';

/** What a route asks for: the `token`, `resource`, `audience` and `scope` of its configuration. */
export interface RouteTokenOptions extends TokenTarget {
  readonly token: 'user' | 'optional' | 'client' | 'exchange' | 'none';
}

/** A target with a name of its own: equal targets have equal keys. */
export interface RouteTarget extends TokenTarget {
  readonly key: string;
}

/** Where the token of a route comes from, for routes that get more than the session's own. */
export type RouteTokenPolicy =
  /** The session's own, which must have been granted this scope. */
  | { readonly kind: 'scoped'; readonly scope: readonly string[] }
  /** Another one of the same user, from the session's refresh token. */
  | { readonly kind: 'audience'; readonly scope: readonly string[]; readonly target: RouteTarget }
  | { readonly kind: 'exchange'; readonly target: RouteTarget }
  | { readonly kind: 'client'; readonly target: RouteTarget };

/** `undefined`: the session's own access token, or none, and nothing more to ask. */
export function routeTokenPolicy(options: RouteTokenOptions): RouteTokenPolicy | undefined {
  const { token, resource, audience, scope = [] } = options;
  if (token === 'none' || token === 'optional') return undefined;
  const target = { resource, audience, scope, key: JSON.stringify([resource ?? null, audience ?? null, [...new Set(scope)].sort()]) };
  if (token !== 'user') return { kind: token, target };
  if (resource !== undefined || audience !== undefined) return { kind: 'audience', scope, target };
  return scope.length === 0 ? undefined : { kind: 'scoped', scope };
}

/** The words of `wanted` that were not granted. */
export const missingScope = (wanted: readonly string[], granted: readonly string[]): readonly string[] =>
  wanted.filter((word) => !granted.includes(word));
