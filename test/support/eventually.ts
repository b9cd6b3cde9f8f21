import { pause, systemTimer } from '../../src/kernel/timer.ts';

const PATIENCE_MS = 20_000;

/** Asks again and again until the answer is yes. Rejects after 20 seconds, so that nothing goes on after a test that has failed. */
export async function eventually(isSo: () => Promise<boolean> | boolean): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > until) throw new Error(`still not so: ${String(isSo)}`);
    await pause(20, systemTimer);
  }
}
