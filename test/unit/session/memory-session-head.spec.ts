import { describe, expect, it } from '@jest/globals';

import { MemorySessionHead } from '../../../src/session/memory-session-head.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const TIMES = { handover: 60_000, confirmAfter: 45_000, idle: 1_800_000 };
const HOUR = 3_600_000;
const TICKET = 't'.repeat(1000);
/** What one head of these tests is taken for: overhead, one-character sid, ticket. */
const WITH_TICKET = 256 + 1 + TICKET.length;
const NUMBER = 256 + 1;

function headOf(memory: number) {
  const clock = new ManualClock();
  const head = new MemorySessionHead({ clock, ...TIMES, memory });
  return {
    head,
    publish: (sid: string, generation = 2, lifetime = HOUR) => head.publish(sid, generation, TICKET, clock.now() + lifetime),
    advance: (ms: number) => clock.set(clock.now() + ms),
    now: () => clock.now(),
  };
}

describe('the byte bound of MemorySessionHead', () => {
  it('drops confirmed tickets first, and counts them', async () => {
    const { head, publish, advance } = headOf(3 * WITH_TICKET + NUMBER);
    for (const sid of ['a', 'b', 'c']) await publish(sid);
    advance(TIMES.confirmAfter);
    await head.confirm('c', 2);
    expect(head.evicted).toBe(0);
    await publish('d');
    expect(head.evicted).toBe(1);
    expect(['a', 'b', 'c', 'd'].filter((sid) => head.newest(sid)?.ticket !== undefined)).toEqual(['a', 'b', 'd']);
  });

  it('then drops the oldest unconfirmed, and keeps their numbers', async () => {
    const { head, publish } = headOf(3 * WITH_TICKET);
    for (const sid of ['a', 'b', 'c', 'd']) await publish(sid);
    expect(['a', 'b', 'c', 'd'].filter((sid) => head.newest(sid)?.ticket !== undefined)).toEqual(['c', 'd']);
    expect(head.newest('a')).toMatchObject({ generation: 2 });
    expect(await head.claim({ sid: 'a', generation: 1, endsAt: Infinity }, 5000)).toEqual({ kind: 'superseded', generation: 2 });
    expect(head.evicted).toBe(2);
  });

  it('drops numbers only when no ticket is left', async () => {
    const { head, publish } = headOf(4 * NUMBER);
    for (const sid of ['a', 'b', 'c', 'd', 'e']) await publish(sid);
    expect(['a', 'b', 'c', 'd', 'e'].map((sid) => head.newest(sid)?.generation)).toEqual([undefined, 2, 2, 2, 2]);
    expect(['b', 'c', 'd', 'e'].filter((sid) => head.newest(sid)?.ticket !== undefined)).toEqual([]);
  });

  it('counts the newer ticket of a session instead of the older, not beside it', async () => {
    const { head, publish } = headOf(WITH_TICKET);
    for (let generation = 2; generation < 20; generation += 1) await publish('a', generation);
    expect(head.newest('a')).toMatchObject({ generation: 19, ticket: TICKET });
    expect(head.evicted).toBe(0);
  });

  it('gives back the room of sessions that were forgotten or are over', async () => {
    const { head, publish, advance } = headOf(3 * WITH_TICKET);
    for (const sid of ['a', 'b', 'c']) await publish(sid, 2, 1000);
    await head.forget('a');
    advance(1000);
    for (const sid of ['d', 'e', 'f']) await publish(sid);
    expect(['d', 'e', 'f'].filter((sid) => head.newest(sid)?.ticket !== undefined)).toEqual(['d', 'e', 'f']);
    expect(head.evicted).toBe(0);
  });
});

describe('MemorySessionHead and clocks', () => {
  it('keeps everything when the clock is set back, and stretches no lease beyond its length', async () => {
    const { head, publish, advance, now } = headOf(100_000);
    await publish('a');
    await head.claim({ sid: 'a', generation: 2, endsAt: Infinity }, 5000);
    advance(-600_000);
    expect(head.newest('a')).toMatchObject({ generation: 2, ticket: TICKET });
    expect(await head.claim({ sid: 'a', generation: 2, endsAt: Infinity }, 5000)).toEqual({ kind: 'busy', until: now() + 5000 });
    advance(5000);
    expect(await head.claim({ sid: 'a', generation: 2, endsAt: Infinity }, 5000)).toMatchObject({ kind: 'granted' });
  });

  it('publishes nothing for a session that is over already', async () => {
    const { head, publish } = headOf(100_000);
    await publish('a', 2, 0);
    expect(head.newest('a')).toBeUndefined();
  });

  it('ignores a late ticket that is older than a generation being refreshed now', async () => {
    const { head, publish, advance } = headOf(100_000);
    await head.claim({ sid: 'a', generation: 3, endsAt: Infinity }, 5000);
    advance(6000);
    await head.claim({ sid: 'a', generation: 5, endsAt: Infinity }, 5000);
    await publish('a', 4);
    expect(head.newest('a')).toEqual({ generation: 5, setAt: expect.any(Number), confirmedAt: expect.any(Number) });
    expect(await head.claim({ sid: 'a', generation: 5, endsAt: Infinity }, 5000)).toMatchObject({ kind: 'busy' });
  });
});

describe('doubts about refresh tokens', () => {
  it('are kept for the newest sessions only', async () => {
    const { head, now } = headOf(1024 * 1024);
    const endsAt = now() + HOUR;
    for (let n = 0; n <= 50_000; n += 1) {
      const sid = String(n);
      await head.claim({ sid, generation: 1, endsAt }, 1000);
      await head.release(sid, 1, true);
    }
    expect(await head.claim({ sid: '0', generation: 1, endsAt }, 1000)).not.toHaveProperty('doubt');
    expect(await head.claim({ sid: '50000', generation: 1, endsAt }, 1000)).toHaveProperty('doubt');
  });
});
