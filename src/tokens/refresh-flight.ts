import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { pause, type Timer } from '../kernel/timer.ts';
import type { Claim, Doubt, SessionHead } from '../session/session-head.ts';
import type { SessionStore } from '../session/session-store.ts';
import type { Session } from '../session/session.ts';
import { ended, failed, rejected, type RefreshEnd } from './refresh-end.ts';
import type { GrantSettlement, Settled } from './grant-settlement.ts';
import type { Grants, GrantSlot, Lease, Refrained } from './grants.ts';
import type { IdentityProvider } from '../oidc/identity-provider.ts';
import type { Revocations } from '../session/revocations.ts';
import { isOver, judgeDoubt, refreshKey } from './refresh-policy.ts';
import type { RouteTarget } from './route-policy.ts';

export interface RefreshFlightOptions {
  readonly provider: Pick<IdentityProvider, 'ready'>;
  readonly grants: Grants;
  readonly settlement: GrantSettlement;
  readonly store: SessionStore;
  readonly head: SessionHead;
  readonly revocations: Revocations;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly logger: Logger;
  /** How long to ask again while somebody else holds the lease, or while nobody can give one. */
  readonly wait: number;
  readonly lease: number;
  readonly providerLeeway: number;
}

/** What a flight spends, and what for. */
export interface Errand {
  readonly refreshToken: string;
  /** The refresh counts as activity of the user. */
  readonly activity: boolean;
  /** How long it waits for its turn when too many want a grant. Milliseconds. */
  readonly patience: number;
  /** The access token is wanted for this: the session's own stays as it is. */
  readonly target?: RouteTarget;
}

type Newer = Extract<Claim, { kind: 'newer' }>;
type Granted = Extract<Claim, { kind: 'granted' }> & { readonly slot: GrantSlot };
type NotGranted = Exclude<Claim, { kind: 'granted' }> | Refrained;

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/** One refresh, from the claim to the published ticket. It belongs to no request: a client that goes away changes nothing. */
export class RefreshFlight {
  readonly #options: RefreshFlightOptions;
  /** Refreshes that the store gave no answer to, by their keys. */
  readonly #withoutStore = new Set<string>();

  constructor(options: RefreshFlightOptions) {
    this.#options = options;
  }

  /** Whether this session's refresh waits for a store that cannot be asked. */
  waitsForStore(session: Session): boolean {
    return this.#withoutStore.has(refreshKey(session));
  }

  /** Never rejects. */
  async run(session: Session, errand: Errand): Promise<RefreshEnd> {
    try {
      // Before the lease, which is too short for a discovery: whoever cannot send must not keep others from it.
      if (!(await this.#options.provider.ready())) return failed({ code: 'provider_unavailable' });
      const claim = await this.#claim(session, errand.patience);
      return claim.kind === 'granted' ? await this.#underLease(session, errand, claim) : await this.#withoutLease(session, claim);
    } catch (error) {
      // A bug of ours or of an adapter. Only the name: the message or cause of a library error may hold tokens.
      this.#options.logger.error('refresh_failed_unexpectedly', { error: error instanceof Error ? error.name : typeof error });
      // It may have happened after the refresh token was spent.
      return failed({ code: 'provider_unavailable', ambiguous: true });
    } finally {
      this.#withoutStore.delete(refreshKey(session));
    }
  }

  /** `busy`: somebody else held the lease all the time. */
  async #claim(session: Session, patience: number): Promise<Granted | NotGranted> {
    const { clock, timer, wait } = this.#options;
    let deadline: number | undefined;
    for (let step = FIRST_PAUSE_MS; ; step = Math.min(step * 2, LONGEST_PAUSE_MS)) {
      const claim = await this.#claimInTurn(session, { patience, again: deadline !== undefined });
      if (claim.kind !== 'busy' && claim.kind !== 'unavailable') return claim;
      if (claim.kind === 'busy') this.#withoutStore.delete(refreshKey(session));
      else this.#withoutStore.add(refreshKey(session));
      const now = clock.now();
      // A little before those who wait for the flight give up, so that they learn why.
      deadline ??= now + wait - Math.min(wait / 10, LONGEST_PAUSE_MS);
      // A store that is away is worth waiting for only when there is no token to go on with.
      if (now >= deadline || (claim.kind === 'unavailable' && !isOver(session, now))) return claim;
      const leaseLeft = claim.kind === 'busy' && claim.until > now ? claim.until - now : step;
      // Asked again before the lease ends, because its holder may be done much earlier.
      await pause(Math.min(step, leaseLeft, deadline - now), timer);
    }
  }

  /** First the turn, then the lease: that is too short for a queue, and nobody else can use it meanwhile. */
  async #claimInTurn(session: Session, queueing: { patience: number; again: boolean }): Promise<Granted | NotGranted> {
    const { grants, head, lease } = this.#options;
    const slot = await grants.slot(session, queueing);
    if (slot.kind === 'refrained') return slot;
    let claim: Claim | undefined;
    try {
      claim = await head.claim(session, lease);
      return claim.kind === 'granted' ? { ...claim, slot } : claim;
    } finally {
      if (claim?.kind !== 'granted') slot.free();
    }
  }

