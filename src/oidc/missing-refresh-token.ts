import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';

const HOUR_MS = 3_600_000;

/** Says, at most once an hour, that logins bring no refresh token although one was asked for, and where to look. */
export class MissingRefreshToken {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  warn(): void {
    const now = this.#clock.now();
    if (now - this.#saidAt < HOUR_MS) return;
    this.#saidAt = now;
    this.#logger.warn('refresh_token_missing', {
      detail:
        'offline access was asked for and the provider returned no refresh token: sessions end with their access token. ' +
        'Look at the client\'s allowed grant types at the provider ("Refresh Token"), and at ' +
        'provider.authorizeParams: prompt=consent (many providers), access_type=offline (Google).',
    });
  }
}
