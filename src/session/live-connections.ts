import type { Clock } from '../kernel/clock.ts';
import type { Timer } from '../kernel/timer.ts';
import type { Revocation, RevocationCause, Revocations } from './revocations.ts';
import type { Session } from './session.ts';

/** Why a live connection ends by our will: its session is over, it has grown too old, or this process stops. */
export type LiveEnd = 'session_expired' | 'session_revoked' | 'max_age' | 'shutdown';

/** A connection that outlives its request: a WebSocket or an event stream. */
export interface LiveConnection {
  /** Absent where the connection needed none. */
  readonly session?: Session | undefined;
  /** Milliseconds from now, whatever the session's limit. */
  readonly maxAge: number;
  /** Called at most once, and never before `open` has returned. */
  readonly end: (why: LiveEnd) => void;
}

export interface LiveConnectionsOptions {
  readonly clock: Clock;
  readonly timer: Timer;
  readonly revocations: Pick<Revocations, 'causeOf' | 'onAdded'>;
}

/** Node's longest timer. What lives longer is looked at again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Entry {
  readonly connection: LiveConnection;
  cancel: () => void;
}

/**
 * Every live connection of one frontend. They end at their session's absolute limit, at their maximum age, or at the moment the
 * session is revoked; never at its idle limit, which they cannot know.
 */
export class LiveConnections {
  readonly #options: LiveConnectionsOptions;
  readonly #entries = new Set<Entry>();
  readonly #bySid = new Map<string, Set<Entry>>();
  #isClosed = false;

  constructor(options: LiveConnectionsOptions) {
    this.#options = options;
    options.revocations.onAdded((revocation) => this.#afterRevocation(revocation));
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Nothing new may begin: this process stops. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Why no connection of this session may begin any more, if so: it was revoked while the upstream was asked. */
  causeOf(session: Session): RevocationCause | undefined {
    return this.#options.revocations.causeOf(session);
  }

  /** Watches over a connection until the returned function is called, or until it is ended. */
  open(connection: LiveConnection): () => void {
    const entry: Entry = { connection, cancel: () => undefined };
    this.#entries.add(entry);
    const sid = connection.session?.sid;
    if (sid !== undefined) this.#setOf(sid).add(entry);
    this.#arm(entry, this.#options.clock.now() + connection.maxAge);
    return () => this.#forget(entry);
  }

  /** Ends all of them for good: what is opened later ends at once. */
  close(): void {
    this.#isClosed = true;
    for (const entry of this.#entries) this.#end(entry, 'shutdown');
  }

  #arm(entry: Entry, oldAt: number): void {
    const { session } = entry.connection;
    const now = this.#options.clock.now();
    // Revoked while the connection was being made.
    const over = this.#isClosed ? 'shutdown' : session === undefined ? undefined : endOf(this.#options.revocations.causeOf(session));
    const endsAt = session?.endsAt ?? Infinity;
    const why = over ?? (endsAt <= oldAt ? 'session_expired' : 'max_age');
    const left = over === undefined ? Math.max(0, Math.min(endsAt, oldAt) - now) : 0;
    entry.cancel = this.#options.timer.after(Math.min(left, LONGEST_TIMER_MS), () => {
      if (left > LONGEST_TIMER_MS) this.#arm(entry, oldAt);
      else this.#end(entry, why);
    });
  }

  #afterRevocation({ sid, providerSid, sub }: Revocation): void {
    const named = providerSid === undefined && sub === undefined && sid !== undefined ? (this.#bySid.get(sid) ?? []) : this.#entries;
    for (const entry of [...named]) {
      const { session } = entry.connection;
      const why = session === undefined ? undefined : endOf(this.#options.revocations.causeOf(session));
      if (why !== undefined) this.#end(entry, why);
    }
  }

  #end(entry: Entry, why: LiveEnd): void {
    this.#forget(entry);
    entry.connection.end(why);
  }

  #forget(entry: Entry): void {
    entry.cancel();
    this.#entries.delete(entry);
    const sid = entry.connection.session?.sid;
    if (sid === undefined) return;
    const entries = this.#bySid.get(sid);
    entries?.delete(entry);
    if (entries?.size === 0) this.#bySid.delete(sid);
  }

  #setOf(sid: string): Set<Entry> {
    const known = this.#bySid.get(sid);
    if (known !== undefined) return known;
    const made = new Set<Entry>();
    this.#bySid.set(sid, made);
    return made;
  }
}

function endOf(cause: RevocationCause | undefined): LiveEnd | undefined {
  if (cause === undefined) return undefined;
  return cause === 'refresh_expired' || cause === 'refresh_abandoned' ? 'session_expired' : 'session_revoked';
}
