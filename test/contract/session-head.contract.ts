import { beforeEach, describe, expect, it } from '@jest/globals';

import type { Claim, Head, SessionHead } from '../../src/session/session-head.ts';
import type { ManualClock } from '../support/manual-clock.ts';

/** What the head under test must be built with. Milliseconds. */
export const HEAD_TIMES = { handover: 60_000, confirmAfter: 45_000, idle: 1_800_000 } as const;

export interface HeadUnderTest {
  readonly head: SessionHead;
  /** What it knows of a session. */
  newest(sid: string): Head | undefined | Promise<Head | undefined>;
  now(): number;
  /** Moves the head's clock. */
  advance(ms: number): void | Promise<void>;
}

const { handover, confirmAfter, idle } = HEAD_TIMES;
const LEASE = 5000;
const HOUR = 3_600_000;

/** A browser presents a generation before the head has its ticket: that is handed over for what is left of the handover, and no longer. */
export async function lateTicket(head: SessionHead, clock: ManualClock): Promise<void> {
  const endsAt = clock.now() + HOUR;
  await head.claim({ sid: 'a', generation: 2, endsAt }, 1000);
  await head.release('a', 2);
  await head.publish('a', 2, 'late', endsAt);
  clock.set(clock.now() + HEAD_TIMES.handover - 1);
  expect(await head.claim({ sid: 'a', generation: 1, endsAt }, 1000)).toMatchObject({ kind: 'newer', ticket: 'late' });
  clock.set(clock.now() + 1);
  expect(await head.claim({ sid: 'a', generation: 1, endsAt }, 1000)).toMatchObject({ kind: 'superseded' });
  await head.publish('a', 2, 'too late', endsAt);
  expect(await head.claim({ sid: 'a', generation: 1, endsAt }, 1000)).toMatchObject({ kind: 'superseded' });
}

