import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Timer } from '../kernel/timer.ts';
import type { Head, SessionHead } from './session-head.ts';

/** What became of a refresh. */
export interface SharedHead {
  readonly kind: 'head';
  readonly sid: string;
  readonly head: Head;
  /** The session's absolute limit, ms. */
  readonly endsAt: number;
}

/** That a lease is given back, and whether its refresh token may have been spent. */
export interface GivenBack {
  readonly kind: 'given-back';
  readonly sid: string;
  readonly generation: number;
  readonly doubtful: boolean;
  /** When nobody needs to know any more, ms. */
  readonly endsAt: number;
}

export type SharedWord = SharedHead | GivenBack;

export interface UnsharedWordsOptions {
  readonly shared: Pick<SessionHead, 'release'> & {
    /** A head as it stands, with its age. What is newer there stays. */
    restore(sid: string, head: Head, endsAt: number): Promise<void>;
  };
  readonly clock: Clock;
  readonly timer: Timer;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

const RETRY_MS = 500;
const AT_ONCE = 50;
const MOST_WORDS = 10_000;

/**
 * What the shared store could not be told when it happened, for another time: without it another replica would spend a refresh token
 * that is spent, or take one for spent that is not. Bounded: the oldest go first.
 */
export class UnsharedWords {
  readonly #options: UnsharedWordsOptions;
  /** By session and kind: the last word counts. */
  readonly #waiting = new Map<string, SharedWord>();
  #cancel: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #lost = 0;
  #isBehind = false;
  #isClosed = false;

  constructor(options: UnsharedWordsOptions) {
    this.#options = options;
  }

  /** How many words there was no room for, for a metric. */
  get lost(): number {
    return this.#lost;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** The store would not take this. */
  missed(word: SharedWord): void {
    if (!this.#isBehind) this.#options.logger.warn('shared_store_behind');
    this.#isBehind = true;
    this.add([word]);
  }

  /** For a store that may know these already. */
  add(words: readonly SharedWord[]): void {
    if (this.#isClosed || words.length === 0) return;
    for (const word of words) this.#keep(word);
    this.#later();
  }

  /** Tries at once. Never rejects. */
  catchUp(): Promise<void> {
    this.#running ??= this.#tellAll().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** That an older lease of this session is given back, if that could not be told yet. */
  async tellLease(sid: string): Promise<void> {
    const word = this.#waiting.get(nameOf({ kind: 'given-back', sid }));
    if (word !== undefined) await this.#tell(word);
  }

  /** The session has a new lease of ours: nothing that was said of older ones holds any more. */
  leaseTaken(sid: string): void {
    this.#waiting.delete(nameOf({ kind: 'given-back', sid }));
  }

  forget(sid: string): void {
    for (const kind of ['head', 'given-back'] as const) this.#waiting.delete(nameOf({ kind, sid }));
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
    this.#waiting.clear();
  }

  #later(): void {
    this.#cancel ??= this.#options.timer.after(RETRY_MS, () => void this.catchUp());
  }

  #keep(word: SharedWord): void {
    const name = nameOf(word);
    const known = this.#waiting.get(name);
    if (known !== undefined && generationOf(known) > generationOf(word)) return;
    this.#waiting.delete(name);
    this.#waiting.set(name, word);
    if (this.#waiting.size <= MOST_WORDS) return;
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined) this.#waiting.delete(oldest);
    this.#lost += 1;
  }

  /** Some at a time, and no further than where none of them is taken: the store is still away then. */
  async #tellAll(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    const words = [...this.#waiting.values()];
    for (let at = 0; at < words.length; at += AT_ONCE) {
      const told = await Promise.all(words.slice(at, at + AT_ONCE).map((word) => this.#tell(word)));
      if (!told.includes(true)) break;
    }
    if (this.#isClosed || words.length === 0) return;
    if (this.#waiting.size > 0) {
      this.#later();
      return;
    }
    if (this.#isBehind) this.#options.logger.info('shared_store_caught_up');
    this.#isBehind = false;
  }

  async #tell(word: SharedWord): Promise<boolean> {
    const { shared, clock } = this.#options;
    try {
      if (clock.now() < word.endsAt) {
        if (word.kind === 'head') await shared.restore(word.sid, word.head, word.endsAt);
        else await shared.release(word.sid, word.generation, word.doubtful);
      }
    } catch {
      // Whatever it was, it is tried again, after the others; the store's connection says what is wrong with it.
      if (this.#waiting.get(nameOf(word)) === word) this.#keep(word);
      return false;
    }
    if (this.#waiting.get(nameOf(word)) === word) this.#waiting.delete(nameOf(word));
    return true;
  }
}

const generationOf = (word: SharedWord): number => (word.kind === 'head' ? word.head.generation : word.generation);

const nameOf = ({ kind, sid }: Pick<SharedWord, 'kind' | 'sid'>): string => `${kind} ${sid}`;
