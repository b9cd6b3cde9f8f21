import type { RefreshOutcome } from './identity-provider.ts';
import { isTransient } from './oidc-errors.ts';
import type { TokenReply } from './provider-requests.ts';

/** No tokens came of it. */
export type RefreshFailureOutcome = Exclude<RefreshOutcome, { kind: 'granted' | 'subject-changed' }>;

const DEFAULT_RETRY_AFTER_S = 5;

/** What a refresh grant without tokens means for a session (RFC 6749 §5.2). */
export function toRefreshFailure(reply: Exclude<TokenReply, { kind: 'tokens' }>): RefreshFailureOutcome {
  switch (reply.kind) {
    case 'error':
      if (isTransient(reply.error)) return { kind: 'failed', sent: true, cause: reply.error };
      return { kind: 'refused', error: reply.error, status: reply.status };
    case 'throttled':
      if (reply.retryAfter !== undefined) return { kind: 'throttled', retryAfter: reply.retryAfter };
      return { kind: 'throttled', retryAfter: DEFAULT_RETRY_AFTER_S, assumed: true };
    case 'unusable':
      return { kind: 'failed', sent: true, cause: reply.cause };
    case 'unreadable':
      return {
        kind: 'failed',
        sent: true,
        cause: reply.cause,
        ...(reply.retryAfter === undefined ? {} : { retryAfter: reply.retryAfter }),
      };
    case 'failed':
      return { kind: 'failed', sent: reply.sent, cause: reply.cause };
    case 'not-sent':
      return { kind: 'failed', sent: false, cause: reply.cause };
  }
}

/**
 * Failed checks of a refreshed ID token that say the tokens are not this user's any more, or not from this provider to us
 * (OIDC Core §12.2). Others, such as a clock that is off or a key we do not know yet, only mean that the claims stay as they are.
 */
export function breaksContinuity(check: string): boolean {
  return ['sub', 'iss', 'aud', 'azp', 'alg', 'signature'].includes(check);
}
