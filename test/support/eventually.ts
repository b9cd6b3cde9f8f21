import { pause, systemTimer } from '../../src/kernel/timer.ts';

/** Asks again and again until the answer is yes. The test's own time limit ends it. */
export async function eventually(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await pause(20, systemTimer);
}
