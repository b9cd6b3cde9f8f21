import type { Clock } from '../kernel/clock.ts';
import { SingleFlight } from '../kernel/single-flight.ts';
import { ageSince } from './session-limits.ts';
import type { ActiveSession, TakenTicket } from './session-lookup.ts';
import type { SessionStore } from './session-store.ts';
import type { Session } from './session.ts';

export interface SessionActivityOptions {
  readonly store: SessionStore;
  readonly clock: Clock;
  /** `session.idleStep`, ms: a re-seal for activity at most this often. */
  readonly idleStep: number;
  /** `refresh.handover`, ms: a re-sealed ticket is given to other requests for half of it. */
  readonly handover: number;
}

/** Moves a session's idle limit: the same generation sealed again with a new last-seen time. */
export class SessionActivity {
  readonly #options: SessionActivityOptions;
  readonly #keep: number;
  readonly #sealing = new SingleFlight<TakenTicket | undefined>();
  /** By sid, the last re-seal, oldest first: concurrent requests of one session all get the same ticket. */
  readonly #recent = new Map<string, TakenTicket>();

  constructor(options: SessionActivityOptions) {
    this.#options = options;
    this.#keep = options.handover / 2;
  }

  /** Undefined when there is nothing to do, which is the common case. A failed seal counts as that: the next request tries again. */
  touch({ session }: ActiveSession): TakenTicket | undefined | Promise<TakenTicket | undefined> {
    const now = this.#options.clock.now();
    if (ageSince(session.lastSeenAt, now) < this.#options.idleStep || session.lastSeenAt >= session.endsAt) return undefined;
    const recent = this.#recent.get(session.sid);
    if (recent !== undefined && this.#serves(recent, session, now)) return recent;
    return this.#sealing.run(`${session.sid} ${session.generation}`, () => this.#seal(session, now));
  }

  #serves({ ticket, takenAt }: TakenTicket, session: Session, now: number): boolean {
    const sameGeneration = ticket.session.generation === session.generation;
    return sameGeneration && ticket.session.lastSeenAt > session.lastSeenAt && ageSince(takenAt, now) < this.#keep;
  }

  async #seal(session: Session, now: number): Promise<TakenTicket | undefined> {
    try {
      const ticket = await this.#options.store.save({ ...session, lastSeenAt: Math.min(now, session.endsAt) });
      const taken = { ticket, takenAt: now };
      this.#remember(session.sid, taken, now);
      return taken;
    } catch {
      // Activity is worth no failed request: the session is as it was, and the store speaks up where it matters.
      return undefined;
    }
  }

  #remember(sid: string, taken: TakenTicket, now: number): void {
    this.#recent.delete(sid);
    this.#recent.set(sid, taken);
    for (const [oldest, { takenAt }] of this.#recent) {
      if (ageSince(takenAt, now) < this.#keep) return;
      this.#recent.delete(oldest);
    }
  }
}
