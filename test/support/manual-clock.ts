interface Alarm {
  readonly at: number;
  readonly run: () => void;
}

/** Lets everything that needs no timer go as far as it can. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A clock and its timers that move only when told to. */
export class ManualClock {
  #now: number;
  #alarms: Alarm[] = [];

  constructor(now = Date.UTC(2030, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const alarm = { at: this.#now + ms, run };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== alarm);
    };
  }

  /** Moves time and rings the alarms on the way, in their order, each followed by all that it sets off. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#alarms = this.#alarms.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settled();
    }
    this.#now = end;
  }

  /** Sets the time without ringing anything, as an operator or NTP would; backwards too. */
  set(now: number): void {
    this.#now = now;
  }

  /** Alarms that wait to ring. */
  get pending(): number {
    return this.#alarms.length;
  }

  #next(end: number): Alarm | undefined {
    return this.#alarms.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  }
}
