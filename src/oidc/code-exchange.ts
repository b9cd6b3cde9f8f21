import { checkAuthorizationResponse } from './authorization-response.ts';
import { toExchangeFailure, unavailable } from './exchange-failure.ts';
import type { GrantAdvice } from './grant-advice.ts';
import type { CallbackRequest, ExchangeOutcome } from './identity-provider.ts';
import type { ProviderKeys } from './provider-keys.ts';
import type { ProviderMetadata } from './provider-metadata.ts';
import type { ProviderRequests } from './provider-requests.ts';
import type { SignIn } from './sign-in.ts';

export interface CodeExchangeOptions {
  readonly metadata: ProviderMetadata;
  readonly keys: ProviderKeys;
  readonly requests: ProviderRequests;
  readonly signIn: SignIn;
  readonly advice: GrantAdvice;
}

/** The way from the authorization response to a user: response check, code grant, ID token, userinfo. */
export class CodeExchange {
  readonly #options: CodeExchangeOptions;

  constructor(options: CodeExchangeOptions) {
    this.#options = options;
  }

  async exchange(request: CallbackRequest): Promise<ExchangeOutcome> {
    const { metadata, keys, requests, signIn, advice } = this.#options;
    const document = await metadata.ready();
    if (document === undefined) return unavailable({ spent: false });
    const refused = checkAuthorizationResponse(request, document);
    if (refused !== undefined) return this.#advised(refused);
    // A code is good once: it is not spent while its ID token could not be verified anyway.
    if (!(await keys.ready())) return unavailable({ spent: false });
    const reply = await requests.codeGrant(document, request);
    if (reply.kind !== 'tokens') return toExchangeFailure(reply, (error) => advice.give('code', error));
    const { nonce, maxAge } = request;
    return signIn.finish(document, reply.tokens, { nonce, ...(maxAge === undefined ? {} : { maxAge }) });
  }

  #advised(refused: Extract<ExchangeOutcome, { kind: 'refused' }>): ExchangeOutcome {
    if (refused.reason !== 'provider_error' || refused.providerError === undefined) return refused;
    const advice = this.#options.advice.give('authorization', refused.providerError);
    return advice === undefined ? refused : { ...refused, advice };
  }
}
