import type { Clock } from '../kernel/clock.ts';
import type { Timer } from '../kernel/timer.ts';

export interface GrantSlotsOptions {
  /** Grants at once. */
  readonly most: number;
  readonly clock: Clock;
  readonly timer: Timer;
}

export interface Queueing {
  /** Who asks: nobody asks twice at the same time. */
  readonly key: string;
  /** 0: only a slot that is free now. Milliseconds. */
  readonly patience: number;
  /** Its turn had come before, and it gave the slot back. */
  readonly again?: boolean;
}

/** What tells who waits whether the turn was taken. */
type Settle = (taken: boolean) => void;

/** A queue of this many rounds is served in ten seconds by a provider that takes half a second for a grant. */
const ROUNDS_WAITING = 20;
/** However long a provider wishes to be left alone: one grant now and then tells whether it still does. */
const LONGEST_PAUSE_MS = 10_000;

/**
 * Whose turn it is to ask the provider: a bounded queue in order of arrival. A provider that limits its clients is left alone for as
 * long as it says, and then asked by fewer at once: half of them, and one more with each full round that went well.
 */
export class GrantSlots {
  readonly #options: GrantSlotsOptions;
  /** How many may wait. */
  #longest: number;
  /** In the order of arrival. */
  readonly #waiting = new Map<string, Settle>();
  /** Those whose turn had come before: they come first. */
  readonly #again = new Map<string, Settle>();
  #taken = 0;
  /** How many at once are tried at the moment; not a whole number while it grows. */
  #atOnce: number;
  #pause: { readonly from: number; readonly until: number; readonly cancel: () => void } | undefined;

  constructor(options: GrantSlotsOptions) {
    this.#options = options;
    this.#longest = options.most * ROUNDS_WAITING;
    this.#atOnce = options.most;
  }

  /** Whether whoever comes now would have to wait. */
  get crowded(): boolean {
    return this.#waiting.size + this.#again.size > 0 || !this.#hasRoom();
  }

  isWaiting(key: string): boolean {
    return this.#waiting.has(key) || this.#again.has(key);
  }

  /** False: the queue is full, or it took too long. A slot that was taken is given back with `free`, once. */
  take(queueing: Queueing): boolean | Promise<boolean> {
    // A pause may have ended without its alarm, when the clock was put forward.
    this.#serve();
    if (!this.crowded) {
      this.#taken++;
      return true;
    }
    if (queueing.patience <= 0 || this.#isFull(queueing)) return false;
    return this.#queue(queueing);
  }

  free(): void {
    this.#taken--;
    this.#serve();
  }

  /** Takes somebody out of the queue. */
  withdraw(key: string): void {
    (this.#again.get(key) ?? this.#waiting.get(key))?.(false);
  }

  /** From now on nobody waits. */
  close(): void {
    this.#longest = 0;
    for (const settle of [...this.#again.values(), ...this.#waiting.values()]) settle(false);
  }

  /** The provider said that it was asked too often. Seconds. */
  throttled(retryAfter: number): void {
    const now = this.#options.clock.now();
    // What was under way together is told together: that is one reason to slow down.
    if (!this.#isPaused(now)) this.#atOnce = Math.max(1, Math.floor(Math.min(this.#taken, this.#atOnce) / 2));
    const before = this.#isPaused(now) ? this.#pause : undefined;
    const until = Math.max(before?.until ?? 0, now + Math.min(retryAfter * 1000, LONGEST_PAUSE_MS));
    this.#pause?.cancel();
    this.#pause = { from: before?.from ?? now, until, cancel: this.#options.timer.after(until - now, () => this.#resume()) };
  }

  /** The provider answered, and not that it was asked too often. */
  answered(): void {
    this.#atOnce = Math.min(this.#options.most, this.#atOnce + 1 / this.#atOnce);
  }

  /** Never to whoever had been let in before, except when nobody waits any more. */
  #isFull({ again = false }: Queueing): boolean {
    return again ? this.#longest === 0 : this.#waiting.size >= this.#longest;
  }

  #queue({ key, patience, again = false }: Queueing): Promise<boolean> {
    const line = again ? this.#again : this.#waiting;
    return new Promise((resolve) => {
      const settle = (taken: boolean): void => {
        cancel();
        line.delete(key);
        resolve(taken);
      };
      const cancel = this.#options.timer.after(patience, () => settle(false));
      line.set(key, settle);
    });
  }

  #serve(): void {
    for (let next = this.#next(); next !== undefined && this.#hasRoom(); next = this.#next()) {
      this.#taken++;
      next(true);
    }
  }

  #next(): Settle | undefined {
    const [first] = this.#again.size > 0 ? this.#again.values() : this.#waiting.values();
    return first;
  }

  #resume(): void {
    this.#pause = undefined;
    this.#serve();
  }

  #hasRoom(): boolean {
    return this.#taken < Math.floor(this.#atOnce) && !this.#isPaused(this.#options.clock.now());
  }

  #isPaused(now: number): boolean {
    // Before its beginning: the clock was set back, and asking too early is the smaller harm.
    return this.#pause !== undefined && now >= this.#pause.from && now < this.#pause.until;
  }
}
