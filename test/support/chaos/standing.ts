import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What this process holds, which is client, product and upstream at once. */
export interface Standing {
  readonly descriptors: number;
  /** What keeps the event loop alive, by kind. */
  readonly resources: Readonly<Record<string, number>>;
}

function standing(): Standing {
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo().sort()) resources[kind] = (resources[kind] ?? 0) + 1;
  return { descriptors: readdirSync('/proc/self/fd').length, resources };
}

/** Bytes in use when everything that can be freed is. */
export function usedHeap(): number {
  for (let n = 0; n < 4; n++) collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** The standing once it has not changed for half a second. */
export async function steady(): Promise<Standing> {
  let before = standing();
  for (let same = 0; same < 10;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const now = standing();
    same = isSame(now, before) ? same + 1 : 0;
    before = now;
  }
  return before;
}

const isSame = (one: Standing, other: Standing): boolean => JSON.stringify(one) === JSON.stringify(other);

/** The standing once it equals `baseline`, or what it still is after `most` milliseconds. */
export async function settledAt(baseline: Standing, most: number): Promise<Standing> {
  for (let waited = 0; ; waited += 50) {
    const now = standing();
    if (waited >= most || isSame(now, baseline)) return now;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
