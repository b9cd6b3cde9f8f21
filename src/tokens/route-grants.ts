import { BoundedMap } from '../kernel/bounded-map.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { Seldom } from '../kernel/seldom.ts';
import { SingleFlight } from '../kernel/single-flight.ts';
import { within, type Timer } from '../kernel/timer.ts';
import { registeredError } from '../oidc/oidc-errors.ts';
import type { TargetGrantOutcome } from '../oidc/token-issuer.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { GrantSlots } from './grant-slots.ts';
import { heldToken, type HeldToken } from './held-token.ts';
import { unavailable, type Unavailable } from './refresh-end.ts';
import type { RefreshOptions } from './refresh-options.ts';
import { judgeRefusal } from './refresh-policy.ts';
import type { RouteGrantEnd } from './route-token.ts';

export interface RouteGrantsOptions {
  readonly issuer: string;
  readonly policy: Pick<RefreshOptions, 'wait' | 'maxInFlight' | 'breaker'>;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly logger: Logger;
}

/** What the provider said to one request for a token. */
export type Issued =
  | { readonly kind: 'issued'; readonly token: HeldToken }
  /** Not for this target, or not for this user. */
  | { readonly kind: 'refused'; readonly error: string; readonly status: number }
  | Unavailable;

interface Remembered {
  readonly end: RouteGrantEnd;
  readonly at: number;
  readonly until: number;
}

type Throttled = Extract<TargetGrantOutcome, { kind: 'throttled' }>;
type GrantName = 'client_credentials' | 'token_exchange';

const ALERT_EVERY_MS = 60_000;
const MOST_REMEMBERED = 10_000;
/** How long a failure or a refusal is the answer, without asking again. */
const PAUSE_FAILED_MS = 1000;
const PAUSE_REFUSED_MS = 5000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Asks the provider for tokens of routes: once for all who want the same, some at a time, not while it is down, and not again at once
 * after it said no. Nothing here spends anything, so a failure costs nobody a session.
 */
export class RouteGrants {
  readonly #options: RouteGrantsOptions;
  readonly #flights = new SingleFlight<RouteGrantEnd>();
  readonly #failures = new BoundedMap<Remembered>(MOST_REMEMBERED);
  readonly #breaker: CircuitBreaker;
  readonly #slots: GrantSlots;
  readonly #alerts: Seldom;
  readonly #work = new Set<Promise<unknown>>();

  constructor(options: RouteGrantsOptions) {
    this.#options = options;
    this.#alerts = new Seldom(options.clock, ALERT_EVERY_MS);
    this.#breaker = new CircuitBreaker(options.policy.breaker, options.clock);
    this.#slots = new GrantSlots({ most: options.policy.maxInFlight, clock: options.clock, timer: options.timer });
  }

  /** What `run` comes to, for everybody who wants the same `key`; it goes on when nobody waits any more. Never rejects. */
  async obtain(key: string, run: () => Promise<RouteGrantEnd>): Promise<RouteGrantEnd> {
    const { policy, timer } = this.#options;
    const known = this.#known(key);
    if (known !== undefined) return known;
    const flight = this.#flights.run(key, () => this.#track(this.#safely(key, run)));
    return (await within(flight, policy.wait, timer)) ?? unavailable('provider_unavailable');
  }

