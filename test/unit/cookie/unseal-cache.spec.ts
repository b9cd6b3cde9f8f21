import { describe, expect, it } from '@jest/globals';

import { UnsealCache, type Sealed } from '../../../src/cookie/unseal-cache.ts';

const sealed = (payload: unknown): Sealed => ({ kind: 'sealed', payload });
/** What an entry of a one-character key without payload is taken for. */
const ENTRY = 513;

describe('UnsealCache', () => {
  it('gives back the same object for the same text', () => {
    const cache = new UnsealCache(10_000);
    const kept = sealed({});
    cache.add('a', kept, 2);
    expect(cache.get('a')).toBe(kept);
    expect(cache.get('b')).toBeUndefined();
  });

  it('stays within its bytes, and drops the oldest first', () => {
    const cache = new UnsealCache(3 * ENTRY);
    for (const value of ['a', 'b', 'c', 'd']) cache.add(value, sealed(value), 0);
    expect(cache.bytes).toBe(3 * ENTRY);
    expect(['a', 'b', 'c', 'd'].filter((value) => cache.get(value) !== undefined)).toEqual(['b', 'c', 'd']);
  });

  it('spares what was used meanwhile', () => {
    const cache = new UnsealCache(3 * ENTRY);
    for (const value of ['a', 'b', 'c']) cache.add(value, sealed(value), 0);
    cache.get('a');
    cache.add('d', sealed('d'), 0);
    expect(['a', 'b', 'c', 'd'].filter((value) => cache.get(value) !== undefined)).toEqual(['a', 'c', 'd']);
  });

  it('ends an eviction even when everything was used', () => {
    const cache = new UnsealCache(3 * ENTRY);
    for (const value of ['a', 'b', 'c']) cache.add(value, sealed(value), 0);
    for (const value of ['a', 'b', 'c']) cache.get(value);
    cache.add('d', sealed('d'), 0);
    expect(cache.bytes).toBe(3 * ENTRY);
    expect(cache.get('d')).toBeDefined();
  });

  it('counts a value that is added again once', () => {
    const cache = new UnsealCache(10_000);
    cache.add('a', sealed(1), 0);
    cache.add('a', sealed(2), 100);
    expect(cache.bytes).toBe(ENTRY + 200);
    expect(cache.get('a')).toEqual(sealed(2));
  });

  it('keeps nothing larger than itself', () => {
    const cache = new UnsealCache(1000);
    cache.add('a', sealed(1), 1000);
    expect(cache.get('a')).toBeUndefined();
    expect(cache.bytes).toBe(0);
  });
});
