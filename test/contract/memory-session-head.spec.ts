import { describe, it } from '@jest/globals';

import { MemorySessionHead } from '../../src/session/memory-session-head.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { describeSessionHead, HEAD_TIMES, lateTicket } from './session-head.contract.ts';

describeSessionHead('MemorySessionHead', () => {
  const clock = new ManualClock();
  const head = new MemorySessionHead({ clock, ...HEAD_TIMES, memory: 1024 * 1024 });
  return { head, newest: (sid) => head.newest(sid), now: () => clock.now(), advance: (ms) => clock.set(clock.now() + ms) };
});

describe('MemorySessionHead', () => {
  it('hands a ticket that was published after its generation had been seen over no longer than any other', () => {
    const clock = new ManualClock();
    return lateTicket(new MemorySessionHead({ clock, ...HEAD_TIMES, memory: 1024 * 1024 }), clock);
  });
});
