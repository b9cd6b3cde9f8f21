/** Runs something later and returns how to call that off. A port, so that tests need not wait. */
export type Schedule = (run: () => void, delayMs: number) => () => void;

/** Real timers. They never keep the process alive. */
export const scheduleUnref: Schedule = (run, delayMs) => {
  const timer = setTimeout(run, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};

/** The value of `running`, or `undefined` when it takes longer than `ms`. What is running goes on in either case. */
export async function atMost<T>(ms: number, running: Promise<T>, schedule: Schedule): Promise<T | undefined> {
  let cancel = (): void => undefined;
  const late = new Promise<undefined>((resolve) => {
    cancel = schedule(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([running, late]);
  } finally {
    cancel();
  }
}
