import { describe, expect, it } from '@jest/globals';

import { chunkCapacity, COOKIE_LIMIT, joinChunks, splitValue } from '../../../src/cookie/cookie-chunks.ts';

const NAME = '__Host-Http-cloakroom';
const CAPACITY = chunkCapacity(NAME);

describe('splitValue', () => {
  it('keeps one cookie of the plain name up to the browser limit, to the byte', () => {
    const most = COOKIE_LIMIT - NAME.length;
    expect(splitValue(NAME, 'x'.repeat(most)).map(({ name }) => name)).toEqual([NAME]);
    expect(splitValue(NAME, 'x'.repeat(most + 1)).map(({ name }) => name)).toEqual([`${NAME}.0`, `${NAME}.1`]);
  });

  it.each([CAPACITY + 10, 2 * CAPACITY, 2 * CAPACITY + 1, 4 * CAPACITY])('cuts %d characters into full cookies and a rest', (length) => {
    const pairs = splitValue(NAME, 'x'.repeat(length));
    expect(pairs.every(({ name, value }) => name.length + value.length <= COOKIE_LIMIT)).toBe(true);
    expect(pairs.slice(0, -1).every(({ name, value }) => name.length + value.length === COOKIE_LIMIT)).toBe(true);
    expect(pairs.map(({ value }) => value).join('')).toBe('x'.repeat(length));
  });
});

describe('joinChunks', () => {
  it('puts the chunks together', () => expect(joinChunks([['aaa'], ['bbb'], ['c']], 3, 4)[0]).toBe('aaabbbc'));

  it('ends at the first chunk that is not full: what follows is left over', () => {
    expect(joinChunks([['aaa'], ['b'], ['old'], ['o']], 3, 4)[0]).toBe('aaab');
  });

  it('also tries what ends with a full chunk, longest first', () => {
    expect(joinChunks([['aaa'], ['bbb'], ['ccc']], 3, 4)).toEqual(['aaabbbccc', 'aaabbb', 'aaa']);
  });

  it('stops at a gap, and knows nothing without the first', () => {
    expect(joinChunks([['aaa'], [], ['ccc']], 3, 4)).toEqual(['aaa']);
    expect(joinChunks([[], ['bbb']], 3, 4)).toEqual([]);
    expect(joinChunks([], 3, 4)).toEqual([]);
  });

  it('tries each of several cookies of one name', () => {
    expect(joinChunks([['aaa', 'xxx'], ['b']], 3, 4)).toEqual(expect.arrayContaining(['aaab', 'xxxb']));
  });

  it('tries no more than allowed, however many there are', () => {
    const many = Array.from({ length: 4 }, () => Array.from({ length: 100 }, (_, at) => String(at + 100)));
    expect(joinChunks(many, 3, 4)).toHaveLength(4);
  });
});