  async #underLease(session: Session, errand: Errand, claim: Granted): Promise<RefreshEnd> {
    let left: 'nothing' | 'lease' | 'doubt' = 'doubt';
    try {
      const early = await this.#beforeGrant(session, claim.doubt);
      const end = early ?? (await this.#grant(session, errand, claim));
      left = leftBy(end, early !== undefined);
      if (end === 'fatal') return await this.#successorOrEnd(session);
      return end === 'outrun' ? await this.#successor(session) : end;
    } finally {
      claim.slot.free();
      if (left !== 'nothing') await this.#release(session, left === 'doubt');
    }
  }

  /** What keeps the refresh token from being sent at all. */
  async #beforeGrant(session: Session, doubt: Doubt | undefined): Promise<RefreshEnd | undefined> {
    const { revocations, clock, settlement, providerLeeway, logger } = this.#options;
    const cause = revocations.causeOf(session);
    if (cause !== undefined) return ended(cause);
    const now = clock.now();
    if (now >= session.endsAt) return rejected('expired');
    const verdict = judgeDoubt(doubt, { now, over: isOver(session, now), providerLeeway });
    if (verdict === 'send') return undefined;
    if (verdict === 'wait') return failed({ code: 'provider_unavailable' });
    logger.warn('refresh_abandoned', { sub: session.sub, generation: session.generation });
    return settlement.end(session, 'refresh_abandoned', 'this-generation');
  }

  async #grant(session: Session, errand: Errand, { slot, until }: Granted): Promise<Settled> {
    const { refreshToken, target } = errand;
    const spent = target === undefined ? { refreshToken } : { refreshToken, target };
    const outcome = await slot.spend(session, spent, this.#leaseOf(session, until));
    return this.#options.settlement.settle(session, outcome, errand);
  }

  #leaseOf(session: Session, until: number): Lease {
    const { head, lease, clock } = this.#options;
    const extend = async (): Promise<Lease | undefined> => {
      const began = clock.now();
      const held = await head.spending(session.sid, session.generation, lease);
      return held ? this.#leaseOf(session, began + lease) : undefined;
    };
    return { until, extend };
  }

  /**
   * The provider calls the refresh token dead. That is no end when somebody else has spent it: whoever has lost the lease meanwhile
   * cannot know better than its next holder.
   */
  async #successorOrEnd(session: Session): Promise<RefreshEnd> {
    const { head, lease, settlement } = this.#options;
    const isOurs = await head.spending(session.sid, session.generation, lease);
    const claim = await head.claim(session, lease);
    if (claim.kind === 'granted' || (claim.kind === 'busy' && isOurs)) return settlement.end(session, 'refresh_refused');
    return this.#withoutLease(session, claim);
  }

  /** Another process has made the same generation: its ticket is the one that everybody gets. */
  async #successor(session: Session): Promise<RefreshEnd> {
    const claim = await this.#options.head.claim(session, this.#options.lease);
    return claim.kind === 'granted' ? failed({ code: 'provider_unavailable' }) : this.#withoutLease(session, claim);
  }

  async #withoutLease(session: Session, claim: NotGranted): Promise<RefreshEnd> {
    if (claim.kind === 'refrained') return this.#refrained(session, claim);
    if (claim.kind === 'busy') return failed({ code: 'provider_unavailable' });
    if (claim.kind === 'unavailable') return failed({ code: 'store_unavailable', retryAfter: claim.retryAfter });
    if (claim.kind === 'newer') return this.#fromHead(session, claim);
    this.#options.logger.warn('refresh_reuse_suspected', { sub: session.sub, generation: session.generation, newest: claim.generation });
    return rejected('superseded');
  }

  /** Whoever ended while it waited for its turn learns that rather than how long the queue is. */
  #refrained(session: Session, { code, retryAfter }: Refrained): RefreshEnd {
    const cause = this.#options.revocations.causeOf(session);
    return cause === undefined ? failed({ code, retryAfter }) : ended(cause);
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

  async #release(session: Session, doubtful: boolean): Promise<void> {
    try {
      await this.#options.head.release(session.sid, session.generation, doubtful);
    } catch {
      // The lease ends by itself; until then others are told `busy`.
      this.#options.logger.warn('refresh_lease_not_released');
    }
  }
}

/** What has to be given back when a flight is over: published tickets have ended their lease. */
function leftBy(end: Settled, unsent: boolean): 'nothing' | 'lease' | 'doubt' {
  if (end === 'fatal' || end === 'outrun' || unsent || end.kind === 'ended') return 'lease';
  if (end.kind === 'refreshed') return 'nothing';
  return end.failure.ambiguous === true ? 'doubt' : 'lease';
}
