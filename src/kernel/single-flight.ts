/** Lets concurrent callers of one key share one run. A settled run is forgotten: this is no cache. */
export class SingleFlight<T> {
  readonly #running = new Map<string, Promise<T>>();

  run(key: string, start: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const flight = start().finally(() => this.#running.delete(key));
    this.#running.set(key, flight);
    return flight;
  }

  /** The run under way for this key, if any. */
  current(key: string): Promise<T> | undefined {
    return this.#running.get(key);
  }
}
