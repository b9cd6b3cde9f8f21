import { describe, expect, it } from '@jest/globals';
import { LastGood, type Fetched } from '../../../src/oidc/last-good.ts';
import { ManualTimer, MovableClock } from '../../support/openid-setup.ts';

const FAILED: Fetched<string> = { kind: 'failed', cause: 'down', misconfigured: false };
const fetched = (value: string): Fetched<string> => ({ kind: 'fetched', value });

const make = (outcomes: Fetched<string>[], interval?: number) => {
  const clock = new MovableClock();
  const later = new ManualTimer();
  const state = { loads: 0 };
  const kept = new LastGood<string>({
    load: async () => {
      state.loads++;
      return outcomes.shift() ?? FAILED;
    },
    clock,
    timer: later,
    ...(interval === undefined ? {} : { interval }),
  });
  return { kept, clock, later, state };
};

describe('LastGood', () => {
  it('knows nothing before the first attempt ended', () => {
    expect(make([]).kept.status).toBe('unknown');
  });

  it('keeps the last good copy when later readings fail', async () => {
    const { kept } = make([fetched('a'), FAILED]);
    await kept.reload();
    await kept.reload();
    expect([kept.current, kept.status]).toEqual(['a', 'down']);
  });

  it('retries by itself, with pauses that double from 250 ms and stop at 30 s', async () => {
    const { kept, later, state } = make([]);
    await kept.reload();
    for (const full of [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      const delay = later.run();
      expect(delay).toBeLessThanOrEqual(full);
      expect(delay).toBeGreaterThanOrEqual(full / 2);
      await kept.running;
    }
    expect(state.loads).toBe(10);
  });

  it('starts again with the shortest pause after a success', async () => {
    const { kept, later } = make([FAILED, FAILED, fetched('a'), FAILED], 60_000);
    await kept.reload();
    later.run();
    await kept.running;
    later.run();
    await kept.running;
    expect(later.pending.map((entry) => entry.delay)).toEqual([60_000]);
    later.run();
    await kept.running;
    expect(later.pending[0]?.delay).toBeLessThanOrEqual(250);
  });

  it('lets concurrent callers share one attempt', async () => {
    const { kept, state } = make([fetched('a')]);
    expect(await Promise.all([kept.ready(), kept.ready(), kept.ready()])).toEqual(['a', 'a', 'a']);
    expect(state.loads).toBe(1);
  });

  it('does not hammer when it is asked again and again', async () => {
    const { kept, clock, state } = make([]);
    await kept.ready();
    await kept.ready();
    expect(state.loads).toBe(1);
    clock.offset += 250;
    await kept.ready();
    expect(state.loads).toBe(2);
  });

  it('does not rest for long when the clock was set back', async () => {
    const { kept, clock, state } = make([]);
    await kept.ready();
    clock.offset -= 600_000;
    await kept.ready();
    expect(state.loads).toBe(2);
  });

  it('has one pending retry however often it was asked', async () => {
    const { kept, clock, later } = make([]);
    await kept.ready();
    clock.offset += 250;
    await kept.ready();
    expect(later.pending).toHaveLength(1);
  });

  it('stops for good when it is closed, also during an attempt', async () => {
    const { kept, later } = make([]);
    const running = kept.reload();
    kept.close();
    await running;
    expect(later.pending).toHaveLength(0);
  });
});
