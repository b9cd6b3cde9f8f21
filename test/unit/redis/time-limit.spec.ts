import { describe, expect, it } from '@jest/globals';
import { systemTimer } from '../../../src/kernel/timer.ts';
import { timeLimit } from '../../../src/redis/time-limit.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('a time limit', () => {
  it('is over after its time, once', async () => {
    const timer = new ManualClock();
    let expired = 0;
    timeLimit(300, () => expired++, timer);
    await timer.advance(299);
    expect(expired).toBe(0);
    await timer.advance(1);
    await timer.advance(1_000);
    expect(expired).toBe(1);
  });

  it('can be called off, also in the middle', async () => {
    const timer = new ManualClock();
    let expired = 0;
    const cancel = timeLimit(300, () => expired++, timer);
    await timer.advance(250);
    cancel();
    await timer.advance(1_000);
    expect([expired, timer.pending]).toEqual([0, 0]);
  });

  it('is not over because the process stood still for so long', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      // From here the next turn of the loop has timers first, then what sockets have received, then this.
      setImmediate(() => {
        const cancel = timeLimit(30, () => order.push('expired'), systemTimer);
        const until = performance.now() + 100;
        while (performance.now() < until);
        setImmediate(() => {
          order.push('could have seen an answer');
          cancel();
          resolve();
        });
      });
    });
    expect(order).toEqual(['could have seen an answer']);
  });
});
