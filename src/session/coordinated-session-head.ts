import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { StoreUnavailableError, unlessAway } from '../kernel/store-unavailable.ts';
import { ageSince } from './session-limits.ts';
import type { MemorySessionHead } from './memory-session-head.ts';
import type { Claim, Claimant, Head, LocalHeads, SessionHead } from './session-head.ts';
import { generationKey } from './session.ts';
import { StoreReminder } from './store-reminder.ts';
import type { UnsharedWords } from './unshared-words.ts';

/** A head that can also be looked at, and reminded of what it has lost. */
export interface SharedSessionHead extends SessionHead {
  /** `undefined`: it knows nothing of the session. */
  peek(sid: string): Promise<Head | undefined>;
  restore(sid: string, head: Head, endsAt: number): Promise<void>;
  /** Since when it has known what it knows. */
  begun(): Promise<number | undefined>;
}

export interface CoordinatedSessionHeadOptions {
  readonly shared: SharedSessionHead;
  /** What this process knows, and all there is while the store is away. */
  readonly local: MemorySessionHead;
  readonly unshared: UnsharedWords;
  /** Whether a refresh token may be spent while nobody can say whether another replica is spending it too. */
  readonly mayGoOnAlone: () => boolean;
  readonly clock: Clock;
  /**
   * How long after a ticket was set nobody can have confirmed it long enough ago for the handover to be over. From then on the others
   * know better than this process, which may never have seen it come back. Milliseconds.
   */
  readonly sureFor: number;
  readonly logger: Pick<Logger, 'warn'>;
}

const RETRY_AFTER_S = 1;
/** That a lease was given back is of use for about as long as leases and outages last. */
const GIVEN_BACK_MS = 600_000;

/**
 * The heads of a process that has replicas. Leases are given by the shared store, tickets are known here too: an older generation
 * is healed without a question, and a store that is away takes nothing from the sessions of this process.
 */
export class CoordinatedSessionHead implements SessionHead, LocalHeads {
  readonly #options: CoordinatedSessionHeadOptions;
  readonly #reminder: StoreReminder;
  /** Leases that this process gave itself, as sid and generation. */
  readonly #alone = new Set<string>();
  #saidAlone = false;
  #begunAlone = 0;

  constructor(options: CoordinatedSessionHeadOptions) {
    this.#options = options;
    this.#reminder = new StoreReminder(options);
  }

  /** How many leases this process gave itself, for a metric. */
  get begunAlone(): number {
    return this.#begunAlone;
  }

  newest(sid: string): Head | undefined {
    return this.#options.local.newest(sid);
  }

  current(sid: string, head: Head): Head | Promise<Head> {
    const { clock, sureFor } = this.#options;
    const isKnown = head.ticket === undefined ? head.elsewhere !== true : head.confirmedAt !== undefined;
    const isFresh = head.ticket !== undefined && ageSince(head.setAt, clock.now()) < sureFor;
    return isKnown || isFresh ? head : this.#asOthersKnow(sid, head);
  }

  outrun({ sid, generation, refreshedAt, endsAt }: Parameters<LocalHeads['outrun']>[0]): void {
    this.#options.local.learn(sid, { generation, setAt: refreshedAt, elsewhere: true }, endsAt);
  }

  async claim(claimant: Claimant, leaseMs: number): Promise<Claim> {
    const { local, unshared } = this.#options;
    const newest = local.newest(claimant.sid);
    const isBehind = newest !== undefined && newest.generation > claimant.generation && newest.elsewhere !== true;
    if (isBehind) return local.claim(claimant, leaseMs);
    void local.confirm(claimant.sid, claimant.generation);
    try {
      await unshared.tellLease(claimant.sid);
      const claim = await this.#claimShared(claimant, leaseMs);
      if (claim.kind === 'granted') unshared.leaseTaken(claimant.sid);
      return await this.#orLater(claimant, claim);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      return this.#claimAlone(claimant, leaseMs);
    }
  }

