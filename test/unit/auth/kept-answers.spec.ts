import { describe, expect, it } from '@jest/globals';
import { KeptAnswers } from '../../../src/auth/kept-answers.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const answer = { response: { status: 200, headers: {}, body: '' } };

describe('KeptAnswers', () => {
  it('gives an answer back for 60 seconds', () => {
    const clock = new ManualClock(0);
    const kept = new KeptAnswers(clock);
    kept.keep('a', answer);
    clock.set(59_999);
    expect(kept.get('a')).toBe(answer);
    clock.set(60_000);
    expect(kept.get('a')).toBeUndefined();
  });

  it('keeps at most 500, and drops the oldest first', () => {
    const kept = new KeptAnswers(new ManualClock());
    for (let i = 0; i <= 500; i++) kept.keep(String(i), answer);
    expect(kept.get('0')).toBeUndefined();
    expect(kept.get('1')).toBe(answer);
    expect(kept.get('500')).toBe(answer);
  });
});
