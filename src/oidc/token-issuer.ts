import type { RefreshOutcome } from './identity-provider.ts';

/** What an access token is wanted for: a resource (RFC 8707 §2), an audience (RFC 8693 §2.1), a scope. Nothing of it: the provider's default. */
export interface TokenTarget {
  readonly resource?: string | undefined;
  readonly audience?: string | undefined;
  readonly scope?: readonly string[] | undefined;
}

/** An answer about an access token that belongs to a route and not to a session. */
export type TargetGrantOutcome = Exclude<RefreshOutcome, { kind: 'subject-changed' }>;

/** Where access tokens come from that are not a login's own. Repeating a request harms nothing. */
export interface TokenIssuer {
  readonly issuer: string;
  /** A token of our own: the client-credentials grant (RFC 6749 §4.4). */
  clientCredentials(target: TokenTarget): Promise<TargetGrantOutcome>;
  /** Exchanges a user's access token for another one of the same user (RFC 8693). */
  exchangeToken(subjectToken: string, target: TokenTarget): Promise<TargetGrantOutcome>;
}

/** The parameters that name a target at the token endpoint. */
export function targetParams({ resource, audience, scope = [] }: TokenTarget): Record<string, string> {
  return {
    ...(resource === undefined ? {} : { resource }),
    ...(audience === undefined ? {} : { audience }),
    ...(scope.length === 0 ? {} : { scope: scope.join(' ') }),
  };
}
