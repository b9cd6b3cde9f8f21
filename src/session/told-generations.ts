const MOST_SESSIONS = 20_000;

/** Remembers of which generation of a session something was said already. Bounded: the oldest are forgotten, and said again. */
export class ToldGenerations {
  readonly #told = new Map<string, number>();

  /** True when this generation was not told before. */
  add(sid: string, generation: number): boolean {
    if ((this.#told.get(sid) ?? 0) >= generation) return false;
    this.#told.delete(sid);
    this.#told.set(sid, generation);
    this.#bound();
    return true;
  }

  #bound(): void {
    if (this.#told.size <= MOST_SESSIONS) return;
    for (const sid of this.#told.keys()) {
      this.#told.delete(sid);
      return;
    }
  }
}
