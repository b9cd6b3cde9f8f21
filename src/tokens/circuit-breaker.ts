import type { Clock } from '../kernel/clock.ts';
import type { BreakerOptions } from './refresh-options.ts';

/** `probe`: the one call whose outcome decides whether others may follow. */
export interface Admitted {
  readonly kind: 'admitted';
  readonly probe?: true;
}

/** `retryAfter` in seconds. */
export type Admission = Admitted | { readonly kind: 'refused'; readonly retryAfter: number };

const ADMITTED: Admitted = { kind: 'admitted' };
const PROBE: Admitted = { kind: 'admitted', probe: true };

/**
 * Keeps us from asking a provider that is down. After enough failures in a row it opens for a pause; then one call is let through
 * and decides. Every admitted call must be reported with `succeeded` or `failed`, or with `withdrawn` when it was not made.
 */
export class CircuitBreaker {
  readonly #options: BreakerOptions;
  readonly #clock: Clock;
  #failures = 0;
  #openedAt: number | undefined;
  #probing = false;

  constructor(options: BreakerOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  admit(): Admission {
    if (this.#openedAt === undefined) return ADMITTED;
    const passed = this.#clock.now() - this.#openedAt;
    // A negative time passed means that the clock was set back: better to ask too early than never.
    if (passed >= 0 && passed < this.#options.pause)
      return { kind: 'refused', retryAfter: Math.ceil((this.#options.pause - passed) / 1000) };
    if (this.#probing) return { kind: 'refused', retryAfter: 1 };
    this.#probing = true;
    return PROBE;
  }

  withdrawn({ probe }: Admitted): void {
    if (probe === true) this.#probing = false;
  }

  /** The provider answered, whatever it said. True when this closed the breaker. */
  succeeded(): boolean {
    const wasOpen = this.#openedAt !== undefined;
    this.#failures = 0;
    this.#openedAt = undefined;
    this.#probing = false;
    return wasOpen;
  }

  /** The provider gave no usable answer. True when this opened the breaker, after it had been closed. */
  failed(): boolean {
    const wasOpen = this.#openedAt !== undefined;
    this.#failures++;
    this.#probing = false;
    if (this.#failures < this.#options.failures) return false;
    this.#openedAt = this.#clock.now();
    return !wasOpen;
  }
}
