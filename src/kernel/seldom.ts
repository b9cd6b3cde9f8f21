import type { Clock } from './clock.ts';

/** For log lines that everybody would cause: says when it is time for the next one of a kind. Kinds come from a closed set. */
export class Seldom {
  readonly #clock: Clock;
  readonly #every: number;
  readonly #saidAt = new Map<string, number>();

  /** `every` in milliseconds. */
  constructor(clock: Clock, every: number) {
    this.#clock = clock;
    this.#every = every;
  }

  /** True at most once in that time for each kind. Whoever gets it says it. A clock that is set back is no reason to be silent. */
  isTime(kind = ''): boolean {
    const now = this.#clock.now();
    if (Math.abs(now - (this.#saidAt.get(kind) ?? Number.NEGATIVE_INFINITY)) < this.#every) return false;
    this.#saidAt.set(kind, now);
    return true;
  }
}
