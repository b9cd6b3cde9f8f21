import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';

export interface AttemptLimitOptions {
  readonly perMinute: number;
  readonly clock: Clock;
  /** How many keys are remembered at most. */
  readonly most?: number;
}

interface Bucket {
  /** Attempts that were left at `at`. */
  readonly left: number;
  readonly at: number;
}

const MINUTE_MS = 60_000;
const MOST_KEYS = 10_000;

/**
 * Attempts a minute for each key (an address, a user name): `perMinute` at once, then one whenever a share of the minute has passed.
 * Keys are kept as a keyed hash only, in bounded memory: one that has not come for a minute is as good as new and forgotten.
 */
export class AttemptLimit {
  readonly #options: AttemptLimitOptions;
  readonly #secret = randomBytes(32);
  /** In the order of the last counted attempt. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: AttemptLimitOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Counts one attempt: `undefined` = admitted, else the seconds until the next one is. A refused attempt is not counted. */
  take(key: string): number | undefined {
    const { perMinute, clock } = this.#options;
    const now = clock.now();
    const hashed = createHmac('sha256', this.#secret).update(key).digest('base64');
    const left = this.#left(this.#buckets.get(hashed), now);
    if (left < 1) return Math.ceil(((1 - left) * MINUTE_MS) / perMinute / 1000);
    this.#buckets.delete(hashed);
    this.#buckets.set(hashed, { left: left - 1, at: now });
    this.#forget(now);
    return undefined;
  }

  #left(bucket: Bucket | undefined, now: number): number {
    const { perMinute } = this.#options;
    if (bucket === undefined) return perMinute;
    // A clock that was set back neither gives nor takes.
    const passed = Math.max(0, now - bucket.at);
    return Math.min(perMinute, bucket.left + (passed * perMinute) / MINUTE_MS);
  }

  #forget(now: number): void {
    const most = this.#options.most ?? MOST_KEYS;
    for (const [key, { at }] of this.#buckets) {
      if (now - at < MINUTE_MS && this.#buckets.size <= most) return;
      this.#buckets.delete(key);
    }
  }
}
