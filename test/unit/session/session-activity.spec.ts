import { describe, expect, it } from '@jest/globals';

import { SessionActivity } from '../../../src/session/session-activity.ts';
import type { ActiveSession } from '../../../src/session/session-lookup.ts';
import type { Session } from '../../../src/session/session.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { NOW, sampleSession } from './sample-session.ts';

const STEP = 180_000;
const HANDOVER = 60_000;

const active = (session: Session): ActiveSession => ({ kind: 'active', session, ticket: { value: 'presented', session } });

function stand() {
  const clock = new ManualClock(NOW + STEP);
  const saved: Session[] = [];
  let failing = false;
  const store = {
    load: () => ({ kind: 'missing' as const }),
    save: async (session: Session) => {
      if (failing) throw new Error('store down');
      saved.push(session);
      return { value: `sealed-${saved.length}`, session };
    },
    remove: () => Promise.resolve(),
  };
  const activity = new SessionActivity({ store, clock, idleStep: STEP, handover: HANDOVER });
  return { clock, saved, activity, fail: (down: boolean) => (failing = down) };
}

describe('SessionActivity', () => {
  it('does nothing within a step, without a promise', () => {
    const { activity, clock, saved } = stand();
    clock.set(NOW + STEP - 1);
    expect(activity.touch(active(sampleSession()))).toBeUndefined();
    expect(saved).toEqual([]);
  });

  it('seals the same generation with a new last-seen time after a step', async () => {
    const { activity, saved } = stand();
    const session = sampleSession({ generation: 7 });
    const taken = await activity.touch(active(session));
    expect(saved).toEqual([{ ...session, lastSeenAt: NOW + STEP }]);
    expect(taken).toEqual({ ticket: { value: 'sealed-1', session: saved[0] }, takenAt: NOW + STEP });
  });

  it('seals once for all requests at the same time, and gives them the same ticket', async () => {
    const { activity, saved } = stand();
    const all = await Promise.all(Array.from({ length: 30 }, async () => activity.touch(active(sampleSession()))));
    expect(saved).toHaveLength(1);
    expect(new Set(all).size).toBe(1);
  });

  it('gives that ticket to later requests with the older cookie for half a handover, at once, then seals again', async () => {
    const { activity, clock, saved } = stand();
    const first = await activity.touch(active(sampleSession()));
    clock.set(NOW + STEP + HANDOVER / 2 - 1);
    expect(activity.touch(active(sampleSession()))).toBe(first);
    clock.set(NOW + STEP + HANDOVER / 2);
    expect(await activity.touch(active(sampleSession()))).toMatchObject({ ticket: { value: 'sealed-2' } });
    expect(saved).toHaveLength(2);
  });

  it('never moves the time backwards, nor beyond the end', async () => {
    const { activity, clock, saved } = stand();
    clock.set(NOW - 600_000);
    expect(activity.touch(active(sampleSession()))).toBeUndefined();
    clock.set(NOW + STEP);
    const session = sampleSession({ endsAt: NOW + 1000 });
    await activity.touch(active(session));
    expect(saved.map(({ lastSeenAt }) => lastSeenAt)).toEqual([NOW + 1000]);
    expect(activity.touch(active(sampleSession({ lastSeenAt: NOW + 1000, endsAt: NOW + 1000 })))).toBeUndefined();
  });

  it('keeps sessions and generations apart', async () => {
    const { activity, saved } = stand();
    await activity.touch(active(sampleSession()));
    await activity.touch(active(sampleSession({ sid: 'another' })));
    await activity.touch(active(sampleSession({ generation: 2 })));
    expect(saved).toHaveLength(3);
    expect(await activity.touch(active(sampleSession({ generation: 2 })))).toMatchObject({ ticket: { session: { generation: 2 } } });
    expect(saved).toHaveLength(3);
  });

  it('does nothing when the store is down, and tries again with the next request', async () => {
    const { activity, saved, fail } = stand();
    fail(true);
    expect(await activity.touch(active(sampleSession()))).toBeUndefined();
    fail(false);
    expect(await activity.touch(active(sampleSession()))).toBeDefined();
    expect(saved).toHaveLength(1);
  });
});
