import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { OnAnswered } from '../kernel/request-fact.ts';
import type { LiveConnections } from '../session/live-connections.ts';
import type { TicketDelivery } from '../session/ticket-delivery.ts';

/** What every exchange of one frontend shares. */
export interface ExchangeContext {
  /** `path` is `''` or `/a`. */
  readonly publicUrl: { readonly origin: string; readonly path: string };
  /** Path-absolute, with publicUrl's path: `/bff/login`. */
  readonly loginUrl: string;
  readonly delivery: Pick<TicketDelivery, 'setCookies' | 'clearing'>;
  readonly owns: (name: string) => boolean;
  readonly live: LiveConnections;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told once for every request on a route. */
  readonly onAnswered?: OnAnswered;
}
