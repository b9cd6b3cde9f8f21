import type { ProviderDocument } from './metadata-document.ts';
import type { ProviderMetadata } from './provider-metadata.ts';
import type { ProviderRequests, TokenReply } from './provider-requests.ts';
import { toRefreshFailure } from './refresh-outcome.ts';
import type { TargetGrantOutcome } from './token-issuer.ts';
import { targetParams, type TokenTarget } from './token-target.ts';

export interface TargetGrantsOptions {
  readonly metadata: Pick<ProviderMetadata, 'ready'>;
  readonly requests: Pick<ProviderRequests, 'clientCredentialsGrant' | 'tokenExchange'>;
}

const RETRY_AFTER_S = 5;

/** The two grants that need no login. What their answers hold besides an access token is of no use to anybody here. */
export class TargetGrants {
  readonly #options: TargetGrantsOptions;

  constructor(options: TargetGrantsOptions) {
    this.#options = options;
  }

  clientCredentials(target: TokenTarget): Promise<TargetGrantOutcome> {
    return this.#ask((document) => this.#options.requests.clientCredentialsGrant(document, targetParams(target)));
  }

  exchange(subjectToken: string, target: TokenTarget): Promise<TargetGrantOutcome> {
    return this.#ask((document) => this.#options.requests.tokenExchange(document, subjectToken, targetParams(target)));
  }

  async #ask(send: (document: ProviderDocument) => Promise<TokenReply>): Promise<TargetGrantOutcome> {
    const document = await this.#options.metadata.ready();
    if (document === undefined) return { kind: 'failed', sent: false, cause: 'metadata_unknown', retryAfter: RETRY_AFTER_S };
    const reply = await send(document);
    return reply.kind === 'tokens' ? { kind: 'granted', tokens: reply.tokens } : toRefreshFailure(reply);
  }
}
