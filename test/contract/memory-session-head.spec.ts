import { MemorySessionHead } from '../../src/session/memory-session-head.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { describeSessionHead, HEAD_TIMES } from './session-head.contract.ts';

describeSessionHead('MemorySessionHead', () => {
  const clock = new ManualClock();
  const head = new MemorySessionHead({ clock, ...HEAD_TIMES, memory: 1024 * 1024 });
  return { head, newest: (sid) => head.newest(sid), now: () => clock.now(), advance: (ms) => clock.set(clock.now() + ms) };
});
