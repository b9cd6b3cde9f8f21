import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { OnAnswered } from '../kernel/request-fact.ts';
import type { LiveConnections, LiveEnd } from '../session/live-connections.ts';
import type { Session } from '../session/session.ts';
import type { ForwardEnd, LivePlan } from './forwarder.ts';
import type { Traffic } from './traffic.ts';

interface SwitchedContext {
  readonly live: Pick<LiveConnections, 'open'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onAnswered?: OnAnswered;
}

interface SwitchedAbout {
  readonly route: string;
  readonly requestId: string;
  readonly method: string;
  readonly session: Session | undefined;
  readonly traffic: Pick<Traffic, 'maxAge' | 'leave'>;
  readonly startedAt: number;
  /** The place that it holds. */
  readonly entered: { readonly sid: string | undefined } | undefined;
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
    const { session, traffic } = this.#about;
    return this.#shared.live.open({ session, maxAge: traffic.maxAge, end });
  }

  onEnd(end: ForwardEnd): void {
    const { route, requestId, method, traffic, startedAt, entered } = this.#about;
    const { clock, logger, onAnswered } = this.#shared;
    if (entered !== undefined) traffic.leave(entered.sid);
    if (end === 'upstream_lost') logger.warn('upstream_lost', { route, requestId });
    onAnswered?.({ requestId, method, route, status: 101, durationMs: clock.now() - startedAt });
  }
}
