import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Timer } from '../kernel/timer.ts';
import type { IdentityProvider, RefreshOutcome, RefreshRequest } from '../oidc/identity-provider.ts';
import type { Session } from '../session/session.ts';
import { CircuitBreaker, type Admitted } from './circuit-breaker.ts';
import { GrantSlots, type Queueing } from './grant-slots.ts';
import type { RefreshOptions } from './refresh-options.ts';
import { endsInTime, isOver, mayRepeat, refreshKey } from './refresh-policy.ts';

/** The provider is not asked at all. Seconds. */
export interface Refrained {
  readonly kind: 'refrained';
  readonly code: 'provider_unavailable' | 'overloaded';
  readonly retryAfter: number;
}

/** The right to spend one refresh token, for a time. */
export interface Lease {
  /** From then on somebody else may spend the same refresh token. Milliseconds. */
  readonly until: number;
  /** Says that the refresh token is being sent, and begins the lease anew. `undefined`: it is lost, or may be. */
  extend(): Promise<Lease | undefined>;
}

/** A refresh token, and what for: nothing else said, for the session's own access token. */
export type Spent = Pick<RefreshRequest, 'refreshToken' | 'target'>;

/** A turn to ask the provider. */
export interface GrantSlot {
  readonly kind: 'slot';
  /** At most two tries, and none that could last beyond the lease: maybe none at all. The turn is over with it. */
  spend(session: Session, spent: Spent, lease: Lease): Promise<RefreshOutcome>;
  /** Gives back a turn that was not used; after one that was, nothing happens. */
  free(): void;
}

export interface GrantsOptions {
  readonly provider: IdentityProvider;
  readonly policy: RefreshOptions;
  readonly providerTimeout: number;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly logger: Logger;
}

/** For everybody, when the provider names no time: most limits count by the second. */
const ASSUMED_PAUSE_S = 1;
const LEASE_TOO_SHORT: RefreshOutcome = { kind: 'failed', sent: false, cause: 'lease_too_short' };
const OVERLOADED: Refrained = { kind: 'refrained', code: 'overloaded', retryAfter: 1 };

/**
 * Spends refresh tokens: at most `maxInFlight` at once and the others in their turn, none while the provider is known to be down,
 * and no more than it can bear when it says that it is asked too often.
 */
export class Grants {
  readonly #options: GrantsOptions;
  readonly #breaker: CircuitBreaker;
  readonly #slots: GrantSlots;

  constructor(options: GrantsOptions) {
    this.#options = options;
    this.#breaker = new CircuitBreaker(options.policy.breaker, options.clock);
    this.#slots = new GrantSlots({ most: options.policy.maxInFlight, clock: options.clock, timer: options.timer });
  }

  /** Whether a grant would have to wait for its turn now: no time for refreshes that can wait themselves. */
  get crowded(): boolean {
    return this.#slots.crowded;
  }

  /** Whether this session's refresh waits for its turn. */
  isWaiting(session: Session): boolean {
    return this.#slots.isWaiting(refreshKey(session));
  }

  /** To be had before the lease of the refresh token, which is too short for waiting. */
  async slot(session: Session, queueing: Omit<Queueing, 'key'>): Promise<GrantSlot | Refrained> {
    if (!(await this.#slots.take({ ...queueing, key: refreshKey(session) }))) return OVERLOADED;
    const admission = this.#breaker.admit();
    if (admission.kind === 'admitted') return this.#slot(admission);
    this.#slots.free();
    return { kind: 'refrained', code: 'provider_unavailable', retryAfter: admission.retryAfter };
  }

  /** Takes a session's refresh out of the queue. */
  withdraw(session: Session): void {
    this.#slots.withdraw(refreshKey(session));
  }

  /** Empties the queue, for good. */
  close(): void {
    this.#slots.close();
  }

  #slot(admission: Admitted): GrantSlot {
    let over = false;
    const free = (): void => {
      if (over) return;
      over = true;
      this.#breaker.withdrawn(admission);
      this.#slots.free();
    };
    const spend: GrantSlot['spend'] = async (session, spent, lease) => {
      if (!endsInTime(this.#options.clock.now(), lease.until, this.#options.providerTimeout)) {
        // This process was too slow, which says nothing about the provider.
        free();
        return LEASE_TOO_SHORT;
      }
      over = true;
      return this.#spend(session, spent, lease).finally(() => this.#slots.free());
    };
    return { kind: 'slot', spend, free };
  }

  async #spend(session: Session, spent: Spent, lease: Lease): Promise<RefreshOutcome> {
    let answered = false;
    try {
      const outcome = await this.#tryTwice(session, spent, lease);
      answered = outcome.kind !== 'failed';
      if (outcome.kind === 'throttled') this.#slots.throttled(outcome.assumed === true ? ASSUMED_PAUSE_S : outcome.retryAfter);
      else if (answered) this.#slots.answered();
      return outcome;
    } finally {
      this.#report(answered);
    }
  }

  async #tryTwice(session: Session, spent: Spent, lease: Lease): Promise<RefreshOutcome> {
    const { provider, clock, policy, providerTimeout, logger } = this.#options;
    const request: RefreshRequest = { ...spent, sub: session.sub, scope: session.scope };
    const sentAt = clock.now();
    // Nobody waits for it: it is written before the grant is, and says something only should this process vanish.
    void extended(lease);
    const first = await provider.refresh(request);
    if (first.kind !== 'failed') return first;
    logger.debug('refresh_attempt_failed', { cause: first.cause, sent: first.sent });
    const now = clock.now();
    // The provider may have rotated the token as soon as it was sent: the leeway runs from there.
    const situation = { over: isOver(session, now), providerLeeway: policy.providerLeeway - (now - sentAt) };
    if (!mayRepeat(first, situation)) return first;
    const again = await extended(lease);
    return again !== undefined && endsInTime(clock.now(), again.until, providerTimeout) ? provider.refresh(request) : first;
  }

  #report(answered: boolean): void {
    const { provider, policy, logger } = this.#options;
    const { issuer } = provider;
    if (answered && this.#breaker.succeeded()) logger.info('provider_circuit_closed', { issuer });
    if (!answered && this.#breaker.failed()) logger.warn('provider_circuit_opened', { issuer, pauseMs: policy.breaker.pause });
  }
}

/** A lease that cannot be extended, for whatever reason, may be lost. */
async function extended(lease: Lease): Promise<Lease | undefined> {
  try {
    return await lease.extend();
  } catch {
    return undefined; // the head has said what is the matter when it was asked for the lease, or says it when it is given back
  }
}
