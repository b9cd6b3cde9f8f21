import type { Head } from './session-head.ts';
import { SlowSweep } from './slow-sweep.ts';

export interface HeadEntry {
  readonly head: Head;
  /** The session's absolute limit, ms: nothing of it is of use after that. */
  readonly endsAt: number;
}

const ENTRY_OVERHEAD = 256;

const bytesOf = (sid: string, { head }: HeadEntry): number => ENTRY_OVERHEAD + sid.length + (head.ticket?.length ?? 0);

const firstOf = (sids: Map<string, HeadEntry>): [string, HeadEntry] | undefined => {
  for (const first of sids) return first;
  return undefined;
};

/**
 * Heads within a bound of (estimated) bytes. Out of room, confirmed tickets go first, for their browsers have them; then the
 * oldest unconfirmed tickets; and only when no ticket is left, the oldest numbers.
 */
export class HeadShelf {
  readonly #limit: number;
  // One map for each rank, oldest first. A session is in exactly one of them.
  readonly #confirmed = new Map<string, HeadEntry>();
  readonly #unconfirmed = new Map<string, HeadEntry>();
  readonly #numbers = new Map<string, HeadEntry>();
  readonly #ranks = [this.#confirmed, this.#unconfirmed, this.#numbers];
  readonly #sweeps = this.#ranks.map((rank) => new SlowSweep(rank));
  #bytes = 0;
  #evicted = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get evicted(): number {
    return this.#evicted;
  }

  get(sid: string): HeadEntry | undefined {
    return this.#unconfirmed.get(sid) ?? this.#confirmed.get(sid) ?? this.#numbers.get(sid);
  }

  /** Those with a ticket first; the oldest of each rank first. */
  get entries(): readonly (HeadEntry & { readonly sid: string })[] {
    return this.#ranks.flatMap((rank) => [...rank].map(([sid, entry]) => ({ sid, ...entry })));
  }

  put(sid: string, entry: HeadEntry): void {
    this.#place(sid, entry);
    while (this.#bytes > this.#limit && this.#evictOne());
  }

  remove(sid: string): void {
    const entry = this.get(sid);
    if (entry === undefined) return;
    for (const rank of this.#ranks) rank.delete(sid);
    this.#bytes -= bytesOf(sid, entry);
  }

  /** Drops a few entries whose session is over. */
  sweep(now: number): void {
    for (const sweep of this.#sweeps) {
      sweep.step(
        ({ endsAt }) => now >= endsAt,
        (sid) => this.remove(sid),
      );
    }
  }

  #place(sid: string, entry: HeadEntry): void {
    this.remove(sid);
    this.#rankOf(entry).set(sid, entry);
    this.#bytes += bytesOf(sid, entry);
  }

  #rankOf({ head }: HeadEntry): Map<string, HeadEntry> {
    if (head.ticket === undefined) return this.#numbers;
    return head.confirmedAt === undefined ? this.#unconfirmed : this.#confirmed;
  }

  #evictOne(): boolean {
    const victim = firstOf(this.#confirmed) ?? firstOf(this.#unconfirmed) ?? firstOf(this.#numbers);
    if (victim === undefined) return false;
    const [sid, entry] = victim;
    this.remove(sid);
    this.#evicted += 1;
    const { ticket, ...number } = entry.head;
    // The number costs little and keeps an older generation from the provider.
    if (ticket !== undefined) this.#place(sid, { ...entry, head: number });
    return true;
  }
}
