import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of bodies between two collections. More lets the process grow, less costs time. */
const COLLECT_AFTER = 8 * 1024 * 1024;

/**
 * Counts the bytes of bodies on their way, and has their buffers collected. Each chunk that Node reads is a buffer outside V8's heap.
 * It dies young, but V8 lets such buffers lie until there are some 64 MiB of them, and then collects the whole heap: a collection
 * of the young objects, in time, is far cheaper and keeps the process small (nodejs/node issue 1671).
 */
export class PassedBytes {
  readonly #collect: () => void;
  #since = 0;

  constructor(collect: () => void) {
    this.#collect = collect;
  }

  add(bytes: number): void {
    this.#since += bytes;
    if (this.#since < COLLECT_AFTER) return;
    this.#since = 0;
    this.#collect();
  }
}

/** V8's collection of young objects, about a millisecond. V8 shows it to new contexts only, while a flag is set; without it nothing is done. */
export function youngCollection(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('globalThis.gc') as NodeJS.GCFunction | undefined;
  setFlagsFromString('--no-expose-gc');
  return () => gc?.({ type: 'minor' });
}
