/** More than one, so that a sweep outruns the additions that drive it. */
const ENTRIES_PER_STEP = 4;

/** Drops the dead entries of a map a few at a time, round and round, without a timer: whoever adds an entry pays for it. */
export class SlowSweep<T> {
  readonly #map: Map<string, T>;
  #round: MapIterator<[string, T]>;

  constructor(map: Map<string, T>) {
    this.#map = map;
    this.#round = map.entries();
  }

  /** `drop` takes an entry out, where that is more than forgetting its key. */
  step(isDead: (entry: T) => boolean, drop: (key: string) => void = (key) => this.#map.delete(key)): void {
    for (let count = 0; count < ENTRIES_PER_STEP; count += 1) {
      const { done, value } = this.#round.next();
      if (done === true) {
        this.#round = this.#map.entries();
        return;
      }
      const [key, entry] = value;
      if (isDead(entry)) drop(key);
    }
  }
}
