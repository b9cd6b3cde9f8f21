import type { Clock } from '../kernel/clock.ts';
import { HeadLeases } from './head-leases.ts';
import { HeadShelf, type HeadEntry } from './head-shelf.ts';
import type { Claim, Claimant, Head, LocalHeads, SessionHead } from './session-head.ts';
import { ageSince } from './session-limits.ts';

export interface MemorySessionHeadOptions {
  readonly clock: Clock;
  /** `refresh.handover`: how long a confirmed ticket is still handed over. Milliseconds, like all here. */
  readonly handover: number;
  /** `refresh.confirmAfter`. */
  readonly confirmAfter: number;
  /** `session.idle`: how long an unconfirmed ticket is kept. */
  readonly idle: number;
  /** `refresh.headMemory`, bytes. */
  readonly memory: number;
}

/** The heads of this process. Every method does its work before it returns its promise: that is what makes each one step. */
export class MemorySessionHead implements SessionHead, LocalHeads {
  readonly #options: MemorySessionHeadOptions;
  readonly #shelf: HeadShelf;
  readonly #leases = new HeadLeases();

  constructor(options: MemorySessionHeadOptions) {
    this.#options = options;
    this.#shelf = new HeadShelf(options.memory);
  }

  /** How many tickets and numbers the byte bound has pushed out: sessions that a late request may have lost. */
  get evicted(): number {
    return this.#shelf.evicted;
  }

  claim(claimant: Claimant, leaseMs: number): Promise<Claim> {
    return Promise.resolve(this.#claim(claimant, leaseMs));
  }

  spending(sid: string, generation: number, leaseMs: number): Promise<boolean> {
    return Promise.resolve(this.#leases.spending(sid, generation, leaseMs, this.#options.clock.now()));
  }

  publish(sid: string, generation: number, ticket: string, endsAt: number): Promise<boolean> {
    return Promise.resolve(this.#publish(sid, generation, ticket, endsAt));
  }

  confirm(sid: string, generation: number): Promise<void> {
    this.#confirm(sid, generation);
    return Promise.resolve();
  }

  release(sid: string, generation: number, doubtful = false): Promise<void> {
    this.#leases.release(sid, generation, doubtful, this.#options.clock.now());
    return Promise.resolve();
  }

  forget(sid: string): Promise<void> {
    this.#shelf.remove(sid);
    this.#leases.remove(sid);
    return Promise.resolve();
  }

  /** What another process knows of a session, when it knows more than this one: a newer generation, or that the browser has its ticket. */
  learn(sid: string, head: Head, endsAt: number): void {
    const known = this.#shelf.get(sid);
    if (known !== undefined && known.head.generation > head.generation) return;
    this.#shelf.put(sid, { head, endsAt: known?.endsAt ?? endsAt });
  }

  /** All heads, those with a ticket first, and the oldest first among them. For a shared store that has lost what it had. */
  heads(): readonly (HeadEntry & { readonly sid: string })[] {
    return this.#shelf.entries.flatMap(({ sid, endsAt }) => {
      const head = this.newest(sid);
      return head === undefined || head.elsewhere === true ? [] : [{ sid, head, endsAt }];
    });
  }

  newest(sid: string): Head | undefined {
    const entry = this.#shelf.get(sid);
    if (entry === undefined) return undefined;
    const now = this.#options.clock.now();
    if (now >= entry.endsAt) this.#shelf.remove(sid);
    else if (entry.head.ticket === undefined || this.#mayHandOver(entry.head, now)) return entry.head;
    else return this.#onlyTheNumber(sid, entry);
    return undefined;
  }

  /** Nobody else knows anything. */
  current(_sid: string, head: Head): Head {
    return head;
  }

  /** What another process made without telling us is no reason to withhold what we have. */
  outrun(): void {
    return undefined;
  }

  #publish(sid: string, generation: number, ticket: string, endsAt: number): boolean {
    const now = this.#options.clock.now();
    const newest = this.newest(sid);
    this.#shelf.sweep(now);
    if (newest?.generation === generation) {
      if (newest.ticket !== undefined) return newest.ticket === ticket;
      // The browser was faster than this word of its ticket: what is left of the handover is for those who are behind it.
      const { elsewhere: _, ...head } = newest;
      this.#shelf.put(sid, { head: { ...head, ticket }, endsAt });
      return true;
    }
    if (generation <= Math.max(newest?.generation ?? 0, this.#leases.generationOf(sid))) return false;
    this.#shelf.put(sid, { head: { generation, ticket, setAt: now }, endsAt });
    this.#leases.remove(sid);
    return true;
  }

  #claim(claimant: Claimant, leaseMs: number): Claim {
    const { sid, generation } = claimant;
    const head = this.newest(sid);
    const now = this.#options.clock.now();
    const heldUntil = this.#leases.heldUntil(sid, now);
    if (head !== undefined && head.generation > generation) {
      const { ticket } = head;
      if (ticket !== undefined) return { kind: 'newer', ...head, ticket };
      // What is being made now is for older generations too.
      return heldUntil === undefined ? { kind: 'superseded', generation: head.generation } : { kind: 'busy', until: heldUntil };
    }
    this.#confirm(sid, generation);
    if (heldUntil !== undefined) return { kind: 'busy', until: heldUntil };
    this.#raise(claimant, now);
    const doubt = this.#leases.take(claimant, leaseMs, now);
    return { kind: 'granted', until: now + leaseMs, ...(doubt === undefined ? {} : { doubt }) };
  }

  // The browser has a newer generation than we know of (another process made it): older ones must not go on.
  #raise({ sid, generation, endsAt }: Claimant, now: number): void {
    const entry = this.#shelf.get(sid);
    if (generation <= Math.max(entry?.head.generation ?? 0, 1)) return;
    this.#shelf.put(sid, { head: { generation, setAt: now, confirmedAt: now }, endsAt: entry?.endsAt ?? endsAt });
  }

  #confirm(sid: string, generation: number): void {
    const entry = this.#shelf.get(sid);
    const now = this.#options.clock.now();
    if (entry?.head.generation !== generation || entry.head.confirmedAt !== undefined) return;
    if (ageSince(entry.head.setAt, now) < this.#options.confirmAfter) return;
    this.#shelf.put(sid, { head: { ...entry.head, confirmedAt: now }, endsAt: entry.endsAt });
  }

  #mayHandOver({ setAt, confirmedAt }: Head, now: number): boolean {
    if (confirmedAt === undefined) return ageSince(setAt, now) < this.#options.idle;
    return ageSince(confirmedAt, now) < this.#options.handover;
  }

  #onlyTheNumber(sid: string, { head, endsAt }: HeadEntry): Head {
    const { ticket: _, ...number } = head;
    this.#shelf.put(sid, { head: number, endsAt });
    return number;
  }
}
