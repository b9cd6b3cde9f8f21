import { BoundedMap } from '../kernel/bounded-map.ts';

const MOST_SESSIONS = 100_000;

/** Remembers of which generation of a session something was said already. Bounded: the oldest are forgotten, and said again. */
export class ToldGenerations {
  readonly #told = new BoundedMap<number>(MOST_SESSIONS);

  /** True when this generation was not told before. */
  add(sid: string, generation: number): boolean {
    if ((this.#told.get(sid) ?? 0) >= generation) return false;
    this.#told.set(sid, generation);
    return true;
  }
}
