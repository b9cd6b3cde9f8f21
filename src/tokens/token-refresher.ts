import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { SingleFlight } from '../kernel/single-flight.ts';
import { systemTimer, within, type Timer } from '../kernel/timer.ts';
import type { IdentityProvider, RefreshOutcome } from '../oidc/identity-provider.ts';
import type { Revocations } from '../session/revocations.ts';
import type { LocalHeads, SessionHead } from '../session/session-head.ts';
import type { ActiveSession } from '../session/session-lookup.ts';
import type { SessionStore } from '../session/session-store.ts';
import type { Session } from '../session/session.ts';
import { FailedRefreshes } from './failed-refreshes.ts';
import type { Freshness } from './freshness.ts';
import { GrantSettlement } from './grant-settlement.ts';
import { Grants } from './grants.ts';
import { ended, failed, freshnessOf, rejected, rejectedFor, unavailable, type RefreshEnd } from './refresh-end.ts';
import { RefreshFlight, type Errand } from './refresh-flight.ts';
import type { RefreshOptions } from './refresh-options.ts';
import type { RefreshTokenRotation } from './refresh-token-rotation.ts';
import { isOver, leaseOf, refreshKey, tokenAge } from './refresh-policy.ts';
import type { RouteTarget } from './route-policy.ts';

export interface TokenRefresherOptions {
  readonly provider: IdentityProvider;
  readonly store: SessionStore;
  readonly head: SessionHead;
  readonly heads: LocalHeads;
  readonly revocations: Revocations;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly policy: RefreshOptions;
  /** The longest one call to the provider takes. Milliseconds. */
  readonly providerTimeout: number;
  /** `session.claims`: what sessions keep of a refreshed ID token. Without it: the claims they have. */
  readonly claims?: readonly string[];
  /** Whether a sealed value can be kept by a browser. Without it everything fits. */
  readonly fits?: (value: string) => boolean;
  /** Told what became of each refresh token. */
  readonly rotation?: Pick<RefreshTokenRotation, 'learn'>;
  /** Told what each grant that was sent came to, for a metric. */
  readonly onGrant?: (outcome: RefreshOutcome['kind']) => void;
  readonly timer?: Timer;
}

type Renewable = Session & { readonly refreshToken: string };
type Purpose = Omit<Errand, 'refreshToken'>;

/** A refresh keeps its place in the queue for longer than a request waits: the next request of the session finds it further ahead. */
const QUEUE_WAITS = 3;
const OVERLOADED = unavailable('overloaded', 1);
const NO_ANSWER = unavailable('provider_unavailable');
const EXPIRED: Freshness = { kind: 'rejected', reason: 'expired' };

export const isRenewable = (session: Session): session is Renewable => session.refreshToken !== undefined;
const asItIs = (session: Session): Freshness => ({ kind: 'usable', session });

/**
 * Gives each request an access token it can use, and renews it when its time comes: one grant per refresh token, whoever asks and
 * however often, whose result everybody gets. Nothing here ever rejects.
 */
export class TokenRefresher {
  readonly #options: TokenRefresherOptions;
  readonly #timer: Timer;
  readonly #flights = new SingleFlight<RefreshEnd>();
  readonly #failures: FailedRefreshes;
  readonly #grants: Grants;
  readonly #flight: RefreshFlight;
  readonly #work = new Set<Promise<unknown>>();

  constructor(options: TokenRefresherOptions) {
    this.#options = options;
    this.#timer = options.timer ?? systemTimer;
    this.#failures = new FailedRefreshes(options.policy);
    this.#grants = new Grants({ ...options, timer: this.#timer });
    this.#flight = this.#makeFlight(options);
  }

