import { describe, expect, it } from '@jest/globals';

import { BoundedMap } from '../../../src/kernel/bounded-map.ts';

describe('the bounded map', () => {
  it('forgets the entry set longest ago when it is full', () => {
    const map = new BoundedMap<number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('a', 3);
    map.set('c', 4);
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([3, undefined, 4]);
  });
});
