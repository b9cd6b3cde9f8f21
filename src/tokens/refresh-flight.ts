import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { pause, type Timer } from '../kernel/timer.ts';
import type { Claim, SessionHead } from '../session/session-head.ts';
import type { SessionStore } from '../session/session-store.ts';
import type { Session } from '../session/session.ts';
import { ended, failed, rejected, type RefreshEnd } from './refresh-end.ts';
import type { GrantSettlement } from './grant-settlement.ts';
import type { Grants } from './grants.ts';
import type { Revocations } from '../session/revocations.ts';

export interface RefreshFlightOptions {
  readonly grants: Grants;
  readonly settlement: GrantSettlement;
  readonly store: SessionStore;
  readonly head: SessionHead;
  readonly revocations: Revocations;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly logger: Logger;
  /** How long to ask again while somebody else holds the lease. */
  readonly wait: number;
  readonly lease: number;
}

type Newer = Extract<Claim, { kind: 'newer' }>;
type Answered = Exclude<Claim, { kind: 'busy' }>;

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/** One refresh, from the claim to the published ticket. It belongs to no request: a client that goes away changes nothing. */
export class RefreshFlight {
  readonly #options: RefreshFlightOptions;

  constructor(options: RefreshFlightOptions) {
    this.#options = options;
  }

  /** Never rejects. `activity`: the refresh counts as activity of the user. */
  async run(session: Session, refreshToken: string, activity: boolean): Promise<RefreshEnd> {
    try {
      const claim = await this.#claim(session);
      if (claim?.kind !== 'granted') return await this.#withoutLease(session, claim);
      return await this.#underLease(session, { refreshToken, activity, leaseEnd: claim.until });
    } catch (error) {
      // A bug of ours or of an adapter. Only the name: the message or cause of a library error may hold tokens.
      this.#options.logger.error('refresh_failed_unexpectedly', { error: error instanceof Error ? error.name : typeof error });
      // It may have happened after the refresh token was spent.
      return failed({ code: 'provider_unavailable', ambiguous: true });
    }
  }

  /** `undefined`: somebody else held the lease all the time. */
  async #claim(session: Session): Promise<Answered | undefined> {
    const { head, clock, timer, wait, lease } = this.#options;
    const deadline = clock.now() + wait;
    for (let step = FIRST_PAUSE_MS; ; step = Math.min(step * 2, LONGEST_PAUSE_MS)) {
      const claim = await head.claim(session.sid, session.generation, lease);
      if (claim.kind !== 'busy') return claim;
      const now = clock.now();
      if (now >= deadline) return undefined;
      const leaseLeft = claim.until > now ? claim.until - now : step;
      // Asked again before the lease ends, because its holder may be done much earlier.
      await pause(Math.min(step, leaseLeft, deadline - now), timer);
    }
  }

  async #underLease(
    session: Session,
    { refreshToken, activity, leaseEnd }: { refreshToken: string; activity: boolean; leaseEnd: number },
  ): Promise<RefreshEnd> {
    let published = false;
    try {
      const cause = this.#options.revocations.causeOf(session);
      if (cause !== undefined) return ended(cause);
      if (this.#options.clock.now() >= session.endsAt) return rejected('expired');
      const outcome = await this.#options.grants.spend(session, refreshToken, leaseEnd);
      const end = await this.#options.settlement.settle(session, outcome, activity);
      published = end !== 'fatal' && end.kind === 'refreshed';
      return end === 'fatal' ? await this.#successorOrEnd(session) : end;
    } finally {
      if (!published) await this.#release(session);
    }
  }

  /** The provider calls the refresh token dead. That is no end when somebody else has spent it and published the next one. */
  async #successorOrEnd(session: Session): Promise<RefreshEnd> {
    const claim = await this.#options.head.claim(session.sid, session.generation, this.#options.lease);
    if (claim.kind === 'granted' || claim.kind === 'busy') return this.#options.settlement.end(session, 'refresh_refused');
    return this.#withoutLease(session, claim);
  }

  async #withoutLease(session: Session, claim: Exclude<Answered, { kind: 'granted' }> | undefined): Promise<RefreshEnd> {
    if (claim === undefined) return failed({ code: 'provider_unavailable' });
    if (claim.kind === 'unavailable') return failed({ code: 'store_unavailable', retryAfter: claim.retryAfter });
    if (claim.kind === 'newer') return this.#fromHead(session, claim);
    this.#options.logger.warn('refresh_reuse_suspected', { sub: session.sub, generation: session.generation, newest: claim.generation });
    return rejected('superseded');
  }

  async #fromHead(session: Session, claim: Newer): Promise<RefreshEnd> {
    const loaded = await this.#options.store.load(claim.ticket);
    if (loaded.kind === 'unavailable') return failed({ code: 'store_unavailable', retryAfter: loaded.retryAfter });
    if (loaded.kind === 'missing') return rejected('revoked');
    if (loaded.kind === 'unreadable' || loaded.session.sid !== session.sid || loaded.session.generation <= session.generation) {
      this.#options.logger.error('head_ticket_unusable', { reason: loaded.kind === 'unreadable' ? loaded.reason : 'mismatch' });
      return failed({ code: 'store_unavailable' });
    }
    const cause = this.#options.revocations.causeOf(loaded.session);
    if (cause !== undefined) return ended(cause);
    const ticket = { value: claim.ticket, session: loaded.session };
    return { kind: 'refreshed', from: 'head', session: loaded.session, ticket, at: this.#options.clock.now() };
  }

  async #release(session: Session): Promise<void> {
    try {
      await this.#options.head.release(session.sid, session.generation);
    } catch {
      // The lease ends by itself; until then others are told `busy`.
      this.#options.logger.warn('refresh_lease_not_released');
    }
  }
}
