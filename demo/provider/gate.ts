/** Holds requests until somebody opens it: order without sleeping. Once open it stays open. */
export class Gate {
  readonly #opened = Promise.withResolvers<undefined>();
  #waiting: { count: number; resolve: () => void }[] = [];
  #arrived = 0;

  /** How many requests have come to the gate so far. */
  get arrived(): number {
    return this.#arrived;
  }

  /** Resolves when at least `count` requests have come. */
  waitFor(count: number): Promise<void> {
    if (this.#arrived >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  open(): void {
    this.#opened.resolve(undefined);
  }

  async pass(): Promise<void> {
    this.#arrived += 1;
    const ready = this.#waiting.filter(({ count }) => count <= this.#arrived);
    this.#waiting = this.#waiting.filter((waiter) => !ready.includes(waiter));
    for (const { resolve } of ready) resolve();
    await this.#opened.promise;
  }
}
