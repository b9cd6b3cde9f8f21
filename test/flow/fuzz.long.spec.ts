import { describe, expect, it } from '@jest/globals';
import { runOddRequests } from '../support/odd-requests-run.ts';

describe('requests that nobody sends on purpose, many of them', () => {
  it.each([1, 2, 3, 4])('are all answered, and never with a 5xx (seed %i)', async (seed) => {
    const run = await runOddRequests(5_000, seed);
    expect(run.wrong).toEqual([]);
    expect(run.errors).toEqual([]);
    expect([run.answered, run.alive]).toEqual([5_000, true]);
  });

  it('are all answered where the provider answers with a form, too', async () => {
    const run = await runOddRequests(5_000, 5, { config: { provider: { responseMode: 'form_post' } } });
    expect([run.wrong, run.errors, run.alive]).toEqual([[], [], true]);
  });
});
