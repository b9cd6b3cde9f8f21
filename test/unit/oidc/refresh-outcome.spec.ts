import { describe, expect, it } from '@jest/globals';
import { breaksContinuity, toRefreshFailure } from '../../../src/oidc/refresh-outcome.ts';

describe('what an answer without tokens means', () => {
  it.each([
    [{ kind: 'error', error: 'invalid_grant', status: 400 } as const, { kind: 'refused', error: 'invalid_grant', status: 400 }],
    [{ kind: 'error', error: 'invalid_client', status: 401 } as const, { kind: 'refused', error: 'invalid_client', status: 401 }],
    [
      { kind: 'error', error: 'temporarily_unavailable', status: 400 } as const,
      { kind: 'failed', sent: true, cause: 'temporarily_unavailable' },
    ],
    [{ kind: 'throttled', retryAfter: 17 } as const, { kind: 'throttled', retryAfter: 17 }],
    [{ kind: 'throttled' } as const, { kind: 'throttled', retryAfter: 5, assumed: true }],
    [{ kind: 'unusable', cause: 'token_type' } as const, { kind: 'failed', sent: true, cause: 'token_type' }],
    [{ kind: 'unreadable', cause: 'http_503', retryAfter: 9 } as const, { kind: 'failed', sent: true, cause: 'http_503', retryAfter: 9 }],
    [{ kind: 'failed', sent: false, cause: 'refused' } as const, { kind: 'failed', sent: false, cause: 'refused' }],
    [{ kind: 'failed', sent: true, cause: 'reset' } as const, { kind: 'failed', sent: true, cause: 'reset' }],
    [{ kind: 'not-sent', cause: 'X' } as const, { kind: 'failed', sent: false, cause: 'X' }],
  ])('maps %j', (reply, outcome) => {
    expect(toRefreshFailure(reply)).toEqual(outcome);
  });
});

describe('a refused refreshed ID token', () => {
  it.each(['sub', 'iss', 'aud', 'azp', 'alg', 'signature'])('breaks the continuity by %s', (check) => {
    expect(breaksContinuity(check)).toBe(true);
  });

  it.each(['exp', 'iat', 'unknown_key', 'keys_unavailable'])('leaves the session alone by %s', (check) => {
    expect(breaksContinuity(check)).toBe(false);
  });
});