/** The suite that every implementation of `SessionHead` passes. */
export function describeSessionHead(name: string, makeHead: () => HeadUnderTest | Promise<HeadUnderTest>): void {
  describe(name, () => {
    let { head, newest, now, advance }: HeadUnderTest = {} as HeadUnderTest;
    const endsAt = (): number => now() + 12 * HOUR;

    beforeEach(async () => {
      ({ head, newest, now, advance } = await makeHead());
    });

    const claim = (sid: string, generation: number): Promise<Claim> => head.claim({ sid, generation, endsAt: endsAt() }, LEASE);

    /** A refresh from one generation to the next. */
    const refresh = async (sid: string, generation: number): Promise<void> => {
      await claim(sid, generation);
      await head.publish(sid, generation + 1, `${sid}:${generation + 1}`, endsAt());
    };

    describe('claim', () => {
      it('is granted once, and everybody else is told until when it is busy', async () => {
        const until = now() + LEASE;
        expect(await claim('a', 1)).toMatchObject({ kind: 'granted', until });
        await advance(1000);
        expect(await claim('a', 1)).toEqual({ kind: 'busy', until });
      });

      it('is one step: of fifty at once exactly one is granted', async () => {
        const claims = await Promise.all(Array.from({ length: 50 }, () => claim('a', 1)));
        expect(claims.filter(({ kind }) => kind === 'granted')).toHaveLength(1);
        expect(claims.filter(({ kind }) => kind === 'busy')).toHaveLength(49);
      });

      it('is granted for each session by itself', async () => {
        await claim('a', 1);
        expect(await claim('b', 1)).toMatchObject({ kind: 'granted' });
      });

      it('is granted again when the lease has ended', async () => {
        await claim('a', 1);
        await advance(LEASE);
        expect(await claim('a', 1)).toMatchObject({ kind: 'granted', until: now() + LEASE });
      });

      it('is busy for no longer than a lease when the clock is set back', async () => {
        await claim('a', 1);
        await advance(-1_000_000);
        expect(await claim('a', 1)).toEqual({ kind: 'busy', until: now() + LEASE });
        await advance(LEASE - 1);
        expect(await claim('a', 1)).toMatchObject({ kind: 'busy' });
        await advance(1);
        expect(await claim('a', 1)).toMatchObject({ kind: 'granted' });
      });

      it('is busy for an older generation as well while a lease is held', async () => {
        await claim('a', 2);
        expect(await claim('a', 1)).toMatchObject({ kind: 'busy' });
      });

      it('gives the newer ticket to an older generation', async () => {
        await refresh('a', 1);
        expect(await claim('a', 1)).toMatchObject({ kind: 'newer', generation: 2, ticket: 'a:2' });
      });

      it('is granted for the newest generation once the lease before has led to it', async () => {
        await refresh('a', 1);
        expect(await claim('a', 2)).toMatchObject({ kind: 'granted' });
      });

      it('never lets a generation go on whose successor may not be handed over any more', async () => {
        await refresh('a', 1);
        await advance(confirmAfter);
        await head.confirm('a', 2);
        await advance(handover);
        expect(await claim('a', 1)).toEqual({ kind: 'superseded', generation: 2 });
      });

      it('of a generation newer than the head makes every older one superseded', async () => {
        await refresh('a', 1);
        expect(await claim('a', 5)).toMatchObject({ kind: 'granted' });
        await head.release('a', 5);
        expect(await claim('a', 2)).toEqual({ kind: 'superseded', generation: 5 });
      });

      it('of a generation that nobody knew of is enough to keep older ones from the provider', async () => {
        await claim('a', 2);
        await head.release('a', 2);
        expect(await claim('a', 1)).toEqual({ kind: 'superseded', generation: 2 });
        expect(await claim('b', 1)).toMatchObject({ kind: 'granted' });
      });

      it('implies that its own generation has arrived', async () => {
        await refresh('a', 1);
        await advance(confirmAfter);
        await claim('a', 2);
        await head.release('a', 2);
        expect(await newest('a')).toMatchObject({ generation: 2, confirmedAt: now() });
      });

      it('right after the refresh implies nothing yet', async () => {
        await refresh('a', 1);
        await advance(confirmAfter - 1);
        await claim('a', 2);
        expect(await newest('a')).not.toHaveProperty('confirmedAt');
      });
    });

    describe('publish', () => {
      it('makes the ticket the head', async () => {
        await refresh('a', 1);
        expect(await newest('a')).toEqual({ generation: 2, ticket: 'a:2', setAt: now() });
      });

      it('tells whether the ticket is the head’s', async () => {
        await claim('a', 1);
        expect(await head.publish('a', 2, 'a:2', endsAt())).toBe(true);
        expect(await head.publish('a', 2, 'a:2', endsAt())).toBe(true);
        expect(await head.publish('a', 2, 'another', endsAt())).toBe(false);
        expect(await head.publish('a', 1, 'older', endsAt())).toBe(false);
      });

      it('changes nothing when its generation is not newer', async () => {
        await refresh('a', 1);
        const before = await newest('a');
        await advance(1000);
        await head.publish('a', 2, 'other', endsAt());
        await head.publish('a', 1, 'older', endsAt());
        expect(await newest('a')).toEqual(before);
      });

      it('is late when the browser was faster: older generations get the ticket for what is left of the handover', async () => {
        await claim('a', 2);
        await head.release('a', 2);
        await advance(1000);
        await head.publish('a', 2, 'late', endsAt());
        expect(await claim('a', 1)).toMatchObject({ kind: 'newer', generation: 2, ticket: 'late' });
        await advance(handover - 1001);
        expect(await claim('a', 1)).toMatchObject({ kind: 'newer', ticket: 'late' });
      });

      it('works without a lease, for a grant that took longer than it', async () => {
        await claim('a', 1);
        await advance(LEASE + 1);
        await head.publish('a', 2, 'late', endsAt());
        expect(await claim('a', 1)).toMatchObject({ kind: 'newer', generation: 2, ticket: 'late' });
      });

      it('ends the lease', async () => {
        await refresh('a', 1);
        expect(await claim('a', 2)).toMatchObject({ kind: 'granted' });
      });
    });

    describe('confirm', () => {
      it('does not count before its time, nor for another generation', async () => {
        await refresh('a', 1);
        await advance(confirmAfter - 1);
        await head.confirm('a', 2);
        expect(await newest('a')).not.toHaveProperty('confirmedAt');
        await advance(1);
        await head.confirm('a', 1);
        await head.confirm('a', 3);
        expect(await newest('a')).not.toHaveProperty('confirmedAt');
      });

      it('counts once: the time of the first stays', async () => {
        await refresh('a', 1);
        await advance(confirmAfter);
        await head.confirm('a', 2);
        const confirmedAt = now();
        await advance(1000);
        await head.confirm('a', 2);
        expect(await newest('a')).toMatchObject({ confirmedAt });
      });

      it('leaves the ticket for the handover, then only the number', async () => {
        await refresh('a', 1);
        await advance(confirmAfter);
        await head.confirm('a', 2);
        await advance(handover - 1);
        expect(await claim('a', 1)).toMatchObject({ kind: 'newer', ticket: 'a:2' });
        await advance(1);
        expect(await claim('a', 1)).toEqual({ kind: 'superseded', generation: 2 });
        expect(await newest('a')).toMatchObject({ generation: 2 });
        expect(await newest('a')).not.toHaveProperty('ticket');
      });

      it('of an unknown session is nothing', async () => {
        await head.confirm('nobody', 1);
        expect(await newest('nobody')).toBeUndefined();
      });
    });

    describe('without confirmation', () => {
      it('the ticket is kept up to the idle limit', async () => {
        await refresh('a', 1);
        await advance(idle - 1);
        expect(await claim('a', 1)).toMatchObject({ kind: 'newer', ticket: 'a:2' });
        await advance(1);
        expect(await claim('a', 1)).toEqual({ kind: 'superseded', generation: 2 });
      });
    });

    describe('the absolute limit', () => {
      it('ends everything that is known of the session', async () => {
        await head.publish('a', 2, 'ticket', now() + HOUR);
        await advance(HOUR - 1);
        expect(await newest('a')).toMatchObject({ generation: 2 });
        await advance(1);
        expect(await newest('a')).toBeUndefined();
        expect(await claim('a', 1)).toMatchObject({ kind: 'granted' });
      });
    });

    describe('release', () => {
      it('gives the lease back', async () => {
        await claim('a', 1);
        await head.release('a', 1);
        expect(await claim('a', 1)).toMatchObject({ kind: 'granted' });
      });

      it('leaves the lease of another generation alone', async () => {
        await claim('a', 2);
        await head.release('a', 1);
        expect(await claim('a', 2)).toMatchObject({ kind: 'busy' });
      });

      it('keeps the head', async () => {
        await refresh('a', 1);
        await claim('a', 2);
        await head.release('a', 2);
        expect(await newest('a')).toMatchObject({ generation: 2, ticket: 'a:2' });
      });

      it('of nothing is nothing', async () => {
        await expect(head.release('nobody', 1)).resolves.toBeUndefined();
      });
    });

    describe('a refresh token that was sent', () => {
      it('leaves a doubt when its sender vanishes, for whoever takes over, again and again', async () => {
        await claim('a', 1);
        await advance(100);
        const since = now();
        expect(await head.spending('a', 1, LEASE)).toBe(true);
        await advance(LEASE);
        const until = now() + LEASE;
        expect(await claim('a', 1)).toMatchObject({ kind: 'granted', until, doubt: { since, abandoned: true } });
        await head.release('a', 1);
        expect(await claim('a', 1)).toMatchObject({ kind: 'granted', doubt: { since, abandoned: true } });
      });

      it('begins the lease anew', async () => {
        await claim('a', 1);
        await advance(LEASE - 1);
        await head.spending('a', 1, LEASE);
        await advance(LEASE - 1);
        expect(await claim('a', 1)).toEqual({ kind: 'busy', until: now() + 1 });
      });

      it('leaves a doubt when its sender says so, the older one if there was one', async () => {
        await claim('a', 1);
        const since = now();
        await head.spending('a', 1, LEASE);
        await advance(100);
        await head.release('a', 1, true);
        expect(await claim('a', 1)).toMatchObject({ kind: 'granted', doubt: { since, abandoned: false } });
        await advance(100);
        await head.spending('a', 1, LEASE);
        await head.release('a', 1, true);
        expect(await claim('a', 1)).toMatchObject({ kind: 'granted', doubt: { since, abandoned: false } });
      });

      it('keeps the doubt of one that vanished when the next one gets no answer', async () => {
        await claim('a', 1);
        const since = now();
        await head.spending('a', 1, LEASE);
        await advance(LEASE);
        await claim('a', 1);
        await head.spending('a', 1, LEASE);
        await head.release('a', 1, true);
        expect(await claim('a', 1)).toMatchObject({ kind: 'granted', doubt: { since, abandoned: true } });
      });

      it('leaves none when its outcome is known, nor for the next generation', async () => {
        await claim('a', 1);
        await head.spending('a', 1, LEASE);
        await head.release('a', 1);
        expect(await claim('a', 1)).not.toHaveProperty('doubt');
        await head.spending('a', 1, LEASE);
        await head.release('a', 1, true);
        await head.publish('a', 2, 'ticket', endsAt());
        expect(await claim('a', 2)).not.toHaveProperty('doubt');
      });

      it('is not said by whoever has no lease, or has it no longer', async () => {
        expect(await head.spending('a', 1, LEASE)).toBe(false);
        await claim('a', 1);
        expect(await head.spending('a', 2, LEASE)).toBe(false);
        await advance(LEASE);
        expect(await head.spending('a', 1, LEASE)).toBe(false);
        expect(await claim('a', 1)).not.toHaveProperty('doubt');
      });
    });

    describe('forget', () => {
      it('forgets head and lease', async () => {
        await refresh('a', 1);
        await claim('a', 2);
        await head.forget('a');
        expect(await newest('a')).toBeUndefined();
        expect(await claim('a', 1)).toMatchObject({ kind: 'granted' });
      });
    });
  });
}
