import type { Clock } from '../kernel/clock.ts';
import type { OwnResponse } from '../kernel/failure-response.ts';
import type { Session } from '../session/session.ts';

/** The answer of one callback. `session` is the one it began, if any. */
export interface CallbackAnswer {
  readonly response: OwnResponse;
  readonly session?: Session;
}

interface Kept {
  readonly answer: CallbackAnswer;
  readonly until: number;
}

const KEPT_MS = 60_000;
const MOST_KEPT = 500;

/**
 * Answers of callbacks by state, for a second delivery of the same authorization response (a reload, a browser that repeats a
 * request whose answer was lost). Only a hint: a forgotten answer means that the provider is asked, and refuses the code.
 */
export class KeptAnswers {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(state: string): CallbackAnswer | undefined {
    const kept = this.#kept.get(state);
    return kept === undefined || kept.until <= this.#clock.now() ? undefined : kept.answer;
  }

  /** Entries are in the order of their end, so the old and the surplus ones are at the front. */
  keep(state: string, answer: CallbackAnswer): void {
    const now = this.#clock.now();
    this.#kept.set(state, { answer, until: now + KEPT_MS });
    for (const [oldest, { until }] of this.#kept) {
      if (until > now && this.#kept.size <= MOST_KEPT) return;
      this.#kept.delete(oldest);
    }
  }
}
