import { toExchangeFailure, unavailable } from './exchange-failure.ts';
import type { GrantAdvice } from './grant-advice.ts';
import type { ExchangeOutcome, PasswordLoginRequest } from './identity-provider.ts';
import type { ProviderKeys } from './provider-keys.ts';
import type { ProviderMetadata } from './provider-metadata.ts';
import type { ProviderRequests } from './provider-requests.ts';
import type { SignIn } from './sign-in.ts';

export interface PasswordGrantOptions {
  readonly metadata: ProviderMetadata;
  readonly keys: ProviderKeys;
  readonly requests: ProviderRequests;
  readonly signIn: SignIn;
  readonly advice: GrantAdvice;
}

/**
 * The way from a user name and a password to a user (RFC 6749 §4.3). RFC 9700 §2.4 and OAuth 2.1 forbid it: only where somebody has
 * switched it on.
 */
export class PasswordGrant {
  readonly #options: PasswordGrantOptions;

  constructor(options: PasswordGrantOptions) {
    this.#options = options;
  }

  async login(request: PasswordLoginRequest): Promise<ExchangeOutcome> {
    const { metadata, keys, requests, signIn, advice } = this.#options;
    const document = await metadata.ready();
    // A password travels only when its answer could be verified.
    if (document === undefined || !(await keys.ready())) return unavailable({ spent: false });
    const reply = await requests.passwordGrant(document, request);
    if (reply.kind !== 'tokens') return toExchangeFailure(reply, (error) => advice.give('password', error));
    // No browser went to the provider, so there is no nonce to look for.
    return signIn.finish(document, reply.tokens, {});
  }
}
