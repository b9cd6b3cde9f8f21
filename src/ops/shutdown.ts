import type { Server } from 'node:http';

const SWEEP_EVERY_MS = 100;

/** Stops accepting, lets requests under way finish for at most `graceMs`, then cuts what is left. */
export async function drainServer(server: Server, graceMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  // A keep-alive connection turns idle only after its last response; Node closes those that are idle now.
  const sweep = setInterval(() => {
    server.closeIdleConnections();
  }, SWEEP_EVERY_MS);
  const cut = setTimeout(() => {
    server.closeAllConnections();
  }, graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

export interface ShutdownSteps {
  /** Readiness turns red. */
  announce(): void;
  /** Finishes what is under way and closes; resolves when the process may end. */
  stop(): Promise<void>;
  /** Last thing before the process ends. */
  exit(code: number): void;
}

/** First signal: announce, wait for the platform to notice, stop, exit 0. Second signal: exit 1 at once. */
export class Shutdown {
  readonly #steps: ShutdownSteps;
  readonly #delayMs: number;
  #begun = false;

  constructor(steps: ShutdownSteps, delayMs: number) {
    this.#steps = steps;
    this.#delayMs = delayMs;
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
        () => {
          this.#steps.exit(0);
        },
        () => {
          this.#steps.exit(1);
        },
      );
    }, this.#delayMs);
  }
}
