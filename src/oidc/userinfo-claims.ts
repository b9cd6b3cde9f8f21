import type { Claims } from '../kernel/claims.ts';
import type { Logger } from '../kernel/logger.ts';
import type { ProviderDocument } from './metadata-document.ts';
import type { ProviderOptions } from './provider-options.ts';
import type { ProviderRequests } from './provider-requests.ts';

export interface UserinfoClaimsOptions {
  readonly requests: ProviderRequests;
  readonly logger: Logger;
  readonly mode: ProviderOptions['userinfo'];
  readonly wantedClaims: readonly string[];
}

export type CompletedClaims =
  { readonly kind: 'complete'; readonly claims: Claims } | { readonly kind: 'other-subject' } | { readonly kind: 'unavailable' };

/** Completes the claims of an ID token from userinfo (OIDC Core §5.3). The ID token's own claims win: they are signed. */
export class UserinfoClaims {
  readonly #options: UserinfoClaimsOptions;

  constructor(options: UserinfoClaimsOptions) {
    this.#options = options;
  }

  /** `unavailable` only with `always`: with `auto` a userinfo endpoint that fails leaves the claims as they are. */
  async complete(document: ProviderDocument, claims: Claims, sub: string, accessToken: string): Promise<CompletedClaims> {
    const { mode, requests, logger } = this.#options;
    if (!this.#wanted(claims) || document.userinfoEndpoint === undefined) return { kind: 'complete', claims };
    const reply = await requests.userinfo(document, accessToken, sub);
    if (reply.kind === 'claims') return { kind: 'complete', claims: { ...reply.claims, ...claims } };
    if (reply.kind === 'other-subject') return reply;
    logger.warn('userinfo_failed', { cause: reply.cause });
    return mode === 'always' ? { kind: 'unavailable' } : { kind: 'complete', claims };
  }

  #wanted(claims: Claims): boolean {
    const { mode, wantedClaims } = this.#options;
    if (mode === 'auto') return wantedClaims.some((name) => claims[name] === undefined);
    return mode === 'always';
  }
}
