import { describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { AttemptLimit } from '../../../src/auth/attempt-limit.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const make = (perMinute = 5, most?: number) => {
  const clock = new ManualClock();
  return { clock, limit: new AttemptLimit({ perMinute, clock, ...(most === undefined ? {} : { most }) }) };
};

const times = (count: number, take: () => number | undefined): readonly (number | undefined)[] => Array.from({ length: count }, take);

describe('a limit of attempts', () => {
  it('admits so many a minute, and then says how long to wait for the next', async () => {
    const { clock, limit } = make();
    expect(times(5, () => limit.take('a'))).toEqual(Array.from({ length: 5 }));
    expect(limit.take('a')).toBe(12);
    await clock.advance(11_000);
    expect(limit.take('a')).toBe(1);
    await clock.advance(1000);
    expect(limit.take('a')).toBeUndefined();
    expect(limit.take('a')).toBe(12);
  });

  it('admits no more than so many, however long nobody came', async () => {
    const { clock, limit } = make(2);
    limit.take('a');
    await clock.advance(86_400_000);
    expect(times(3, () => limit.take('a'))).toEqual([undefined, undefined, 30]);
  });

  it('counts no attempt that it refuses', async () => {
    const { clock, limit } = make(1);
    limit.take('a');
    for (let second = 1; second < 60; second++) {
      await clock.advance(1000);
      expect(limit.take('a')).toBe(60 - second);
    }
    await clock.advance(1000);
    expect(limit.take('a')).toBeUndefined();
  });

  it('counts every key by itself', () => {
    const { limit } = make(1);
    expect([limit.take('a'), limit.take('b'), limit.take('a')]).toEqual([undefined, undefined, 60]);
  });

  it('forgets whose attempts are all back', async () => {
    const { clock, limit } = make();
    for (const key of ['a', 'b', 'c']) limit.take(key);
    await clock.advance(11_999);
    limit.take('b');
    expect(limit.size).toBe(3);
    await clock.advance(1);
    limit.take('d');
    expect(limit.size).toBe(2);
  });

  it.each([1, 3, 7, 11, 60, 999])('admits %d a minute, day after day', async (perMinute) => {
    const { clock, limit } = make(perMinute);
    times(perMinute, () => limit.take('a'));
    for (let minute = 0; minute < 100; minute++) {
      await clock.advance(60_000);
      expect(times(perMinute, () => limit.take('a')).filter((it) => it !== undefined)).toEqual([]);
      expect(limit.take('a')).toBeGreaterThan(0);
    }
  });

  it('locks nobody out for longer than its minute when the clock is set back', () => {
    let now = 1_000_000_000;
    const limit = new AttemptLimit({ perMinute: 1, clock: { now: () => now } });
    limit.take('a');
    now -= 500_000_000;
    expect(limit.take('a')).toBe(60);
    now += 60_000;
    expect(limit.take('a')).toBeUndefined();
  });

  it('remembers no more keys than it may, the newest ones', () => {
    const { limit } = make(1, 100);
    for (let i = 0; i < 1000; i++) limit.take(`key-${String(i)}`);
    expect(limit.size).toBe(100);
    expect([limit.take('key-999'), limit.take('key-0')]).toEqual([60, undefined]);
  });

  it('keeps no key as it came', () => {
    const { limit } = make();
    limit.take('alice@example.com');
    expect(inspect(limit, { depth: 9, showHidden: true })).not.toContain('alice');
  });
});
