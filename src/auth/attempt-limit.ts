import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';

export interface AttemptLimitOptions {
  readonly perMinute: number;
  readonly clock: Clock;
  /** How many keys are remembered at most. */
  readonly most?: number;
}

const MINUTE_MS = 60_000;
const MOST_KEYS = 10_000;
const ROUNDING_MS = 0.5;

/**
 * Attempts a minute for each key (an address, a user name): `perMinute` at once, then one whenever a share of the minute has passed.
 * Keys are kept as a keyed hash only, in bounded memory: one whose attempts are all back is as good as new and forgotten.
 */
export class AttemptLimit {
  readonly #options: AttemptLimitOptions;
  readonly #secret = randomBytes(32);
  /** When all attempts of a key are back, in the order of the last counted attempt. */
  readonly #wholeAt = new Map<string, number>();

  constructor(options: AttemptLimitOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#wholeAt.size;
  }

  /** Counts one attempt: `undefined` = admitted, else the seconds until the next one is. A refused attempt is not counted. */
  take(key: string): number | undefined {
    const { perMinute, clock } = this.#options;
    const now = clock.now();
    const hashed = createHmac('sha256', this.#secret).update(key).digest('base64');
    const next = Math.max(now, this.#whole(hashed, now)) + MINUTE_MS / perMinute;
    const early = next - now - MINUTE_MS;
    if (early > ROUNDING_MS) return Math.ceil((early - ROUNDING_MS) / 1000);
    this.#wholeAt.delete(hashed);
    this.#wholeAt.set(hashed, next);
    this.#forget(now);
    return undefined;
  }

  /** Never further away than a minute: a clock that was set back locks nobody out for longer. */
  #whole(hashed: string, now: number): number {
    const wholeAt = this.#wholeAt.get(hashed) ?? now;
    if (wholeAt <= now + MINUTE_MS) return wholeAt;
    this.#wholeAt.set(hashed, now + MINUTE_MS);
    return now + MINUTE_MS;
  }

  #forget(now: number): void {
    const most = this.#options.most ?? MOST_KEYS;
    for (const [key, wholeAt] of this.#wholeAt) {
      if (wholeAt > now && this.#wholeAt.size <= most) return;
      this.#wholeAt.delete(key);
    }
  }
}
