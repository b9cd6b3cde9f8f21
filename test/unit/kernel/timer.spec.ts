import { describe, expect, it } from '@jest/globals';

import { pause, systemTimer, within } from '../../../src/kernel/timer.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('waiting for something', () => {
  it('gives its value and takes the alarm back', async () => {
    const clock = new ManualClock();
    await expect(within(Promise.resolve({ a: 1 }), 1000, clock)).resolves.toEqual({ a: 1 });
    expect(clock.pending).toBe(0);
  });

  it('gives nothing when time is up', async () => {
    const clock = new ManualClock();
    const waited = within(new Promise<object>(() => undefined), 1000, clock);
    await clock.advance(1000);
    await expect(waited).resolves.toBeUndefined();
  });

  it('passes a failure on', async () => {
    await expect(within(Promise.reject(new Error('broken')), 1000, new ManualClock())).rejects.toThrow('broken');
  });
});

describe('real timers', () => {
  it('ring', async () => {
    await expect(pause(1, systemTimer)).resolves.toBeUndefined();
  });

  it('do not ring once taken back', async () => {
    let rung = 0;
    systemTimer.after(1, () => rung++)();
    await pause(5, systemTimer);
    expect(rung).toBe(0);
  });
});
