/** A random source that says the same thing for the same seed (mulberry32), so that a failure can be had again. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, below). */
  integer(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  }

  chance(oneIn: number): boolean {
    return this.integer(oneIn) === 0;
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.integer(values.length)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  }

  /** Text of these characters. */
  text(alphabet: string, longest: number): string {
    return Array.from({ length: this.integer(longest + 1) }, () => alphabet[this.integer(alphabet.length)]).join('');
  }
}
