const PIECE = 24;

/** Secrets that must not turn up, and the search for them in any spelling that a text can have. */
export class Canaries {
  readonly #spellings = new Map<string, string>();

  /** Values shorter than eight characters would be found everywhere. */
  add(name: string, value: unknown): void {
    if (typeof value !== 'string' || value.length < 8) return;
    for (const spelling of [value, encodeURIComponent(value), Buffer.from(value).toString('base64'), JSON.stringify(value).slice(1, -1)]) {
      this.#spellings.set(spelling, name);
    }
    // A part of it is as bad. From the middle, because tokens and seals begin alike.
    if (value.length > 2 * PIECE) this.#spellings.set(value.slice(value.length / 2, value.length / 2 + PIECE), name);
  }

  get names(): readonly string[] {
    return [...new Set(this.#spellings.values())];
  }

  /** Names of the secrets that the text holds. */
  in(text: string): string[] {
    return [...new Set([...this.#spellings].filter(([spelling]) => text.includes(spelling)).map(([, name]) => name))];
  }
}
