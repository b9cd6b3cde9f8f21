import { readFileSync } from 'node:fs';
import type { Running } from './processes.ts';

/** Bytes. Objects and buffers are exact; what is resident also depends on the free pages that a heap keeps in reserve. */
export interface Memory {
  /** Pages of the process in memory, shared ones too. */
  readonly resident: number;
  /** Living JavaScript objects. */
  readonly heap: number;
  /** Buffers outside the JavaScript heap. */
  readonly buffers: number;
}

/** Of a probed process, right after a garbage collection, so that litter does not count. */
export async function memoryOf(running: Running): Promise<Memory> {
  const { heap, buffers } = await running.heap();
  return { resident: residentBytes(running.pid), heap, buffers };
}

/** What one of `count` additional connections costs. */
export function perConnection(before: Memory, after: Memory, count: number): Memory {
  return {
    resident: (after.resident - before.resident) / count,
    heap: (after.heap - before.heap) / count,
    buffers: (after.buffers - before.buffers) / count,
  };
}

/** From smaps_rollup: the counters in `status` lag behind by some pages for each thread. */
function residentBytes(pid: number): number {
  const kilobytes = /^Rss: +(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1];
  if (kilobytes === undefined) throw new Error('smaps_rollup names no Rss');
  return Number(kilobytes) * 1024;
}
