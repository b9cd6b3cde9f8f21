import type { RefreshOutcome } from './identity-provider.ts';
import type { TokenTarget } from './token-target.ts';

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
