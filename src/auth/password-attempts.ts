import type { Clock } from '../kernel/clock.ts';
import { AttemptLimit } from './attempt-limit.ts';
import { clientNetwork } from './client-network.ts';

/** Which limit was reached, and the seconds until it admits again. */
export interface TooManyAttempts {
  readonly limit: 'address' | 'user';
  readonly retryAfter: number;
}

/** How often somebody may try a password: by where they come from, and by whom they claim to be. Known to this process alone. */
export class PasswordAttempts {
  readonly #byAddress: AttemptLimit;
  readonly #byUser: AttemptLimit;

  constructor(options: { readonly perMinute: number; readonly clock: Clock }) {
    this.#byAddress = new AttemptLimit(options);
    this.#byUser = new AttemptLimit(options);
  }

  /** The address first: who has used up its attempts cannot use up those of a user. */
  take(address: string, username: string): TooManyAttempts | undefined {
    const byAddress = this.#byAddress.take(clientNetwork(address));
    if (byAddress !== undefined) return { limit: 'address', retryAfter: byAddress };
    // Most providers take these for the same user, so that other spellings are no further attempts.
    const byUser = this.#byUser.take(username.trim().normalize('NFKC').toLowerCase());
    return byUser === undefined ? undefined : { limit: 'user', retryAfter: byUser };
  }
}
