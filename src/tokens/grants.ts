import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { IdentityProvider, RefreshOutcome, RefreshRequest } from '../oidc/identity-provider.ts';
import type { Session } from '../session/session.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { RefreshOptions } from './refresh-options.ts';
import { endsInTime, isOver, mayRepeat } from './refresh-policy.ts';

/** `refrained`: the provider was not asked at all. Seconds. */
export type GrantOutcome =
  RefreshOutcome | { readonly kind: 'refrained'; readonly code: 'provider_unavailable' | 'overloaded'; readonly retryAfter: number };

/** The right to spend one refresh token, for a time. */
export interface Lease {
  /** From then on somebody else may spend the same refresh token. Milliseconds. */
  readonly until: number;
  /** Says that the refresh token is being sent, and begins the lease anew. `undefined`: it is lost, or may be. */
  extend(): Promise<Lease | undefined>;
}

const OVERLOADED: GrantOutcome = { kind: 'refrained', code: 'overloaded', retryAfter: 1 };

/** Spends refresh tokens: at most `maxInFlight` at once, at most two tries each, and none while the provider is known to be down. */
export class Grants {
  readonly #provider: IdentityProvider;
  readonly #policy: RefreshOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #providerTimeout: number;
  readonly #breaker: CircuitBreaker;
  #running = 0;

  constructor(o: { provider: IdentityProvider; policy: RefreshOptions; providerTimeout: number; clock: Clock; logger: Logger }) {
    this.#provider = o.provider;
    this.#policy = o.policy;
    this.#clock = o.clock;
    this.#logger = o.logger;
    this.#providerTimeout = o.providerTimeout;
    this.#breaker = new CircuitBreaker(o.policy.breaker, o.clock);
  }

  /** No try begins that could last beyond the lease. */
  async spend(session: Session, refreshToken: string, lease: Lease): Promise<GrantOutcome> {
    if (this.#running >= this.#policy.maxInFlight) return OVERLOADED;
    const admission = this.#breaker.admit();
    if (admission.kind === 'refused') return { kind: 'refrained', code: 'provider_unavailable', retryAfter: admission.retryAfter };
    this.#running++;
    let answered = false;
    try {
      const outcome = await this.#tryTwice(session, refreshToken, lease);
      answered = outcome.kind !== 'failed';
      return outcome;
    } finally {
      this.#running--;
      this.#report(answered);
    }
  }

  async #tryTwice(session: Session, refreshToken: string, lease: Lease): Promise<RefreshOutcome> {
    const request: RefreshRequest = { refreshToken, sub: session.sub, scope: session.scope };
    if (!endsInTime(this.#clock.now(), lease.until, this.#providerTimeout))
      return { kind: 'failed', sent: false, cause: 'lease_too_short' };
    // Nobody waits for it: it is written before the grant is, and says something only should this process vanish.
    void lease.extend();
    const first = await this.#provider.refresh(request);
    if (first.kind !== 'failed') return first;
    this.#logger.debug('refresh_attempt_failed', { cause: first.cause, sent: first.sent });
    const situation = { over: isOver(session, this.#clock.now()), providerLeeway: this.#policy.providerLeeway };
    if (!mayRepeat(first, situation)) return first;
    const again = await lease.extend();
    return again !== undefined && endsInTime(this.#clock.now(), again.until, this.#providerTimeout)
      ? this.#provider.refresh(request)
      : first;
  }

  #report(answered: boolean): void {
    const issuer = this.#provider.issuer;
    if (answered && this.#breaker.succeeded()) this.#logger.info('provider_circuit_closed', { issuer });
    if (!answered && this.#breaker.failed()) this.#logger.warn('provider_circuit_opened', { issuer, pauseMs: this.#policy.breaker.pause });
  }
}
