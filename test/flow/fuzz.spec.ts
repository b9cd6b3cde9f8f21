import { describe, expect, it } from '@jest/globals';
import { runOddRequests } from '../support/odd-requests-run.ts';

describe('requests that nobody sends on purpose', () => {
  it('are all answered, and never with a 5xx', async () => {
    const run = await runOddRequests(1_500, 20_260_101);
    expect(run.wrong).toEqual([]);
    expect(run.errors).toEqual([]);
    expect([run.answered, run.alive]).toEqual([1_500, true]);
    // They got past the first door, and into every kind of answer.
    for (const status of [200, 302, 400, 401, 403, 404, 405]) expect(run.statuses[status]).toBeGreaterThan(0);
  });
});
