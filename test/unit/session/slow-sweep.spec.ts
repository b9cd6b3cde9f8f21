import { describe, expect, it } from '@jest/globals';

import { SlowSweep } from '../../../src/session/slow-sweep.ts';
import { ToldGenerations } from '../../../src/session/told-generations.ts';

describe('SlowSweep', () => {
  it('looks at a few entries at a time, and at all of them in the end', () => {
    const map = new Map(Array.from({ length: 20 }, (_, at) => [`k${at}`, at]));
    const sweep = new SlowSweep(map);
    sweep.step((value) => value % 2 === 0);
    expect(map.size).toBe(18);
    for (let step = 0; step < 6; step += 1) sweep.step((value) => value % 2 === 0);
    expect([...map.values()].every((value) => value % 2 === 1)).toBe(true);
    expect(map.size).toBe(10);
  });

  it('goes round and round, and keeps up with additions', () => {
    const map = new Map<string, number>();
    const sweep = new SlowSweep(map);
    for (let now = 0; now < 10_000; now += 1) {
      sweep.step((until) => now >= until);
      map.set(`k${now}`, now + 10);
    }
    expect(map.size).toBeLessThan(40);
  });

  it('leaves the dropping to its owner where told', () => {
    const map = new Map([['a', 1]]);
    const dropped: string[] = [];
    new SlowSweep(map).step(
      () => true,
      (key) => dropped.push(key),
    );
    expect(dropped).toEqual(['a']);
  });
});

describe('ToldGenerations', () => {
  it('tells each generation once, and none that is older', () => {
    const told = new ToldGenerations();
    expect([told.add('a', 1), told.add('a', 1), told.add('a', 2), told.add('a', 1), told.add('b', 1)]).toEqual([
      true,
      false,
      true,
      false,
      true,
    ]);
  });

  it('is bounded: the oldest are forgotten', () => {
    const told = new ToldGenerations();
    for (let at = 0; at < 100_001; at += 1) told.add(`s${at}`, 1);
    expect(told.add('s1', 1)).toBe(false);
    expect(told.add('s0', 1)).toBe(true);
  });
});
