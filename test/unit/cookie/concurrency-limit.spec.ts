import { describe, expect, it } from '@jest/globals';

import { ConcurrencyLimit } from '../../../src/cookie/concurrency-limit.ts';

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

describe('ConcurrencyLimit', () => {
  it('starts the rest in order as places come free, and never more than allowed', async () => {
    const limit = new ConcurrencyLimit(2);
    const started: number[] = [];
    const finish: (() => void)[] = [];
    const runs = [0, 1, 2, 3, 4].map((work) =>
      limit.run(() => {
        started.push(work);
        return new Promise<number>((resolve) => finish.push(() => resolve(work)));
      }),
    );
    await settled();
    expect(started).toEqual([0, 1]);
    finish[1]?.();
    await settled();
    expect(started).toEqual([0, 1, 2]);
    for (const at of [0, 2, 3, 4]) {
      finish[at]?.();
      await settled();
    }
    expect(await Promise.all(runs)).toEqual([0, 1, 2, 3, 4]);
    expect(started).toEqual([0, 1, 2, 3, 4]);
  });

  it('lets nobody in who comes while others wait', async () => {
    const limit = new ConcurrencyLimit(1);
    const started: number[] = [];
    const finish: (() => void)[] = [];
    const start = (work: number): void => {
      void limit.run(() => {
        started.push(work);
        return new Promise<void>((resolve) => finish.push(resolve));
      });
    };
    start(0);
    start(1);
    await settled();
    finish[0]?.();
    await settled();
    start(2);
    await settled();
    expect(started).toEqual([0, 1]);
    finish[1]?.();
    await settled();
    expect(started).toEqual([0, 1, 2]);
  });

  it('gives the place back after a failure', async () => {
    const limit = new ConcurrencyLimit(1);
    await expect(limit.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(limit.run(() => Promise.resolve('yes'))).resolves.toBe('yes');
  });
});
