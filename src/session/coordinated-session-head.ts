import type { Logger } from '../kernel/logger.ts';
import { StoreUnavailableError } from '../kernel/store-unavailable.ts';
import type { MemorySessionHead } from './memory-session-head.ts';
import type { Claim, Claimant, Head, LocalHeads, SessionHead } from './session-head.ts';
import type { UnsharedTickets } from './unshared-tickets.ts';

/** A head that can also tell whether it has lost what it knew. */
export interface SharedSessionHead extends SessionHead {
  knows(sid: string): Promise<boolean>;
}

export interface CoordinatedSessionHeadOptions {
  readonly shared: SharedSessionHead;
  /** What this process knows, and all there is while the store is away. */
  readonly local: MemorySessionHead;
  readonly unshared: UnsharedTickets;
  /** Whether a refresh token may be spent while nobody can say whether another replica is spending it too. */
  readonly mayGoOnAlone: () => boolean;
  readonly logger: Pick<Logger, 'warn'>;
}

const RETRY_AFTER_S = 1;
/** Of the newest tickets: one that the store does not know may have been pushed out, several mean that it was emptied. */
const SAMPLE = 3;

/**
 * The heads of a process that has replicas. Leases are given by the shared store, tickets are known here too: an older generation
 * is healed without a question, and a store that is away takes nothing from the sessions of this process.
 */
export class CoordinatedSessionHead implements SessionHead, LocalHeads {
  readonly #options: CoordinatedSessionHeadOptions;
  /** Leases that this process gave itself, as sid and generation. */
  readonly #alone = new Set<string>();
  #saidAlone = false;

  constructor(options: CoordinatedSessionHeadOptions) {
    this.#options = options;
  }

  newest(sid: string): Head | undefined {
    return this.#options.local.newest(sid);
  }

  async claim(claimant: Claimant, leaseMs: number): Promise<Claim> {
    const { local, shared } = this.#options;
    const newest = local.newest(claimant.sid);
    if (newest !== undefined && newest.generation > claimant.generation) return local.claim(claimant, leaseMs);
    void local.confirm(claimant.sid, claimant.generation);
    try {
      const claim = await shared.claim(claimant, leaseMs);
      this.#saidAlone = false;
      await this.#learn(claimant, claim);
      return claim;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      return this.#claimAlone(claimant, leaseMs);
    }
  }

  async spending(sid: string, generation: number, leaseMs: number): Promise<boolean> {
    if (this.#alone.has(nameOf(sid, generation))) return this.#options.local.spending(sid, generation, leaseMs);
    return (await answerOrNothing(this.#options.shared.spending(sid, generation, leaseMs))) ?? false;
  }

  /** Never later than the local knowledge: the store gets the ticket as soon as it can be had. */
  async publish(sid: string, generation: number, ticket: string, endsAt: number): Promise<void> {
    this.#alone.delete(nameOf(sid, generation - 1));
    await this.#options.local.publish(sid, generation, ticket, endsAt);
    await this.#options.unshared.share({ sid, generation, ticket, endsAt });
  }

  async confirm(sid: string, generation: number): Promise<void> {
    await this.#options.local.confirm(sid, generation);
    // Unconfirmed is the safe side: the ticket is kept longer.
    await answerOrNothing(this.#options.shared.confirm(sid, generation));
  }

  async release(sid: string, generation: number, doubtful = false): Promise<void> {
    if (this.#alone.delete(nameOf(sid, generation))) await this.#options.local.release(sid, generation, doubtful);
    else await this.#options.shared.release(sid, generation, doubtful);
  }

  async forget(sid: string): Promise<void> {
    this.#options.unshared.forget(sid);
    await this.#options.local.forget(sid);
    await this.#options.shared.forget(sid);
  }

  /** The store is back. When it has lost what it had, it gets what this process knows: others would spend what is spent. */
  async storeIsBack(): Promise<void> {
    const tickets = this.#options.local.tickets();
    const sample = tickets.slice(-SAMPLE);
    const known = await answerOrNothing(Promise.all(sample.map(({ sid }) => this.#options.shared.knows(sid))));
    if (known === undefined || known.includes(true) || sample.length === 0) return;
    this.#options.logger.warn('store_was_emptied', { tickets: tickets.length });
    this.#options.unshared.later(tickets);
  }

  /** Makes what another replica did known here. */
  async #learn({ sid, endsAt }: Claimant, claim: Claim): Promise<void> {
    if (claim.kind === 'newer') await this.#options.local.publish(sid, claim.generation, claim.ticket, endsAt);
    if (claim.kind === 'superseded') this.#options.local.supersede(sid, claim.generation, endsAt);
  }

  async #claimAlone(claimant: Claimant, leaseMs: number): Promise<Claim> {
    if (!this.#options.mayGoOnAlone()) return { kind: 'unavailable', retryAfter: RETRY_AFTER_S };
    const claim = await this.#options.local.claim(claimant, leaseMs);
    if (claim.kind !== 'granted') return claim;
    this.#alone.add(nameOf(claimant.sid, claimant.generation));
    if (!this.#saidAlone) this.#options.logger.warn('refresh_uncoordinated');
    this.#saidAlone = true;
    return claim;
  }
}

const nameOf = (sid: string, generation: number): string => `${sid}:${String(generation)}`;

/** `undefined` when the store is away: for what may be left unsaid. */
async function answerOrNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    return undefined;
  }
}
