import { describe, expect, it } from '@jest/globals';

import { GrantSlots } from '../../../src/tokens/grant-slots.ts';
import { ManualClock, settled } from '../../support/manual-clock.ts';

const SECOND = 1000;

/** Slots, with those who asked for one: who got it, in which order, and who got none. */
class Queue {
  readonly clock = new ManualClock();
  readonly slots: GrantSlots;
  readonly taken: string[] = [];
  readonly refused: string[] = [];

  constructor(most: number) {
    this.slots = new GrantSlots({ most, clock: this.clock, timer: this.clock });
  }

  ask(key: string, patience = 60 * SECOND, again = false): void {
    const answer = this.slots.take({ key, patience, again });
    const note = (taken: boolean): unknown => (taken ? this.taken : this.refused).push(key);
    if (typeof answer === 'boolean') note(answer);
    else void answer.then(note);
  }

  askAll(count: number): void {
    for (let n = 0; n < count; n++) this.ask(`k${String(n)}`);
  }

  /** A grant that was asked too often, out of as many as are under way. */
  throttledWith(running: number, retryAfter: number): void {
    for (let n = 0; n < running; n++) this.ask(`running-${String(n)}`);
    this.slots.throttled(retryAfter);
    for (let n = 0; n < running; n++) this.slots.free();
    this.taken.length = 0;
  }
}

describe('turns to ask the provider', () => {
  it('are given at once while there are any', () => {
    const queue = new Queue(2);
    expect([queue.slots.take({ key: 'a', patience: 0 }), queue.slots.crowded]).toEqual([true, false]);
    expect([queue.slots.take({ key: 'b', patience: 0 }), queue.slots.crowded]).toEqual([true, true]);
  });

  it('come in the order of arrival', async () => {
    const queue = new Queue(1);
    for (const key of ['a', 'b', 'c', 'd']) queue.ask(key);
    for (const taken of [['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c', 'd']]) {
      await settled();
      expect(queue.taken).toEqual(taken);
      queue.slots.free();
    }
    expect(queue.slots.crowded).toBe(false);
    expect(queue.clock.pending).toBe(0);
  });

  it('never go to whoever has come later, while somebody waits', async () => {
    const queue = new Queue(1);
    queue.ask('a');
    queue.ask('b');
    queue.slots.free();
    queue.ask('c', 0);
    await settled();
    expect([queue.taken, queue.refused]).toEqual([['a', 'b'], ['c']]);
  });

  it('come first to whoever had one and gave it back', async () => {
    const queue = new Queue(1);
    queue.ask('a');
    queue.ask('b');
    queue.ask('c', SECOND, true);
    queue.slots.free();
    await settled();
    expect(queue.taken).toEqual(['a', 'c']);
  });

  it('are waited for by whoever had one and gave it back, however many wait', async () => {
    const queue = new Queue(1);
    queue.askAll(21);
    queue.ask('again', SECOND, true);
    queue.ask('new');
    await settled();
    expect([queue.slots.isWaiting('again'), queue.refused]).toEqual([true, ['new']]);
    queue.slots.close();
    queue.ask('too-late', SECOND, true);
    await settled();
    expect(queue.refused).toContain('too-late');
  });

  it('come to nobody who would not wait', () => {
    const queue = new Queue(1);
    queue.ask('a');
    queue.ask('b', 0);
    expect([queue.refused, queue.slots.isWaiting('b')]).toEqual([['b'], false]);
  });

  it('are waited for by twenty times as many as may ask at once, and no more', async () => {
    const queue = new Queue(3);
    queue.askAll(64);
    await settled();
    expect([queue.taken.length, queue.refused]).toEqual([3, ['k63']]);
    queue.slots.free();
    queue.ask('later');
    await settled();
    expect([queue.slots.isWaiting('later'), queue.refused]).toEqual([true, ['k63']]);
  });

  it('are waited for no longer than somebody’s patience lasts', async () => {
    const queue = new Queue(1);
    queue.ask('a');
    queue.ask('b', SECOND);
    queue.ask('c', 2 * SECOND);
    await queue.clock.advance(SECOND);
    expect([queue.refused, queue.slots.isWaiting('b'), queue.slots.isWaiting('c')]).toEqual([['b'], false, true]);
    queue.slots.free();
    await settled();
    expect([queue.taken, queue.clock.pending]).toEqual([['a', 'c'], 0]);
  });

  it('come to nobody who was taken out of the queue', async () => {
    const queue = new Queue(1);
    for (const key of ['a', 'b', 'c']) queue.ask(key);
    queue.slots.withdraw('b');
    queue.slots.withdraw('nobody');
    queue.slots.free();
    await settled();
    expect([queue.taken, queue.refused]).toEqual([['a', 'c'], ['b']]);
  });

  it('are waited for by nobody once they are closed', async () => {
    const queue = new Queue(1);
    for (const key of ['a', 'b', 'c']) queue.ask(key);
    queue.slots.close();
    queue.ask('d');
    await settled();
    expect([queue.taken, queue.refused, queue.clock.pending]).toEqual([['a'], ['d', 'b', 'c'], 0]);
  });
});