  /** One request to the provider, in its turn. */
  async ask(grant: GrantName, key: string, send: () => Promise<TargetGrantOutcome>): Promise<Issued> {
    const { clock, policy } = this.#options;
    if (!(await this.#slots.take({ key, patience: policy.wait }))) return unavailable('overloaded', 1);
    try {
      const admission = this.#breaker.admit();
      if (admission.kind === 'refused') return unavailable('provider_unavailable', admission.retryAfter);
      const sentAt = clock.now();
      return this.#judge(grant, key, await this.#counted(send), sentAt);
    } finally {
      this.#slots.free();
    }
  }

  /** Lets what is under way end. Whoever waits for a turn gets none. */
  async close(): Promise<void> {
    this.#slots.close();
    while (this.#work.size > 0) await Promise.allSettled(this.#work);
  }

  async #counted(send: () => Promise<TargetGrantOutcome>): Promise<TargetGrantOutcome> {
    let answered = false;
    try {
      const outcome = await send();
      answered = outcome.kind !== 'failed';
      if (outcome.kind === 'throttled') this.#slots.throttled(pauseOf(outcome));
      else if (answered) this.#slots.answered();
      return outcome;
    } finally {
      if (answered) this.#breaker.succeeded();
      else if (this.#breaker.failed()) this.#options.logger.warn('provider_circuit_opened', { issuer: this.#options.issuer });
    }
  }

  #judge(grant: GrantName, key: string, outcome: TargetGrantOutcome, sentAt: number): Issued {
    switch (outcome.kind) {
      case 'granted':
        return { kind: 'issued', token: heldToken(outcome.tokens, sentAt) };
      case 'refused':
        return this.#refused(grant, outcome);
      case 'throttled':
        this.#alert('warn', `${grant}_throttled`, { retryAfter: outcome.retryAfter });
        return this.#throttled(key, outcome);
      case 'failed':
        this.#alert('warn', `${grant}_failed`, { cause: outcome.cause, sent: outcome.sent });
        return unavailable('provider_unavailable', outcome.retryAfter);
    }
  }

  #throttled(key: string, throttled: Throttled): Unavailable {
    const end = unavailable('provider_unavailable', throttled.retryAfter);
    this.#remember(key, end, Math.min(pauseOf(throttled) * 1000, LONGEST_PAUSE_MS));
    return end;
  }

  #refused(grant: GrantName, refused: Extract<TargetGrantOutcome, { kind: 'refused' }>): Issued {
    const { status } = refused;
    // Our own token belongs to no user who could be meant by a refusal.
    const ours = grant === 'client_credentials' || judgeRefusal(refused, []) === 'misconfigured';
    const error = registeredError(refused.error);
    if (!ours) return { kind: 'refused', error, status };
    this.#alert('error', `${grant}_misconfigured`, { error, status });
    return unavailable('provider_unavailable');
  }

  /** At most one line a minute for each event, whoever meets it. */
  #alert(level: 'warn' | 'error', event: string, fields: { readonly [name: string]: string | number | boolean }): void {
    if (this.#alerts.isTime(event)) this.#options.logger[level](event, fields);
  }

  async #safely(key: string, run: () => Promise<RouteGrantEnd>): Promise<RouteGrantEnd> {
    let end: RouteGrantEnd;
    try {
      end = await run();
    } catch (error) {
      // A bug of ours or of an adapter. Only the name: the message of a library error may hold tokens.
      this.#options.logger.error('route_token_failed_unexpectedly', { error: error instanceof Error ? error.name : typeof error });
      end = unavailable('provider_unavailable');
    }
    if (end.kind === 'unavailable') this.#remember(key, end, PAUSE_FAILED_MS);
    else if (end.kind === 'refused') this.#remember(key, end, PAUSE_REFUSED_MS);
    return end;
  }

  /** The longer of two pauses counts. */
  #remember(key: string, end: RouteGrantEnd, pause: number): void {
    const at = this.#options.clock.now();
    const before = this.#failures.get(key);
    if (before === undefined || !isCurrent(before, at) || before.until < at + pause)
      this.#failures.set(key, { end, at, until: at + pause });
  }

  #known(key: string): RouteGrantEnd | undefined {
    const known = this.#failures.get(key);
    const now = this.#options.clock.now();
    if (known === undefined || !isCurrent(known, now)) return undefined;
    const left = known.until - now;
    return known.end.kind === 'unavailable' && left > PAUSE_FAILED_MS ? unavailable(known.end.code, Math.ceil(left / 1000)) : known.end;
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#work.add(work);
    return work.finally(() => this.#work.delete(work));
  }
}

/** Seconds. When the provider names no time, one is enough: most limits count by the second. */
const pauseOf = ({ retryAfter, assumed }: Throttled): number => (assumed === true ? 1 : retryAfter);

/** Before its beginning the clock was set back: asking too early is the smaller harm. */
const isCurrent = ({ at, until }: Remembered, now: number): boolean => now >= at && now < until;