  /**
   * For a request on a route. A plain value in the common case. `taken` is set only when this refresher got a newer ticket: a
   * ticket that `active` brought along stays the caller's. With `activity: false` a renewal does not move the idle limit.
   */
  fresh(active: Pick<ActiveSession, 'session'>, activity = true): Freshness | Promise<Freshness> {
    const { session } = active;
    const now = this.#options.clock.now();
    const age = tokenAge(session, now, this.#options.policy.early);
    if (age === 'current') return asItIs(session);
    if (!isRenewable(session)) return age === 'over' ? EXPIRED : asItIs(session);
    const cause = this.#options.revocations.causeOf(session);
    if (cause !== undefined) return rejectedFor(cause);
    const known = this.#failures.answerFor(session, now);
    if (age === 'over') return known ?? this.#whenOver(session, activity);
    // Whoever has a token keeps out of the way of those who have none.
    if (known !== undefined || this.#grants.crowded || this.#flights.current(refreshKey(session)) !== undefined) return asItIs(session);
    return this.#whenEarly(session, activity);
  }

  /**
   * POST /bff/refresh and a retry after the upstream's 401: new tokens although the old ones may be good. Joins a refresh under
   * way; within the cooldown the session is answered as it is. With `activity: false` a renewal does not move the idle limit.
   */
  async refreshNow(active: Pick<ActiveSession, 'session'>, activity = true): Promise<Freshness | { readonly kind: 'no-refresh-token' }> {
    const { session } = active;
    const { clock, policy, revocations } = this.#options;
    if (!isRenewable(session)) return { kind: 'no-refresh-token' };
    const cause = revocations.causeOf(session);
    if (cause !== undefined) return rejectedFor(cause);
    const now = clock.now();
    // Both directions: another process's clock may be a little ahead of ours.
    if (Math.abs(now - session.refreshedAt) < policy.cooldown) return asItIs(session);
    return this.#failures.answerFor(session, now) ?? this.#whenOver(session, activity);
  }

  /**
   * For a token of another target, which costs a refresh like any other: the session's next flight, or the one under way, whatever
   * that is for. Waits no longer than a request would.
   */
  async flightFor(session: Renewable, target: RouteTarget, activity: boolean): Promise<RefreshEnd> {
    const { clock, policy, revocations } = this.#options;
    const cause = revocations.causeOf(session);
    if (cause !== undefined) return ended(cause);
    const known = this.#failures.answerFor(session, clock.now());
    if (known !== undefined) return failed(known);
    const flight = this.#start(session, { activity, target, patience: policy.wait * QUEUE_WAITS });
    return (await within(flight, policy.wait, this.#timer)) ?? failed(this.#grants.isWaiting(session) ? OVERLOADED : NO_ANSWER);
  }

  /**
   * For logout: lets a refresh of this session end and gives the newest session known here, whose refresh token is the one to
   * revoke. The revocation must be listed before, so that no later refresh begins. Waits no longer than a request would.
   */
  async settle(active: { readonly session: Session }): Promise<Session> {
    const { session } = active;
    this.#grants.withdraw(session);
    const flight = this.#flights.current(refreshKey(session));
    const end = flight === undefined ? undefined : await within(flight, this.#options.policy.wait, this.#timer);
    const newer = end === undefined ? undefined : newestOf(end);
    const next = newer ?? (await this.#atHead(session));
    return next === undefined || next.generation <= session.generation ? session : this.settle({ session: next });
  }

  /** Lets what is under way come to its end. Whoever still waits for a turn gets none. */
  async close(): Promise<void> {
    this.#grants.close();
    await this.idle();
  }

  /** Resolves when no grant and no revocation is under way. */
  async idle(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled(this.#work);
  }

  async #whenOver(session: Renewable, activity: boolean): Promise<Freshness> {
    const { wait } = this.#options.policy;
    const end = await within(this.#renewed(session, { activity, patience: wait * QUEUE_WAITS }), wait, this.#timer);
    if (end !== undefined) return freshnessOf(end);
    return this.#grants.isWaiting(session) ? OVERLOADED : NO_ANSWER;
  }

  async #whenEarly(session: Renewable, activity: boolean): Promise<Freshness> {
    const end = await within(this.#start(session, { activity, patience: 0 }), this.#options.policy.earlyWait, this.#timer);
    if (end !== undefined && end.kind !== 'failed') return freshnessOf(end);
    if (!isOver(session, this.#options.clock.now())) return asItIs(session);
    return end === undefined ? this.#whenOver(session, activity) : freshnessOf(end);
  }

  /** A flight under way may be for another target: it leaves the session's own token as it is, and the next one renews that. */
  async #renewed(session: Renewable, purpose: Purpose): Promise<RefreshEnd> {
    const end = await this.#start(session, purpose);
    if (end.kind === 'failed' && end.failure.unfit !== undefined) return this.#renewed(session, purpose);
    if (end.kind !== 'refreshed' || !isRenewable(end.session)) return end;
    const isOld = end.aside !== undefined || (end.from === 'head' && isOver(end.session, this.#options.clock.now()));
    return isOld ? this.#renewed(end.session, purpose) : end;
  }

  #start(session: Renewable, purpose: Purpose): Promise<RefreshEnd> {
    return this.#flights.run(refreshKey(session), () => this.#track(this.#fly(session, purpose)));
  }

  async #fly(session: Renewable, purpose: Purpose): Promise<RefreshEnd> {
    const end = await this.#flight.run(session, { ...purpose, refreshToken: session.refreshToken });
    const now = this.#options.clock.now();
    // A store that is down needs no pause: asking it costs nothing, and its return shall be noticed at once.
    const isAilment = end.kind === 'failed' && end.failure.code !== 'store_unavailable' && end.failure.unfit === undefined;
    if (isAilment) this.#failures.add(session, end.failure, now);
    // What the head had may be old itself. Generations only grow, so this comes to an end.
    if (end.kind !== 'refreshed' || end.from === 'grant' || purpose.target !== undefined || !isOver(end.session, now)) return end;
    if (!isRenewable(end.session)) return rejected('expired');
    const known = this.#failures.answerFor(end.session, now);
    return known === undefined ? this.#start(end.session, purpose) : failed(known);
  }

  async #atHead(session: Session): Promise<Session | undefined> {
    const head = this.#options.heads.newest(session.sid);
    if (head?.ticket === undefined || head.generation <= session.generation) return undefined;
    try {
      const loaded = await this.#options.store.load(head.ticket);
      return loaded.kind === 'loaded' && loaded.session.sid === session.sid ? loaded.session : undefined;
    } catch (error) {
      // A logout goes on with what it has.
      this.#options.logger.error('head_ticket_unusable', { reason: error instanceof Error ? error.name : typeof error });
      return undefined;
    }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#work.add(work);
    return work.finally(() => this.#work.delete(work));
  }

  #makeFlight(o: TokenRefresherOptions): RefreshFlight {
    const { fatalErrors, wait, providerLeeway } = o.policy;
    const background = (work: Promise<unknown>): void => void this.#track(work);
    const settlement = new GrantSettlement({ ...o, failures: this.#failures, fatalErrors, fits: o.fits ?? (() => true), background });
    const lease = leaseOf(o.providerTimeout);
    return new RefreshFlight({ ...o, grants: this.#grants, settlement, timer: this.#timer, wait, lease, providerLeeway });
  }
}

function newestOf(end: RefreshEnd): Session | undefined {
  if (end.kind === 'refreshed') return end.session;
  return end.kind === 'ended' ? end.newest : undefined;
}
