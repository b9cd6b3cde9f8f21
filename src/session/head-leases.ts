import type { Claimant, Doubt } from './session-head.ts';
import { SlowSweep } from './slow-sweep.ts';

/** A lease by its length and its beginning, so that a clock set back cannot stretch it beyond its length. */
interface Lease {
  readonly generation: number;
  readonly length: number;
  readonly startedAt: number;
  readonly endsAt: number;
  /** When its holder sent the refresh token. */
  readonly spentAt?: number;
  /** Given back: what is left is the doubt. */
  readonly released: boolean;
  readonly doubt?: Doubt;
}

/** During an outage every session that is tried leaves a doubt. The oldest go first: they cost a session only if it comes back to them. */
const MOST_LEASES = 50_000;

/** Who refreshes which session in this process, and what is not known of those who tried before. All methods get the time, ms. */
export class HeadLeases {
  readonly #leases = new Map<string, Lease>();
  readonly #sweep = new SlowSweep(this.#leases);

  /** The generation of the lease that runs or ran last. */
  generationOf(sid: string): number {
    return this.#leases.get(sid)?.generation ?? 0;
  }

  /** Until when the lease is held, if it is. */
  heldUntil(sid: string, now: number): number | undefined {
    const lease = this.#leases.get(sid);
    if (lease === undefined || lease.released) return undefined;
    const until = Math.min(lease.startedAt, now) + lease.length;
    if (lease.startedAt > now) this.#leases.set(sid, { ...lease, startedAt: now });
    return now < until ? until : undefined;
  }

  /** The lease must not be held by anybody. Tells what is not known of an earlier use of the same generation. */
  take({ sid, generation, endsAt }: Claimant, length: number, now: number): Doubt | undefined {
    const before = this.#leases.get(sid);
    const doubt = before?.generation === generation ? doubtLeftBy(before) : undefined;
    this.#sweep.step((lease) => now >= lease.startedAt + lease.length && (doubtLeftBy(lease) === undefined || now >= lease.endsAt));
    this.#leases.delete(sid);
    this.#leases.set(sid, { generation, length, startedAt: now, endsAt, released: false, ...(doubt === undefined ? {} : { doubt }) });
    const [oldest] = this.#leases.size > MOST_LEASES ? this.#leases.keys() : [];
    if (oldest !== undefined) this.#leases.delete(oldest);
    return doubt;
  }

  /** False when there is no such lease, or it has ended. */
  spending(sid: string, generation: number, length: number, now: number): boolean {
    const lease = this.#leases.get(sid);
    if (lease?.generation !== generation || this.heldUntil(sid, now) === undefined) return false;
    this.#leases.set(sid, { ...lease, length, startedAt: now, spentAt: lease.spentAt ?? now });
    return true;
  }

  release(sid: string, generation: number, doubtful: boolean, now: number): void {
    const lease = this.#leases.get(sid);
    if (lease?.generation !== generation || lease.released) return;
    const { spentAt, doubt, ...rest } = lease;
    const left = doubtful ? { since: doubt?.since ?? spentAt ?? now, abandoned: doubt?.abandoned ?? false } : doubt;
    if (left === undefined) this.#leases.delete(sid);
    else this.#leases.set(sid, { ...rest, released: true, doubt: left });
  }

  remove(sid: string): void {
    this.#leases.delete(sid);
  }
}

/** A lease that ran out with its token sent leaves the doubt whether that was spent. */
function doubtLeftBy({ spentAt, released, doubt }: Lease): Doubt | undefined {
  if (released || spentAt === undefined) return doubt;
  return { since: doubt?.since ?? spentAt, abandoned: true };
}
