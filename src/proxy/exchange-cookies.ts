import type { PresentedCookie } from '../cookie/session-cookie.ts';
import type { EndedLookup } from '../session/session-failure.ts';
import type { TakenTicket } from '../session/session-lookup.ts';
import type { TicketDelivery } from '../session/ticket-delivery.ts';

/** The session cookie of one request: what came, and what is to go out with its answer. Decided when that is written. */
export class ExchangeCookies {
  presented: PresentedCookie | undefined;
  /** Set when the request is signed out, for the clearing lines of a 401. */
  ended: EndedLookup | undefined;
  taken: TakenTicket | undefined;
  /** A re-seal for activity: it rides on ordinary answers only. */
  idle: TakenTicket | undefined;
  readonly #delivery: Pick<TicketDelivery, 'setCookies' | 'clearing'>;

  constructor(delivery: Pick<TicketDelivery, 'setCookies' | 'clearing'>) {
    this.#delivery = delivery;
  }

  /** Set-Cookie lines beside the upstream's head. */
  ofAnswer(isEventStream: boolean): readonly string[] {
    return this.#setting(isEventStream ? this.taken : (this.taken ?? this.idle));
  }

  /** Set-Cookie lines beside an answer of ours. */
  ofOwnAnswer(): readonly string[] {
    if (this.ended === undefined) return this.#setting(this.taken ?? this.idle);
    return this.presented === undefined ? [] : this.#delivery.clearing(this.ended, this.presented);
  }

  /** Nothing goes out. */
  forget(): void {
    this.taken = this.idle = this.ended = undefined;
  }

  #setting(taken: TakenTicket | undefined): readonly string[] {
    return taken === undefined || this.presented === undefined ? [] : this.#delivery.setCookies(taken, this.presented);
  }
}