  async spending(sid: string, generation: number, leaseMs: number): Promise<boolean> {
    if (this.#alone.has(generationKey({ sid, generation }))) return this.#options.local.spending(sid, generation, leaseMs);
    return (await unlessAway(this.#options.shared.spending(sid, generation, leaseMs))) ?? false;
  }

  async publish(sid: string, generation: number, ticket: string, endsAt: number): Promise<boolean> {
    const { shared, local, unshared, clock } = this.#options;
    this.#alone.delete(generationKey({ sid, generation: generation - 1 }));
    const isHead = await unlessAway(shared.publish(sid, generation, ticket, endsAt));
    if (isHead === undefined) unshared.missed({ kind: 'head', sid, head: { generation, ticket, setAt: clock.now() }, endsAt });
    return isHead !== false && (await local.publish(sid, generation, ticket, endsAt));
  }

  async confirm(sid: string, generation: number): Promise<void> {
    await this.#options.local.confirm(sid, generation);
    // Unconfirmed is the safe side: the ticket is kept longer.
    await unlessAway(this.#options.shared.confirm(sid, generation));
  }

  async release(sid: string, generation: number, doubtful = false): Promise<void> {
    const { local, shared, unshared, clock } = this.#options;
    if (this.#alone.delete(generationKey({ sid, generation }))) return local.release(sid, generation, doubtful);
    const told = await unlessAway(shared.release(sid, generation, doubtful).then(() => true));
    if (told === undefined) unshared.missed({ kind: 'given-back', sid, generation, doubtful, endsAt: clock.now() + GIVEN_BACK_MS });
  }

  async forget(sid: string): Promise<void> {
    this.#options.unshared.forget(sid);
    await this.#options.local.forget(sid);
    await this.#options.shared.forget(sid);
  }

  /** Finds out whether the store was emptied without going away. To be called every now and then. */
  lookAtStore(): Promise<void> {
    return this.#reminder.look();
  }

  /** To be told each time. */
  storeIsBack(): Promise<void> {
    return this.#reminder.storeIsBack();
  }

  async #claimShared(claimant: Claimant, leaseMs: number): Promise<Claim> {
    const claim = await this.#options.shared.claim(claimant, leaseMs);
    this.#saidAlone = false;
    this.#learn(claimant, claim);
    const known = this.#options.local.newest(claimant.sid);
    const isForgotten = claim.kind === 'granted' && claim.unknown === true && known !== undefined && known.elsewhere !== true;
    if (isForgotten) this.#reminder.remind();
    return claim;
  }

  /** Right after an outage a sender that seems to have vanished may only have been cut off. */
  async #orLater({ sid, generation }: Claimant, claim: Claim): Promise<Claim> {
    const until = this.#reminder.catchingUpUntil;
    if (claim.kind !== 'granted' || claim.doubt?.abandoned !== true || until === undefined) return claim;
    await this.release(sid, generation);
    return { kind: 'busy', until };
  }

  /** Makes what another replica did known here. */
  #learn({ sid, endsAt }: Claimant, claim: Claim): void {
    if (claim.kind !== 'newer' && claim.kind !== 'superseded') return;
    const { kind: _, ...head } = claim;
    this.#options.local.learn(sid, { setAt: this.#options.clock.now(), ...head }, endsAt);
  }

  async #asOthersKnow(sid: string, head: Head): Promise<Head> {
    const { shared, local, clock } = this.#options;
    const known = await unlessAway(shared.peek(sid));
    // A store that is away, or was emptied, knows no better than we do.
    if (known === undefined || known.generation < head.generation) return head;
    local.learn(sid, known, clock.now());
    return known;
  }

  async #claimAlone(claimant: Claimant, leaseMs: number): Promise<Claim> {
    if (!this.#options.mayGoOnAlone()) return { kind: 'unavailable', retryAfter: RETRY_AFTER_S };
    const claim = await this.#options.local.claim(claimant, leaseMs);
    if (claim.kind !== 'granted') return claim;
    this.#alone.add(generationKey(claimant));
    this.#begunAlone += 1;
    if (!this.#saidAlone) this.#options.logger.warn('refresh_uncoordinated');
    this.#saidAlone = true;
    return claim;
  }
}
