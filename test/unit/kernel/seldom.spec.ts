import { describe, expect, it } from '@jest/globals';

import { Seldom } from '../../../src/kernel/seldom.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('what is said seldom', () => {
  it('is said once in its time, each kind by itself', () => {
    const clock = new ManualClock();
    const seldom = new Seldom(clock, 1000);
    expect([seldom.isTime(), seldom.isTime(), seldom.isTime('other'), seldom.isTime('other')]).toEqual([true, false, true, false]);
    clock.set(clock.now() + 999);
    expect(seldom.isTime()).toBe(false);
    clock.set(clock.now() + 1);
    expect([seldom.isTime(), seldom.isTime()]).toEqual([true, false]);
  });

  it('is not kept back by a clock that was set back', () => {
    const clock = new ManualClock();
    const seldom = new Seldom(clock, 1000);
    seldom.isTime();
    clock.set(clock.now() - 5000);
    expect(seldom.isTime()).toBe(true);
  });
});
