import { expect, it } from '@jest/globals';
import { Interleaving, type Verdict, type Weather } from './interleaving.ts';

export interface InterleavingTrialOptions {
  readonly weather: Weather;
  readonly firstSeed: number;
  readonly count: number;
}

/** Many random courses of events. What goes wrong is told with the seed that gives it again. */
export function interleavingTrial({ weather, firstSeed, count }: InterleavingTrialOptions): void {
  it(`${String(count)} random interleavings of two users on two replicas, ${weather}: no token crosses, and none is spent twice`, async () => {
    const failed: { seed: number; wrong: readonly string[] }[] = [];
    const verdicts: Verdict[] = [];
    for (let seed = firstSeed; seed < firstSeed + count; seed++) {
      const verdict = await new Interleaving(seed, weather).run();
      verdicts.push(verdict);
      if (verdict.wrong.length > 0) failed.push({ seed, wrong: [...new Set(verdict.wrong)] });
    }
    expect(failed).toEqual([]);
    const total = (word: string): number => verdicts.reduce((sum, { seen }) => sum + (seen[word] ?? 0), 0);
    const sum = (pick: (verdict: Verdict) => number): number => verdicts.reduce((all, verdict) => all + pick(verdict), 0);
    // The courses are worth something: most requests are served, many by somebody else's refresh, and some cannot be.
    expect(total('usable')).toBeGreaterThan(15 * count);
    expect(sum(({ grants }) => grants)).toBeGreaterThan(2 * count);
    expect(sum(({ healed }) => healed)).toBeGreaterThan(5 * count);
    if (weather === 'calm') expect(new Set(verdicts.flatMap(({ seen }) => Object.keys(seen)))).toEqual(new Set(['usable', 'unavailable']));
  });
}
