import type { PresentedCookie, SessionCookie } from '../cookie/session-cookie.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Revocations } from './revocations.ts';
import type { LocalHeads } from './session-head.ts';
import { ageSince, cookieMaxAge } from './session-limits.ts';
import type { SessionLookup, TakenTicket } from './session-lookup.ts';

export interface TicketDeliveryOptions {
  readonly cookie: SessionCookie;
  readonly heads: LocalHeads;
  readonly revocations: Revocations;
  readonly clock: Clock;
  /** `refresh.handover`, ms. */
  readonly handover: number;
}

/**
 * What a response does to the session cookie, decided at the moment its head is written: a response that took long must neither
 * replace a newer cookie nor bring back a session that has ended meanwhile. Whatever is left out, the next request makes good.
 */
export class TicketDelivery {
  readonly #options: TicketDeliveryOptions;

  constructor(options: TicketDeliveryOptions) {
    this.#options = options;
  }

  /** Set-Cookie lines; none when the ticket must not go out any more. */
  setCookies(taken: TakenTicket | undefined, presented: PresentedCookie): readonly string[] {
    if (taken === undefined || !this.#mayGoOut(taken)) return [];
    const { value, session } = taken.ticket;
    return this.#options.cookie.write(value, cookieMaxAge(session, this.#options.clock.now()), presented);
  }

  /** Clearing lines for a session that is over, or for a cookie that fails its MAC under a key we know. */
  clearing(lookup: SessionLookup, presented: PresentedCookie): readonly string[] {
    return this.#mustGo(lookup) ? this.#options.cookie.clear(presented) : [];
  }

  #mayGoOut({ ticket, takenAt }: TakenTicket): boolean {
    const { session } = ticket;
    const now = this.#options.clock.now();
    if (now >= session.endsAt || ageSince(takenAt, now) >= this.#options.handover / 2) return false;
    const head = this.#options.heads.newest(session.sid);
    if (head !== undefined && head.generation > session.generation) return false;
    if (this.#options.revocations.causeOf(session) !== undefined) return false;
    // The head hands over what a refresh made, and that may have grown over the budget: the browser keeps what it has.
    return this.#options.cookie.fits(ticket.value);
  }

  #mustGo(lookup: SessionLookup): boolean {
    switch (lookup.kind) {
      case 'expired':
        return lookup.mayHaveSuccessor !== true;
      case 'revoked':
        return lookup.cause !== 'replaced'; // the browser holds the cookie of the login that replaced it
      case 'unreadable':
        return lookup.reason === 'tampered';
      default:
        return false;
    }
  }
}
