import type { Clock } from '../kernel/clock.ts';
import type { Revocation, RevocationCause, Revocations } from './revocations.ts';
import { SlowSweep } from './slow-sweep.ts';
import type { Session } from './session.ts';

interface Entry {
  readonly cause: RevocationCause;
  /** Sessions whose ID token was issued at or before this time end. Seconds; Infinity = all. */
  readonly issuedAt: number;
  /** Generations up to this one end; Infinity = all. */
  readonly generation: number;
  readonly until: number;
}

/** The wider one of two entries with one name. A session that a login replaced stays so: its cookie must never be cleared. */
function merged(known: Entry | undefined, added: Entry): Entry {
  if (known === undefined) return added;
  const wider = added.issuedAt > known.issuedAt || added.generation > known.generation ? added : known;
  const cause = added.cause === 'replaced' ? added.cause : wider.cause;
  return { cause, issuedAt: wider.issuedAt, generation: wider.generation, until: Math.max(known.until, added.until) };
}

/** Sessions that end for one name, such as a provider's `sid`. */
class NamedRevocations {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #sweep = new SlowSweep(this.#entries);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(name: string, entry: Entry): void {
    const now = this.#clock.now();
    this.#sweep.step(({ until }) => now >= until);
    this.#entries.set(name, merged(this.#living(name), entry));
  }

  causeOf(name: string, { idTokenIssuedAt, generation }: Session): RevocationCause | undefined {
    const entry = this.#living(name);
    const isMeant = entry !== undefined && idTokenIssuedAt <= entry.issuedAt && generation <= entry.generation;
    return isMeant ? entry.cause : undefined;
  }

  get size(): number {
    return this.#entries.size;
  }

  #living(name: string): Entry | undefined {
    const entry = this.#entries.get(name);
    return entry !== undefined && this.#clock.now() < entry.until ? entry : undefined;
  }
}

/** The revocation list of this process alone. Entries go when no session they name can live any longer. */
export class LocalRevocations implements Revocations {
  readonly #sids: NamedRevocations;
  readonly #providerSids: NamedRevocations;
  readonly #subs: NamedRevocations;
  readonly #listeners: ((revocation: Revocation) => void)[] = [];

  constructor({ clock }: { readonly clock: Clock }) {
    this.#sids = new NamedRevocations(clock);
    this.#providerSids = new NamedRevocations(clock);
    this.#subs = new NamedRevocations(clock);
  }

  causeOf(session: Session): RevocationCause | undefined {
    const { sid, providerSid, sub } = session;
    return (
      this.#sids.causeOf(sid, session) ??
      (providerSid === undefined ? undefined : this.#providerSids.causeOf(providerSid, session)) ??
      this.#subs.causeOf(sub, session)
    );
  }

  add(revocation: Revocation): Promise<void> {
    const { cause, sid, providerSid, sub, issuedAt = Infinity, generation = Infinity, until } = revocation;
    if (sid !== undefined) this.#sids.add(sid, { cause, issuedAt: Infinity, generation, until });
    if (providerSid !== undefined) this.#providerSids.add(providerSid, { cause, issuedAt, generation: Infinity, until });
    if (sub !== undefined) this.#subs.add(sub, { cause, issuedAt, generation: Infinity, until });
    for (const listener of this.#listeners) listener(revocation);
    return Promise.resolve();
  }

  onAdded(listener: (revocation: Revocation) => void): void {
    this.#listeners.push(listener);
  }

  /** Names on the list, for a metric. */
  get size(): number {
    return this.#sids.size + this.#providerSids.size + this.#subs.size;
  }
}
