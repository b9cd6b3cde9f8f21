/** An unsealed value. The payload is frozen, because many requests share it. */
export interface Sealed {
  readonly kind: 'sealed';
  readonly payload: unknown;
}

interface Entry {
  /** The key's own text. The one looked up may be a slice that keeps a whole request header alive. */
  readonly value: string;
  readonly sealed: Sealed;
  readonly bytes: number;
  usedAgain: boolean;
}

const ENTRY_OVERHEAD = 512;
/** Parsed JSON against its text, roughly. */
const PARSED_FACTOR = 2;

const flatCopy = (value: string): string => Buffer.from(value, 'latin1').toString('latin1');

/**
 * Unsealed values by their exact text, bounded in (estimated) bytes. Successes only. Out of room, the oldest goes unless it was
 * used since it was last looked at: nearly least-recently-used, and a hit costs one look-up and no reordering.
 */
export class UnsealCache {
  readonly #limit: number;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(value: string): Sealed | undefined {
    const entry = this.#entries.get(value);
    if (entry === undefined) return undefined;
    entry.usedAgain = true;
    return entry.sealed;
  }

  /** `payloadBytes`: the length of the payload's JSON. */
  add(value: string, sealed: Sealed, payloadBytes: number): void {
    this.#remove(value);
    const bytes = value.length + PARSED_FACTOR * payloadBytes + ENTRY_OVERHEAD;
    if (bytes > this.#limit) return;
    this.#makeRoom(bytes); // before it is in: the newest must not be the one to go
    const entry = { value: flatCopy(value), sealed, bytes, usedAgain: false };
    this.#entries.set(entry.value, entry);
    this.#bytes += bytes;
  }

  /** Estimated bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  #makeRoom(bytes: number): void {
    for (const [value, entry] of this.#entries) {
      if (this.#bytes + bytes <= this.#limit) return;
      if (entry.usedAgain) this.#keepOnce(entry);
      else this.#remove(value);
    }
  }

  // To the end of the line, where this round of eviction meets it again if it still needs room.
  #keepOnce(entry: Entry): void {
    entry.usedAgain = false;
    this.#entries.delete(entry.value);
    this.#entries.set(entry.value, entry);
  }

  #remove(value: string): void {
    const entry = this.#entries.get(value);
    if (entry === undefined) return;
    this.#entries.delete(value);
    this.#bytes -= entry.bytes;
  }
}
