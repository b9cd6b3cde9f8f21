/** Waiting as a port, so that tests move time instead of spending it. */
export interface Timer {
  /** Runs `run` once after `ms` milliseconds unless the returned function is called before. */
  after(ms: number, run: () => void): () => void;
}

/** Real timers. They never keep the process alive: what they wait for has its own socket. */
export const systemTimer: Timer = {
  after(ms, run) {
    const timeout = setTimeout(run, ms).unref();
    return () => clearTimeout(timeout);
  },
};

export const pause = (ms: number, timer: Timer): Promise<void> =>
  new Promise((resolve) => {
    timer.after(ms, resolve);
  });

/** The value of `running`, or `undefined` when it takes longer than `ms`. What is running goes on in either case. */
export function within<T extends object>(running: Promise<T>, ms: number, timer: Timer): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = timer.after(ms, () => resolve(undefined));
    running.finally(cancel).then(resolve, reject);
  });
}
