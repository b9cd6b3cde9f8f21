import type { Logger } from '../kernel/logger.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Timer } from '../kernel/timer.ts';
import type { SessionHead } from './session-head.ts';

export interface SharedTicket {
  readonly sid: string;
  readonly generation: number;
  readonly ticket: string;
  /** The session's absolute limit, ms. */
  readonly endsAt: number;
}

export interface UnsharedTicketsOptions {
  readonly shared: Pick<SessionHead, 'publish'>;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

const RETRY_MS = 500;
const MOST_TICKETS = 10_000;

/**
 * Publishes tickets to the shared store, and keeps those it would not take for another time: without them another replica would
 * spend a refresh token that is spent. Bounded: the oldest go first.
 */
export class UnsharedTickets {
  readonly #options: UnsharedTicketsOptions;
  readonly #waiting = new Map<string, SharedTicket>();
  #cancel: (() => void) | undefined;

  constructor(options: UnsharedTicketsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves when the store has the ticket, or has failed to take it at once. */
  async share(ticket: SharedTicket): Promise<void> {
    if (await this.#publish(ticket)) {
      this.#waiting.delete(ticket.sid);
      return;
    }
    if (this.#waiting.size === 0) this.#options.logger.warn('refresh_publish_delayed');
    this.later([ticket]);
  }

  /** Publishes these when the store can be had, a few at a time. */
  later(tickets: readonly SharedTicket[]): void {
    for (const ticket of tickets) this.#keep(ticket);
    this.#cancel ??= this.#options.timer.after(RETRY_MS, () => {
      this.#cancel = undefined;
      void this.#shareAll();
    });
  }

  forget(sid: string): void {
    this.#waiting.delete(sid);
  }

  close(): void {
    this.#cancel?.();
    this.#waiting.clear();
  }

  #keep(ticket: SharedTicket): void {
    const known = this.#waiting.get(ticket.sid);
    if (known !== undefined && known.generation > ticket.generation) return;
    this.#waiting.delete(ticket.sid);
    this.#waiting.set(ticket.sid, ticket);
    if (this.#waiting.size <= MOST_TICKETS) return;
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined) this.#waiting.delete(oldest);
  }

  /** One after the other, and no further than the first that fails: the store is still away then. */
  async #shareAll(): Promise<void> {
    for (const ticket of [...this.#waiting.values()]) {
      const isOver = this.#options.clock.now() >= ticket.endsAt;
      if (!isOver && !(await this.#publish(ticket))) break;
      if (this.#waiting.get(ticket.sid) === ticket) this.#waiting.delete(ticket.sid);
    }
    if (this.#waiting.size > 0) this.later([]);
    else this.#options.logger.info('refresh_publish_caught_up');
  }

  async #publish({ sid, generation, ticket, endsAt }: SharedTicket): Promise<boolean> {
    try {
      await this.#options.shared.publish(sid, generation, ticket, endsAt);
      return true;
    } catch {
      // Whatever it was, it is tried again; the store's connection says what is wrong with it.
      return false;
    }
  }
}
