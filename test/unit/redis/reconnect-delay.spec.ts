import { describe, expect, it } from '@jest/globals';
import { reconnectDelay } from '../../../src/redis/reconnect-delay.ts';

describe('the delay before the next attempt', () => {
  it('doubles from 50 ms up to a second', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 1_000].map((failures) => reconnectDelay(failures, () => 0))).toEqual([
      50, 100, 200, 400, 800, 1_000, 1_000, 1_000,
    ]);
  });

  it('leaves out a random part of up to a half', () => {
    expect([0, 0.5, 1].map((random) => reconnectDelay(6, () => random))).toEqual([1_000, 750, 500]);
  });
});
