import { readFileSync } from 'node:fs';

/** Linux counts a process's time in these for everybody who asks (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** CPU seconds (user and system, all threads) that a process has used so far, as the kernel counted them. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
