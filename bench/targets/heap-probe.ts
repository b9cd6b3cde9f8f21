// Loaded before a process whose memory is measured: collects garbage when asked and tells what is left.
export interface Heap {
  /** Bytes of JavaScript objects, and of buffers outside the heap. */
  readonly heap: number;
  readonly buffers: number;
}

process.on('message', (message) => {
  if (message !== 'heap') return;
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.send?.({ heap: heapUsed, buffers: external } satisfies Heap);
});
process.on('disconnect', () => process.exit(0));
