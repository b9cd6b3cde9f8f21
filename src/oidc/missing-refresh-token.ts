import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { Seldom } from '../kernel/seldom.ts';

const HOUR_MS = 3_600_000;

/** Says, at most once an hour, that logins bring no refresh token although one was asked for, and where to look. */
export class MissingRefreshToken {
  readonly #seldom: Seldom;
  readonly #logger: Logger;

  constructor(clock: Clock, logger: Logger) {
    this.#seldom = new Seldom(clock, HOUR_MS);
    this.#logger = logger;
  }

  warn(): void {
    if (!this.#seldom.isTime()) return;
    this.#logger.warn('refresh_token_missing', {
      detail:
        'offline access was asked for and the provider returned no refresh token: sessions end with their access token. ' +
        'Look at the client\'s allowed grant types at the provider ("Refresh Token"), and at ' +
        'provider.authorizeParams: prompt=consent (many providers), access_type=offline (Google).',
    });
  }
}
