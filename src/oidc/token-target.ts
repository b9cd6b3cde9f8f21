/** What an access token is wanted for: a resource (RFC 8707 §2), an audience (RFC 8693 §2.1), a scope. Nothing of it: the provider's default. */
export interface TokenTarget {
  readonly resource?: string | undefined;
  readonly audience?: string | undefined;
  readonly scope?: readonly string[] | undefined;
}

/** The parameters that name a target at the token endpoint. */
export function targetParams({ resource, audience, scope = [] }: TokenTarget): Record<string, string> {
  return {
    ...(resource === undefined ? {} : { resource }),
    ...(audience === undefined ? {} : { audience }),
    ...(scope.length === 0 ? {} : { scope: scope.join(' ') }),
  };
}
