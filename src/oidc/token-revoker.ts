import type { Logger } from '../kernel/logger.ts';
import type { RevokeOutcome } from './identity-provider.ts';
import type { ProviderMetadata } from './provider-metadata.ts';
import type { ProviderRequests } from './provider-requests.ts';

export interface TokenRevokerOptions {
  readonly metadata: ProviderMetadata;
  readonly requests: ProviderRequests;
  readonly logger: Logger;
}

/** Hands refresh tokens back to the provider (RFC 7009), and is the one to say when that failed. */
export class TokenRevoker {
  readonly #options: TokenRevokerOptions;

  constructor(options: TokenRevokerOptions) {
    this.#options = options;
  }

  /** Never rejects. A provider without the endpoint is nothing to mention: there is nothing that anybody could do. */
  async revoke(refreshToken: string): Promise<RevokeOutcome> {
    const document = await this.#options.metadata.ready();
    if (document !== undefined && document.revocationEndpoint === undefined) return 'no-endpoint';
    const cause = document === undefined ? 'metadata_unknown' : await this.#options.requests.revoke(document, refreshToken);
    if (cause === undefined) return 'revoked';
    this.#options.logger.warn('token_revocation_failed', { cause });
    return 'failed';
  }
}
