// Loaded before a process whose memory is measured: collects garbage when asked and tells what is left.
import { setTimeout } from 'node:timers/promises';

export interface Heap {
  /** Bytes of JavaScript objects, and of buffers outside the heap. */
  readonly heap: number;
  readonly buffers: number;
}

const ROUNDS = 4;
const PAUSE_MS = 250; // finalizers run, and freed pages go back to the system, between two collections

process.on('message', (message) => {
  if (message === 'heap') void answer();
});
process.on('disconnect', () => process.exit(0));

async function answer(): Promise<void> {
  for (let i = 0; i < ROUNDS; i++) {
    globalThis.gc?.();
    await setTimeout(PAUSE_MS);
  }
  const { heapUsed, external } = process.memoryUsage();
  process.send?.({ heap: heapUsed, buffers: external } satisfies Heap);
}
