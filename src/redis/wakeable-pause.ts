import type { Timer } from '../kernel/timer.ts';

/** A loop's waiting, which somebody else may cut short. One at a time. */
export class WakeablePause {
  readonly #timer: Timer;
  #wake: () => void = () => undefined;

  constructor(timer: Timer) {
    this.#timer = timer;
  }

  /** Resolves after `ms` milliseconds, or when `wake` is called meanwhile. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#timer.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  wake(): void {
    this.#wake();
  }
}
