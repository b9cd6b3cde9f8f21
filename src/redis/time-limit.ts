import type { Timer } from '../kernel/timer.ts';

const SLICES = 3;

/**
 * Calls `expire` once, after `ms` milliseconds in which this process could have seen an answer; the returned function calls that off.
 * The time is waited for in slices: a process that stood still (paused by its container, busy with something else) finds all its
 * timers due at once and the answer not yet read, which must not be taken for the silence of the server.
 */
export function timeLimit(ms: number, expire: () => void, timer: Timer): () => void {
  let slices = 0;
  let cancel: () => void = () => undefined;
  const next = (): void => {
    if (slices === SLICES) {
      expire();
      return;
    }
    slices++;
    cancel = timer.after(ms / SLICES, next);
  };
  next();
  return () => cancel();
}
