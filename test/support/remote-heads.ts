import type { Clock } from '../../src/kernel/clock.ts';
import { StoreUnavailableError } from '../../src/kernel/store-unavailable.ts';
import type { Timer } from '../../src/kernel/timer.ts';
import type { SharedSessionHead } from '../../src/session/coordinated-session-head.ts';
import type { MemorySessionHead } from '../../src/session/memory-session-head.ts';
import type { Claim, Claimant, Head } from '../../src/session/session-head.ts';

const FOR_EVER = new Promise<never>(() => undefined);

/** A shared store in this process: what several replicas see of it, each on its own way there, and as if it were far away. */
export class SharedStore {
  readonly heads: MemorySessionHead;
  readonly owners = new Map<string, object>();
  /** Nobody gets an answer. */
  down = false;
  /** How often it went away before it could learn that a refresh token was being sent. */
  unheard = 0;

  #turn: Promise<unknown> = Promise.resolve();

  constructor(heads: MemorySessionHead) {
    this.heads = heads;
  }

  /** Each command is one step, as in Redis. */
  inTurn<T>(command: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(command);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

export interface WayToStore {
  readonly store: SharedStore;
  readonly clock: Clock & Timer;
  /** How long one way takes this time. Milliseconds. */
  readonly delay: () => number;
}

/** The way of one replica to the shared store. A lease belongs to the claim that took it, as in Redis. */
export class RemoteHead implements SharedSessionHead {
  /** The replica is gone. */
  dead = false;
  readonly #way: WayToStore;
  /** By session, the lease that this replica took last. */
  readonly #leases = new Map<string, object>();

  constructor(way: WayToStore) {
    this.#way = way;
  }

  claim(claimant: Claimant, leaseMs: number): Promise<Claim> {
    const lease = {};
    const granted = this.#command(async ({ heads, owners }) => {
      const claim = await heads.claim(claimant, leaseMs);
      if (claim.kind === 'granted') owners.set(claimant.sid, lease);
      return claim;
    });
    return granted.then((claim) => {
      if (claim.kind === 'granted') this.#leases.set(claimant.sid, lease);
      return claim;
    });
  }

  async spending(sid: string, generation: number, leaseMs: number): Promise<boolean> {
    const { store } = this.#way;
    const lease = this.#leases.get(sid);
    if (!this.dead) store.unheard++;
    return this.#command(async ({ heads, owners }) => {
      store.unheard--;
      return owners.get(sid) === lease && heads.spending(sid, generation, leaseMs);
    });
  }

  publish(sid: string, generation: number, ticket: string, endsAt: number): Promise<boolean> {
    return this.#command(({ heads }) => heads.publish(sid, generation, ticket, endsAt));
  }

  confirm(sid: string, generation: number): Promise<void> {
    return this.#command(({ heads }) => heads.confirm(sid, generation));
  }

  release(sid: string, generation: number, doubtful?: boolean): Promise<void> {
    const lease = this.#leases.get(sid);
    return this.#command(async ({ heads, owners }) => {
      if (owners.get(sid) === lease) await heads.release(sid, generation, doubtful);
    });
  }

  forget(sid: string): Promise<void> {
    return this.#command(({ heads }) => heads.forget(sid));
  }

  restore(sid: string, head: Head, endsAt: number): Promise<void> {
    return this.#command(({ heads }) => {
      heads.learn(sid, head, endsAt);
      return Promise.resolve();
    });
  }

  begun(): Promise<number | undefined> {
    return Promise.resolve(undefined);
  }

  peek(sid: string): Promise<Head | undefined> {
    return this.#command(({ heads }) => Promise.resolve(heads.newest(sid)));
  }

  /** There and back. What a replica has written before it was killed arrives all the same; no answer comes to it any more. */
  async #command<T>(run: (store: SharedStore) => Promise<T>): Promise<T> {
    if (this.dead) return FOR_EVER;
    await this.#travel();
    const result = await this.#way.store.inTurn(() => run(this.#way.store));
    await this.#travel();
    return this.#answer(result);
  }

  #answer<T>(result: T): T | Promise<never> {
    return this.dead ? FOR_EVER : result;
  }

  async #travel(): Promise<void> {
    const { store, clock, delay } = this.#way;
    const ms = delay();
    if (ms > 0) await new Promise<void>((resolve) => void clock.after(ms, resolve));
    if (store.down) throw new StoreUnavailableError('down', true);
  }
}
