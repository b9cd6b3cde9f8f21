import { describe, expect, it } from '@jest/globals';

import { CircuitBreaker } from '../../../src/tokens/circuit-breaker.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const PAUSE = 10_000;

function opened(): { breaker: CircuitBreaker; clock: ManualClock } {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ failures: 3, pause: PAUSE }, clock);
  for (let i = 0; i < 3; i++) breaker.failed();
  return { breaker, clock };
}

describe('the circuit breaker', () => {
  it('lets everything through until enough calls in a row failed', () => {
    const breaker = new CircuitBreaker({ failures: 3, pause: PAUSE }, new ManualClock());
    expect([breaker.failed(), breaker.failed()]).toEqual([false, false]);
    expect(breaker.admit()).toEqual({ kind: 'admitted' });
    expect(breaker.failed()).toBe(true);
    expect(breaker.admit()).toEqual({ kind: 'refused', retryAfter: 10 });
  });

  it('starts counting again after a success', () => {
    const breaker = new CircuitBreaker({ failures: 2, pause: PAUSE }, new ManualClock());
    breaker.failed();
    expect(breaker.succeeded()).toBe(false);
    expect(breaker.failed()).toBe(false);
    expect(breaker.admit().kind).toBe('admitted');
  });

  it('tells how long the pause still is', () => {
    const { breaker, clock } = opened();
    clock.set(clock.now() + 7500);
    expect(breaker.admit()).toEqual({ kind: 'refused', retryAfter: 3 });
  });

  it('lets one call through after the pause, and closes when it succeeds', () => {
    const { breaker, clock } = opened();
    clock.set(clock.now() + PAUSE);
    expect([breaker.admit().kind, breaker.admit().kind]).toEqual(['admitted', 'refused']);
    expect(breaker.succeeded()).toBe(true);
    expect([breaker.admit().kind, breaker.admit().kind]).toEqual(['admitted', 'admitted']);
  });

  it('pauses once more when that one call fails', () => {
    const { breaker, clock } = opened();
    clock.set(clock.now() + PAUSE);
    breaker.admit();
    expect(breaker.failed()).toBe(false);
    expect(breaker.admit()).toEqual({ kind: 'refused', retryAfter: 10 });
    clock.set(clock.now() + PAUSE);
    expect(breaker.admit().kind).toBe('admitted');
  });

  it('does not stay open because the clock was set back', () => {
    const { breaker, clock } = opened();
    clock.set(clock.now() - 3_600_000);
    expect(breaker.admit().kind).toBe('admitted');
  });
});
