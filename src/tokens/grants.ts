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

  /** `leaseEnd`: from then on somebody else may spend the same refresh token, so no try begins that could last beyond it. */
  async spend(session: Session, refreshToken: string, leaseEnd: number): Promise<GrantOutcome> {
    if (this.#running >= this.#policy.maxInFlight) return OVERLOADED;
    const admission = this.#breaker.admit();
    if (admission.kind === 'refused') return { kind: 'refrained', code: 'provider_unavailable', retryAfter: admission.retryAfter };
    this.#running++;
    let answered = false;
    try {
      const outcome = await this.#tryTwice(session, refreshToken, leaseEnd);
      answered = outcome.kind !== 'failed';
      return outcome;
    } finally {
      this.#running--;
      this.#report(answered);
    }
  }

  async #tryTwice(session: Session, refreshToken: string, leaseEnd: number): Promise<RefreshOutcome> {
    const request: RefreshRequest = { refreshToken, sub: session.sub, scope: session.scope };
    const first = await this.#provider.refresh(request);
    if (first.kind !== 'failed') return first;
    this.#logger.debug('refresh_attempt_failed', { cause: first.cause, sent: first.sent });
    const now = this.#clock.now();
    if (!endsInTime(now, leaseEnd, this.#providerTimeout)) return first;
    const situation = { over: isOver(session, now), providerLeeway: this.#policy.providerLeeway };
    return mayRepeat(first, situation) ? this.#provider.refresh(request) : first;
  }

  #report(answered: boolean): void {
    const issuer = this.#provider.issuer;
    if (answered && this.#breaker.succeeded()) this.#logger.info('provider_circuit_closed', { issuer });
    if (!answered && this.#breaker.failed()) this.#logger.warn('provider_circuit_opened', { issuer, pauseMs: this.#policy.breaker.pause });
  }
}