describe('a provider that was asked too often', () => {
  it('is asked by nobody for as long as it says, and then by those who waited', async () => {
    const queue = new Queue(4);
    queue.throttledWith(2, 3);
    queue.ask('a');
    queue.ask('b', 0);
    await queue.clock.advance(3 * SECOND - 1);
    expect([queue.taken, queue.refused, queue.slots.crowded]).toEqual([[], ['b'], true]);
    await queue.clock.advance(1);
    expect(queue.taken).toEqual(['a']);
  });

  it('is asked again after ten seconds, however long it wants to be left alone', async () => {
    const queue = new Queue(4);
    queue.throttledWith(1, 3600);
    queue.ask('a');
    await queue.clock.advance(10 * SECOND - 1);
    expect(queue.taken).toEqual([]);
    await queue.clock.advance(1);
    expect(queue.taken).toEqual(['a']);
  });

  it('is left alone until the last of several times that it named', async () => {
    const queue = new Queue(4);
    queue.slots.throttled(2);
    await queue.clock.advance(SECOND);
    queue.slots.throttled(5);
    queue.slots.throttled(1);
    queue.ask('a');
    await queue.clock.advance(5 * SECOND - 1);
    expect(queue.taken).toEqual([]);
    await queue.clock.advance(1);
    expect([queue.taken, queue.clock.pending]).toEqual([['a'], 0]);
  });

  it('is then asked by half as many at once as before, and by one at least', async () => {
    const queue = new Queue(50);
    for (const [running, expected] of [
      [50, 25],
      [25, 12],
      [12, 6],
      [1, 1],
      [1, 1],
    ] as const) {
      queue.throttledWith(running, 1);
      await queue.clock.advance(SECOND);
      queue.askAll(60);
      await settled();
      expect(queue.taken.length).toBe(expected);
      queue.slots.close();
      for (let n = 0; n < expected; n++) queue.slots.free();
    }
  });

  it('and says so to everybody under way, is taken at its word once', async () => {
    const queue = new Queue(50);
    for (let n = 0; n < 50; n++) queue.ask(`running-${String(n)}`);
    for (let n = 0; n < 50; n++) queue.slots.throttled(1);
    for (let n = 0; n < 50; n++) queue.slots.free();
    queue.taken.length = 0;
    await queue.clock.advance(SECOND);
    queue.askAll(60);
    await settled();
    expect(queue.taken.length).toBe(25);
  });

  it('is asked by one more at once after each round that went well, up to as many as ever', async () => {
    const queue = new Queue(4);
    queue.throttledWith(2, 1);
    await queue.clock.advance(SECOND);
    queue.askAll(40);
    const atOnce: number[] = [];
    for (let granted = 0; granted < 12; granted++) {
      await settled();
      atOnce.push(queue.taken.length - granted);
      queue.slots.answered();
      queue.slots.free();
    }
    expect(atOnce).toEqual([1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4]);
  });

  it('is asked at once when the clock was set back', () => {
    const queue = new Queue(4);
    queue.throttledWith(2, 10);
    queue.clock.set(queue.clock.now() - 600 * SECOND);
    queue.ask('a', 0);
    expect(queue.taken).toEqual(['a']);
  });

  it('is asked by those who waited as soon as somebody comes after a clock was put forward', async () => {
    const queue = new Queue(4);
    queue.throttledWith(4, 10);
    queue.ask('a');
    queue.clock.set(queue.clock.now() + 600 * SECOND);
    queue.ask('b');
    await settled();
    expect(queue.taken).toEqual(['b', 'a']);
  });
});
