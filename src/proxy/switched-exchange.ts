import type { LiveEnd } from '../session/live-connections.ts';
import type { Session } from '../session/session.ts';
import type { ExchangeContext } from './exchange-context.ts';
import type { ForwardEnd, LivePlan } from './forwarder.ts';
import type { Place } from './traffic.ts';

type SwitchedContext = Pick<ExchangeContext, 'live' | 'clock' | 'logger' | 'onAnswered'>;

interface SwitchedAbout {
  readonly route: string;
  readonly requestId: string;
  readonly method: string;
  readonly session: Session | undefined;
  /** Milliseconds. */
  readonly maxAge: number;
  readonly startedAt: number;
  /** Held until the end. */
  readonly place: Pick<Place, 'leave'>;
}

/**
 * What is left of an exchange whose connection has become a WebSocket. That may live for hours, and the head of its request, with
 * cookies and a token, need not.
 */
export class SwitchedExchange implements LivePlan {
  readonly #shared: SwitchedContext;
  readonly #about: SwitchedAbout;

  constructor(shared: SwitchedContext, about: SwitchedAbout) {
    this.#shared = shared;
    this.#about = about;
  }

  onLive(end: (why: LiveEnd) => void): () => void {
    const { session, maxAge } = this.#about;
    return this.#shared.live.open({ session, maxAge, end });
  }

  onEnd(end: ForwardEnd): void {
    const { route, requestId, method, place, startedAt } = this.#about;
    const { clock, logger, onAnswered } = this.#shared;
    place.leave();
    if (end === 'upstream_lost') logger.warn('upstream_lost', { route, requestId });
    onAnswered?.({ requestId, method, route, status: 101, durationMs: clock.now() - startedAt });
  }
}
