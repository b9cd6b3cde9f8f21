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
}

const ENTRY_OVERHEAD = 512;
/** Parsed JSON against its text, roughly. */
const PARSED_FACTOR = 2;

const flatCopy = (value: string): string => Buffer.from(value, 'latin1').toString('latin1');

/** Unsealed values by their exact text, the least recently used dropped first, bounded in (estimated) bytes. Successes only. */
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
    this.#entries.delete(value);
    this.#entries.set(entry.value, entry);
    return entry.sealed;
  }

  /** `payloadBytes`: the length of the payload's JSON. */
  add(value: string, sealed: Sealed, payloadBytes: number): void {
    this.#remove(value);
    const bytes = value.length + PARSED_FACTOR * payloadBytes + ENTRY_OVERHEAD;
    const entry = { value: flatCopy(value), sealed, bytes };
    this.#entries.set(entry.value, entry);
    this.#bytes += bytes;
    this.#evict();
  }

  /** Estimated bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  #evict(): void {
    for (const value of this.#entries.keys()) {
      if (this.#bytes <= this.#limit) return;
      this.#remove(value);
    }
  }

  #remove(value: string): void {
    const entry = this.#entries.get(value);
    if (entry === undefined) return;
    this.#entries.delete(value);
    this.#bytes -= entry.bytes;
  }
}
