import type { Clock } from '../kernel/clock.ts';
import type { Timer } from '../kernel/timer.ts';

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 30_000;
/** A login that finds nothing loads again at once, but not more often than this. */
const ON_DEMAND_PAUSE_MS = 250;

/** `cause` is a word for the log; `misconfigured`: repeating alone will not help, somebody has to look. */
export type Fetched<T> =
  { readonly kind: 'fetched'; readonly value: T } | { readonly kind: 'failed'; readonly cause: string; readonly misconfigured: boolean };

export interface LastGoodOptions<T> {
  /** Never rejects. */
  readonly load: () => Promise<Fetched<T>>;
  /** Milliseconds until the next reading after a good one; absent = only when asked. */
  readonly interval?: number;
  readonly clock: Clock;
  /** Told about every attempt that ended. */
  readonly onEnd?: (outcome: Fetched<T>) => void;
  readonly timer: Timer;
}

/**
 * Something fetched from the provider and kept: the last good copy survives any later failure. Failures repeat in the background with
 * a jittered, doubling pause (250 ms … 30 s). One attempt runs at a time; timers never keep the process alive.
 */
export class LastGood<T> {
  readonly #options: LastGoodOptions<T>;
  #value: T | undefined;
  #status: 'up' | 'down' | 'unknown' = 'unknown';
  #running: Promise<Fetched<T>> | undefined;
  #failures = 0;
  #endedAt = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(options: LastGoodOptions<T>) {
    this.#options = options;
  }

  get current(): T | undefined {
    return this.#value;
  }

  /** How the last attempt ended. */
  get status(): 'up' | 'down' | 'unknown' {
    return this.#status;
  }

  /** The attempt under way, if any. */
  get running(): Promise<Fetched<T>> | undefined {
    return this.#running;
  }

  /** The copy at hand; without one, the outcome of the running attempt or of a new one. */
  async ready(): Promise<T | undefined> {
    if (this.#value !== undefined) return this.#value;
    const since = this.#options.clock.now() - this.#endedAt;
    const resting = since >= 0 && since < ON_DEMAND_PAUSE_MS; // a clock set back must not make us rest for as long
    if (this.#running === undefined && resting) return undefined;
    await this.reload();
    return this.#value;
  }

  /** Loads now, or joins the attempt that is under way. */
  reload(): Promise<Fetched<T>> {
    this.#running ??= this.#attempt();
    return this.#running;
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  async #attempt(): Promise<Fetched<T>> {
    this.#cancel?.();
    const outcome = await this.#options.load();
    this.#running = undefined;
    this.#endedAt = this.#options.clock.now();
    this.#failures = outcome.kind === 'fetched' ? 0 : this.#failures + 1;
    this.#status = outcome.kind === 'fetched' ? 'up' : 'down';
    if (outcome.kind === 'fetched') this.#value = outcome.value;
    if (this.#closed) return outcome;
    this.#options.onEnd?.(outcome);
    this.#scheduleNext();
    return outcome;
  }

  #scheduleNext(): void {
    const delay = this.#failures === 0 ? this.#options.interval : retryDelay(this.#failures);
    if (delay === undefined) return;
    this.#cancel = this.#options.timer.after(delay, () => void this.reload());
  }
}

function retryDelay(failures: number): number {
  const full = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 10));
  return Math.round(full * (0.5 + Math.random() / 2));
}
