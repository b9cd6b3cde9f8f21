import { describe, expect, it } from '@jest/globals';
import { PerformanceObserver, constants } from 'node:perf_hooks';
import { runInNewContext } from 'node:vm';
import { PassedBytes, youngCollection } from '../../../src/kernel/passed-bytes.ts';

const MIB = 1024 * 1024;

/** The kind of the next collection that somebody asked for: V8 collects by itself as well, whenever it likes. */
function forcedCollection(): Promise<number | undefined> {
  return new Promise((resolve) => {
    const observer = new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries() as { detail?: { kind?: number; flags?: number } }[]) {
        if (detail?.flags !== constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) continue;
        observer.disconnect();
        resolve(detail.kind);
      }
    });
    observer.observe({ entryTypes: ['gc'] });
  });
}

describe('bytes of bodies that have passed', () => {
  it('are collected once for every eight mebibytes, whatever pieces they come in', () => {
    let collections = 0;
    const passed = new PassedBytes(() => collections++);
    for (let i = 0; i < 8 * 16 - 1; i++) passed.add(64 * 1024);
    expect(collections).toBe(0);
    passed.add(64 * 1024);
    expect(collections).toBe(1);
    passed.add(8 * MIB);
    passed.add(8 * MIB - 1);
    expect(collections).toBe(2);
    passed.add(1);
    expect(collections).toBe(3);
  });

  it('are collected among the young objects only, and V8 shows that to nobody else', async () => {
    const collect = youngCollection();
    const forced = forcedCollection();
    collect();
    expect(await forced).toBe(constants.NODE_PERFORMANCE_GC_MINOR);
    expect(runInNewContext('typeof globalThis.gc')).toBe('undefined');
  });
});
