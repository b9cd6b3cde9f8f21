import type { Logger } from '../kernel/logger.ts';
import type { Timer } from '../kernel/timer.ts';
import { isAboutCredentials } from './redis-fault.ts';

/** Milliseconds in which a reason is not said again. */
const QUIET = 60_000;
/** Slots on their way to another node: over in a moment, and nobody can do anything about it. */
const PASSING: ReadonlySet<string> = new Set(['tryagain', 'moved']);

/** What the log says about Redis: once when it is lost, once when it is back, and never more of an error than its reason. */
export class LinkLog {
  readonly #logger: Logger;
  readonly #timer: Timer;
  /** Events since Redis was last reached. */
  readonly #said = new Set<string>();
  readonly #quiet = new Set<string>();

  constructor(logger: Logger, timer: Timer) {
    this.#logger = logger;
    this.#timer = timer;
  }

  /** Of every attempt that fails; the first one counts. */
  down(reason: string): void {
    if (isAboutCredentials(reason)) this.#refused(reason);
    else this.#once('redis_unreachable', () => this.#logger.warn('redis_unreachable', { reason }));
  }

  up(): void {
    if (this.#said.size > 0) this.#logger.info('redis_reachable');
    this.#said.clear();
  }

  /** A command that Redis would not carry out although it can be reached. */
  failed(reason: string): void {
    if (isAboutCredentials(reason)) this.#refused(reason);
    else if (!PASSING.has(reason) && !this.#quiet.has(reason)) this.#error(reason);
  }

  #refused(reason: string): void {
    this.#once('redis_refused', () => this.#logger.error('redis_refused', { reason }));
  }

  #once(event: string, log: () => void): void {
    if (this.#said.has(event)) return;
    this.#said.add(event);
    log();
  }

  #error(reason: string): void {
    this.#quiet.add(reason);
    this.#timer.after(QUIET, () => this.#quiet.delete(reason));
    this.#logger.warn('redis_error', { reason });
  }
}
