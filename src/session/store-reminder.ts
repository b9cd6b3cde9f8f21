import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { unlessAway } from '../kernel/store-unavailable.ts';
import type { MemorySessionHead } from './memory-session-head.ts';
import type { Head } from './session-head.ts';
import { ageSince } from './session-limits.ts';
import type { SharedHead, UnsharedWords } from './unshared-words.ts';

export interface StoreReminderOptions {
  readonly shared: {
    peek(sid: string): Promise<Head | undefined>;
    /** Since when it has known what it knows. */
    begun(): Promise<number | undefined>;
  };
  readonly local: Pick<MemorySessionHead, 'heads'>;
  readonly unshared: Pick<UnsharedWords, 'add' | 'catchUp'>;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
}

/** After an outage, those who were cut off get this long to say what became of their refreshes. */
const CATCHING_UP_MS = 3000;
/** A store that takes over from another one may lack its last writes. */
const LAST_WRITES_MS = 60_000;
/** So many of our newest heads are looked up in a store that is back. */
const SAMPLE = 5;
const REMIND_EVERY_MS = 10_000;

/** Tells the shared store again what it has forgotten, because others would spend what is spent. */
export class StoreReminder {
  readonly #options: StoreReminderOptions;
  #begun: number | undefined;
  #backAt = Number.NEGATIVE_INFINITY;
  #remindedAt = Number.NEGATIVE_INFINITY;

  constructor(options: StoreReminderOptions) {
    this.#options = options;
  }

  /** Until when a sender that seems to have vanished may only have been cut off. */
  get catchingUpUntil(): number | undefined {
    const now = this.#options.clock.now();
    const until = this.#backAt + CATCHING_UP_MS;
    return now < until && now >= this.#backAt ? until : undefined;
  }

  /** The store is back: it gets what it could not be told and the last writes once more, and everything when it has lost something. */
  async storeIsBack(): Promise<void> {
    const { local, unshared, shared, clock } = this.#options;
    this.#backAt = clock.now();
    const heads = local.heads();
    const sample = heads.filter(({ head }) => head.ticket !== undefined).slice(-SAMPLE);
    // Asked before it is told anything, and answered in that order.
    const asked = Promise.all(sample.map(({ sid }) => unlessAway(shared.peek(sid).then((head) => head?.generation ?? 0))));
    unshared.add(heads.filter(({ head }) => ageSince(head.setAt, this.#backAt) < LAST_WRITES_MS).map(toWord));
    await unshared.catchUp();
    const isLost = (await asked).some((known, n) => known !== undefined && known < (sample[n]?.head.generation ?? 0));
    await this.look();
    if (isLost) this.remind();
  }

  /** To be called every now and then while the store can be asked: it may be emptied without going away. */
  async look(): Promise<void> {
    const begun = await unlessAway(this.#options.shared.begun());
    if (begun === undefined) return;
    const isAnother = this.#begun !== undefined && begun !== this.#begun;
    this.#begun = begun;
    if (isAnother) this.#tellAll();
  }

  /** All that this process knows, in the background, and not again and again. */
  remind(): void {
    const now = this.#options.clock.now();
    if (Math.abs(now - this.#remindedAt) >= REMIND_EVERY_MS) this.#tellAll();
  }

  #tellAll(): void {
    const { clock, local, logger, unshared } = this.#options;
    this.#remindedAt = clock.now();
    const heads = local.heads();
    logger.warn('store_was_emptied', { heads: heads.length });
    unshared.add(heads.map(toWord));
    void unshared.catchUp();
  }
}

const toWord = (known: Omit<SharedHead, 'kind'>): SharedHead => ({ kind: 'head', ...known });
