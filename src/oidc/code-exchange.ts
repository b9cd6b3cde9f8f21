import type { CallbackRequest, ExchangeOutcome, ExchangeUnavailable, TokenSet } from './identity-provider.ts';
import { checkAuthorizationResponse } from './authorization-response.ts';
import type { IdTokenVerifier } from './id-token-verifier.ts';
import type { ProviderDocument } from './metadata-document.ts';
import type { MissingRefreshToken } from './missing-refresh-token.ts';
import { isTransient, registeredError } from './oidc-errors.ts';
import type { ProviderKeys } from './provider-keys.ts';
import type { ProviderMetadata } from './provider-metadata.ts';
import type { ProviderRequests, TokenReply } from './provider-requests.ts';
import type { TokenRevoker } from './token-revoker.ts';
import type { UserinfoClaims } from './userinfo-claims.ts';

const RETRY_AFTER_S = 5;

export interface CodeExchangeOptions {
  readonly metadata: ProviderMetadata;
  readonly keys: ProviderKeys;
  readonly requests: ProviderRequests;
  readonly idTokens: IdTokenVerifier;
  readonly userinfo: UserinfoClaims;
  readonly missingRefreshToken: MissingRefreshToken;
  readonly revoker: TokenRevoker;
  /** `offline_access` was asked for. */
  readonly refreshTokenExpected: boolean;
}

/** The way from the authorization response to a user: response check, code grant, ID token, userinfo. */
export class CodeExchange {
  readonly #options: CodeExchangeOptions;

  constructor(options: CodeExchangeOptions) {
    this.#options = options;
  }

  async exchange(request: CallbackRequest): Promise<ExchangeOutcome> {
    const { metadata, keys, requests } = this.#options;
    const document = await metadata.ready();
    if (document === undefined) return unavailable({ spent: false });
    const refused = checkAuthorizationResponse(request, document);
    if (refused !== undefined) return refused;
    // A code is good once: it is not spent while its ID token could not be verified anyway.
    if (!(await keys.ready())) return unavailable({ spent: false });
    const reply = await requests.codeGrant(document, request);
    if (reply.kind !== 'tokens') return toExchangeFailure(reply);
    const outcome = await this.#signIn(document, request, reply.tokens);
    const { refreshToken } = reply.tokens;
    // Nobody will ever use it, and it may live for months. The browser's answer does not wait for the provider's.
    if (outcome.kind !== 'signed-in' && refreshToken !== undefined) void this.#options.revoker.revoke(refreshToken);
    return outcome;
  }

  async #signIn(document: ProviderDocument, request: CallbackRequest, tokens: TokenSet): Promise<ExchangeOutcome> {
    const { idTokens, userinfo, missingRefreshToken, refreshTokenExpected } = this.#options;
    if (tokens.idToken === undefined) return idTokenInvalid('id_token_missing');
    const { nonce, maxAge } = request;
    const expected = { nonce, accessToken: tokens.accessToken, ...(maxAge === undefined ? {} : { maxAge }) };
    const verdict = await idTokens.verify(tokens.idToken, document.algorithms, expected);
    if (verdict.kind === 'unavailable') return unavailable({ spent: true });
    if (verdict.kind === 'invalid') return idTokenInvalid(verdict.check);
    const completed = await userinfo.complete(document, verdict.claims, verdict.sub, tokens.accessToken);
    if (completed.kind === 'unavailable') return unavailable({ spent: true });
    if (completed.kind === 'other-subject') return idTokenInvalid('userinfo_sub');
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

function toExchangeFailure(reply: Exclude<TokenReply, { kind: 'tokens' }>): ExchangeOutcome {
  switch (reply.kind) {
    case 'error':
      if (isTransient(reply.error)) return unavailable({ spent: true });
      return { kind: 'refused', reason: 'exchange_refused', providerError: registeredError(reply.error), check: 'token_endpoint' };
    case 'unusable':
    case 'not-sent':
      return { kind: 'refused', reason: 'exchange_refused', check: reply.cause };
    case 'throttled':
      return unavailable({ spent: false, retryAfter: reply.retryAfter }); // 429 is said before anything is done (RFC 6585 §4)
    case 'unreadable':
      return unavailable({ spent: true, retryAfter: reply.retryAfter });
    case 'failed':
      return unavailable({ spent: reply.sent });
  }
}

function idTokenInvalid(check: string): ExchangeOutcome {
  return { kind: 'refused', reason: 'id_token_invalid', check };
}

function unavailable({ spent, retryAfter }: { spent: boolean; retryAfter?: number | undefined }): ExchangeUnavailable {
  return { kind: 'unavailable', retryAfter: retryAfter ?? RETRY_AFTER_S, spent };
}
