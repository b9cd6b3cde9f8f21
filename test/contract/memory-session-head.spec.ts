import { describe, expect, it } from '@jest/globals';

import { MemorySessionHead } from '../../src/session/memory-session-head.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { describeSessionHead, HEAD_TIMES } from './session-head.contract.ts';

describeSessionHead('MemorySessionHead', () => {
  const clock = new ManualClock();
  const head = new MemorySessionHead({ clock, ...HEAD_TIMES, memory: 1024 * 1024 });
  return { head, newest: (sid) => head.newest(sid), now: () => clock.now(), advance: (ms) => clock.set(clock.now() + ms) };
});

describe('MemorySessionHead', () => {
  it('hands a ticket that was published after its generation had been seen over no longer than any other', async () => {
    const clock = new ManualClock();
    const endsAt = clock.now() + 3_600_000;
    const head = new MemorySessionHead({ clock, ...HEAD_TIMES, memory: 1024 * 1024 });
    await head.claim({ sid: 'a', generation: 2, endsAt }, 1000);
    await head.release('a', 2);
    await head.publish('a', 2, 'late', endsAt);
    clock.set(clock.now() + HEAD_TIMES.handover - 1);
    expect(await head.claim({ sid: 'a', generation: 1, endsAt }, 1000)).toMatchObject({ kind: 'newer', ticket: 'late' });
    clock.set(clock.now() + 1);
    expect(await head.claim({ sid: 'a', generation: 1, endsAt }, 1000)).toMatchObject({ kind: 'superseded' });
    await head.publish('a', 2, 'too late', endsAt);
    expect(await head.claim({ sid: 'a', generation: 1, endsAt }, 1000)).toMatchObject({ kind: 'superseded' });
  });
});
