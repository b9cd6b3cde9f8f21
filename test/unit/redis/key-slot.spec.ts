import { describe, expect, it } from '@jest/globals';
import { keySlot } from '../../../src/redis/key-slot.ts';

// CRC-16/XMODEM of `123456789` is 0x31C3 (Redis cluster specification); the others were asked of a Redis with CLUSTER KEYSLOT.
describe('the slot of a key', () => {
  it.each([
    ['123456789', 0x31c3],
    ['foo', 12_182],
    ['', 0],
    ['ключ', 10_303],
    ['{}foo', 9_500],
    ['a}b{c', 13_587],
    ['a{b', 13_340],
    ['a{{foo}}', 13_308],
    ['a{foo}{bar}', 12_182],
  ])('%s', (key, slot) => {
    expect(keySlot(key)).toBe(slot);
  });

  it.each([
    ['a:{foo}:b', 'foo'],
    ['{foo}', 'foo'],
    ['a{foo}{bar}', 'foo'],
    ['a{{foo}}', '{foo'],
  ])('is that of its tag: %s', (key, tag) => {
    expect(keySlot(key)).toBe(keySlot(tag));
  });
});
