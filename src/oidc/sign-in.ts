import type { DistributedClaims } from './distributed-claims.ts';
import { unavailable } from './exchange-failure.ts';
import type { ExchangeOutcome, TokenSet } from './identity-provider.ts';
import type { IdTokenVerifier, LoginExpectation } from './id-token-verifier.ts';
import type { ProviderDocument } from './metadata-document.ts';
import type { MissingRefreshToken } from './missing-refresh-token.ts';
import type { TokenRevoker } from './token-revoker.ts';
import type { UserinfoClaims } from './userinfo-claims.ts';

export interface SignInOptions {
  readonly idTokens: IdTokenVerifier;
  readonly userinfo: UserinfoClaims;
  readonly distributedClaims: DistributedClaims;
  readonly missingRefreshToken: MissingRefreshToken;
  readonly revoker: TokenRevoker;
  /** It was asked for: by the scope `offline_access`, or as Google wants it. */
  readonly refreshTokenExpected: boolean;
}

type Expected = Omit<LoginExpectation, 'accessToken'>;

/** From the tokens of a login to its user, whatever grant brought them: ID token, userinfo, and a word about a missing refresh token. */
export class SignIn {
  readonly #options: SignInOptions;

  constructor(options: SignInOptions) {
    this.#options = options;
  }

  /** Tokens that bring no login are handed back. */
  async finish(document: ProviderDocument, tokens: TokenSet, expected: Expected): Promise<ExchangeOutcome> {
    const outcome = await this.#judge(document, tokens, expected);
    // Nobody will ever use it, and it may live for months. The browser's answer does not wait for the provider's.
    if (outcome.kind !== 'signed-in' && tokens.refreshToken !== undefined) void this.#options.revoker.revoke(tokens.refreshToken);
    return outcome;
  }

  async #judge(document: ProviderDocument, tokens: TokenSet, expected: Expected): Promise<ExchangeOutcome> {
    const { idTokens, userinfo, distributedClaims, missingRefreshToken, refreshTokenExpected } = this.#options;
    if (tokens.idToken === undefined) return idTokenInvalid('id_token_missing');
    const verdict = await idTokens.verify(tokens.idToken, document.algorithms, { ...expected, accessToken: tokens.accessToken });
    if (verdict.kind === 'unavailable') return unavailable({ spent: true });
    if (verdict.kind === 'invalid') return idTokenInvalid(verdict.check);
    const completed = await userinfo.complete(document, verdict.claims, verdict.sub, tokens.accessToken);
    if (completed.kind === 'unavailable') return unavailable({ spent: true });
    if (completed.kind === 'other-subject') return idTokenInvalid('userinfo_sub');
    distributedClaims.check(completed.claims);
    if (refreshTokenExpected && tokens.refreshToken === undefined) missingRefreshToken.warn();
    return {
      kind: 'signed-in',
      tokens,
      claims: completed.claims,
      sub: verdict.sub,
      ...(verdict.sid === undefined ? {} : { providerSid: verdict.sid }),
      idTokenIssuedAt: verdict.issuedAt,
    };
  }
}

function idTokenInvalid(check: string): ExchangeOutcome {
  return { kind: 'refused', reason: 'id_token_invalid', check };
}
