import type { ExchangeOutcome, ExchangeUnavailable } from './identity-provider.ts';
import { isTransient, registeredError } from './oidc-errors.ts';
import type { TokenReply } from './provider-requests.ts';

const RETRY_AFTER_S = 5;

/** What an answer of the token endpoint without tokens means for a login (RFC 6749 §5.2). `advise` is asked what to look at. */
export function toExchangeFailure(
  reply: Exclude<TokenReply, { kind: 'tokens' }>,
  advise: (error: string) => string | undefined,
): Exclude<ExchangeOutcome, { kind: 'signed-in' }> {
  switch (reply.kind) {
    case 'error': {
      if (isTransient(reply.error)) return unavailable({ spent: true });
      const advice = advise(reply.error);
      const refused = { reason: 'exchange_refused', providerError: registeredError(reply.error), check: 'token_endpoint' } as const;
      return { kind: 'refused', ...refused, ...(advice === undefined ? {} : { advice }) };
    }
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

export function unavailable({ spent, retryAfter }: { spent: boolean; retryAfter?: number | undefined }): ExchangeUnavailable {
  return { kind: 'unavailable', retryAfter: retryAfter ?? RETRY_AFTER_S, spent };
}
