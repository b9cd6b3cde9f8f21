import { describe, expect, it } from '@jest/globals';
import { PerformanceObserver, constants, type PerformanceEntry } from 'node:perf_hooks';
import { runInNewContext } from 'node:vm';
import { PassedBytes, youngCollection } from '../../../src/kernel/passed-bytes.ts';

const MIB = 1024 * 1024;

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
    const seen = new Promise<PerformanceEntry[]>((resolve) => {
      const observer = new PerformanceObserver((list) => {
        observer.disconnect();
        resolve(list.getEntries());
      });
      observer.observe({ entryTypes: ['gc'] });
    });
    collect();
    const kinds = (await seen).map((entry) => (entry as { detail?: { kind?: number } }).detail?.kind);
    expect(kinds).toContain(constants.NODE_PERFORMANCE_GC_MINOR);
    expect(runInNewContext('typeof globalThis.gc')).toBe('undefined');
  });
});
