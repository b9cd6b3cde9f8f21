import type { Logger } from '../kernel/logger.ts';

/** Takes every step in order, whatever becomes of the one before. Rejects with the first error when all are done. */
export async function takeAll(steps: readonly (() => Promise<void>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    const [outcome] = await Promise.allSettled([step()]);
    if (outcome.status === 'rejected') errors.push(outcome.reason);
  }
  if (errors.length > 0) throw errors[0];
}

/** Something did not end in the time that a shutdown has for it. */
export class ShutdownOverdueError extends Error {
  constructor(what: string) {
    super(`${what} did not end in time`);
    this.name = 'ShutdownOverdueError';
  }
}

/** The same outcome, or ShutdownOverdueError after `ms`: what still runs then is left to itself. */
export async function atMost(ms: number, what: string, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.reject(new ShutdownOverdueError(what)), ms);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

export interface ShutdownSteps {
  /** Readiness turns red. */
  announce(): void;
  /** Finishes what is under way and closes; resolves when the process may end. */
  stop(): Promise<void>;
  /** Last thing before the process ends. */
  exit(code: number): void;
}

/** First signal: announce, wait for the platform to notice, stop, exit 0; exit 1 when stopping failed. Second signal: exit 1 at once. */
export class Shutdown {
  readonly #steps: ShutdownSteps;
  readonly #delayMs: number;
  readonly #logger: Logger;
  #begun = false;

  constructor(steps: ShutdownSteps, delayMs: number, logger: Logger) {
    this.#steps = steps;
    this.#delayMs = delayMs;
    this.#logger = logger;
  }

  signal(): void {
    if (this.#begun) {
      this.#steps.exit(1);
      return;
    }
    this.#begun = true;
    this.#steps.announce();
    setTimeout(() => {
      this.#steps.stop().then(
        () => this.#steps.exit(0),
        (error: unknown) => this.#fail(error),
      );
    }, this.#delayMs);
  }

  #fail(error: unknown): void {
    this.#logger.error('shutdown_failed', { error: error instanceof Error ? error.name : typeof error });
    this.#steps.exit(1);
  }
}
