import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Timer } from '../kernel/timer.ts';
import type { SessionHead } from './session-head.ts';

export interface SharedTicket {
  readonly kind: 'ticket';
  readonly sid: string;
  readonly generation: number;
  readonly ticket: string;
  /** When it is of no more use, ms: the session's absolute limit. */
  readonly endsAt: number;
}

/** That a lease is given back, and whether its refresh token may have been spent. */
export interface GivenBack {
  readonly kind: 'given-back';
  readonly sid: string;
  readonly generation: number;
  readonly doubtful: boolean;
}

export type SharedWord = SharedTicket | GivenBack;

export interface UnsharedWordsOptions {
  readonly shared: Pick<SessionHead, 'publish' | 'release'>;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

const RETRY_MS = 500;
const AT_ONCE = 50;
const MOST_WORDS = 10_000;

/**
 * Tells the shared store what became of refreshes, and keeps what it would not take for another time: without that another replica
 * would spend a refresh token that is spent, or take one for spent that is not. Bounded: the oldest go first.
 */
export class UnsharedWords {
  readonly #options: UnsharedWordsOptions;
  /** By session and kind: the last word counts. */
  readonly #waiting = new Map<string, SharedWord>();
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(options: UnsharedWordsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves when the store has it, or has failed to take it at once. */
  async share(word: SharedWord): Promise<void> {
    if (await this.#tell(word)) {
      this.#waiting.delete(nameOf(word));
      return;
    }
    if (this.#waiting.size === 0) this.#options.logger.warn('refresh_publish_delayed');
    this.later([word]);
  }

  /** Shares these when the store can be had. */
  later(words: readonly SharedWord[]): void {
    for (const word of words) this.#keep(word);
    if (this.#isClosed) return;
    this.#cancel ??= this.#options.timer.after(RETRY_MS, () => void this.catchUp());
  }

  /** Tries at once, some at a time, and no further than the first failure: the store is still away then. */
  async catchUp(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#waiting.size === 0) return;
    const words = [...this.#waiting.values()];
    for (let at = 0, told = true; told && at < words.length; at += AT_ONCE) {
      const outcomes = await Promise.all(words.slice(at, at + AT_ONCE).map((word) => this.#tellLate(word)));
      told = !outcomes.includes(false);
    }
    if (this.#waiting.size > 0) this.later([]);
    else this.#options.logger.info('refresh_publish_caught_up');
  }

  /** The session has a new lease of ours: that an older one is given back must not be said any more. */
  leaseTaken(sid: string): void {
    this.#waiting.delete(nameOf({ kind: 'given-back', sid }));
  }

  forget(sid: string): void {
    for (const kind of ['ticket', 'given-back'] as const) this.#waiting.delete(nameOf({ kind, sid }));
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
    this.#waiting.clear();
  }

  #keep(word: SharedWord): void {
    const name = nameOf(word);
    const known = this.#waiting.get(name);
    if (known !== undefined && known.generation > word.generation) return;
    this.#waiting.delete(name);
    this.#waiting.set(name, word);
    if (this.#waiting.size <= MOST_WORDS) return;
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined) this.#waiting.delete(oldest);
  }

  async #tellLate(word: SharedWord): Promise<boolean> {
    const isOver = word.kind === 'ticket' && this.#options.clock.now() >= word.endsAt;
    const told = isOver || (await this.#tell(word));
    if (told && this.#waiting.get(nameOf(word)) === word) this.#waiting.delete(nameOf(word));
    return told;
  }

  async #tell(word: SharedWord): Promise<boolean> {
    const { shared } = this.#options;
    try {
      if (word.kind === 'ticket') await shared.publish(word.sid, word.generation, word.ticket, word.endsAt);
      else await shared.release(word.sid, word.generation, word.doubtful);
      return true;
    } catch {
      // Whatever it was, it is tried again; the store's connection says what is wrong with it.
      return false;
    }
  }
}

const nameOf = ({ kind, sid }: Pick<SharedWord, 'kind' | 'sid'>): string => `${kind} ${sid}`;
