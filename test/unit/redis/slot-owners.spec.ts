import { describe, expect, it } from '@jest/globals';
import { readRedirection, readSlotOwners } from '../../../src/redis/slot-owners.ts';

const ASKED = { host: 'asked', port: 1 };

describe('who has which slot', () => {
  it('is read from CLUSTER SLOTS, without the replicas', () => {
    const owners = readSlotOwners(
      [
        [0, 1, ['10.0.0.1', 6379, 'id', []], ['10.0.0.9', 6379, 'id', []]],
        [2, 2, ['2001:db8::1', 6380, 'id']],
        [3, 3, ['10.0.0.1', 6379, 'id']],
      ],
      ASKED,
    );
    expect(owners?.bySlot).toEqual(['10.0.0.1:6379', '10.0.0.1:6379', '[2001:db8::1]:6380', '10.0.0.1:6379']);
    expect([...(owners?.masters.values() ?? [])]).toEqual([
      { host: '10.0.0.1', port: 6379 },
      { host: '2001:db8::1', port: 6380 },
    ]);
  });

  it.each([[''], ['?'], [null]])('takes a node that does not know its own name (%j) for the one that was asked', (host) => {
    expect(readSlotOwners([[0, 0, [host, 7]]], ASKED)?.bySlot).toEqual(['asked:7']);
  });

  it.each([[[]], [null], ['OK'], [[[0, 1]]], [[['0', 1, ['a', 1]]]], [[[0, 1, ['a', '1']]]]])('is not known from %j', (value) => {
    expect(readSlotOwners(value, ASKED)).toBeUndefined();
  });
});

describe('a redirection', () => {
  it.each([
    ['MOVED 3999 127.0.0.1:6381', { kind: 'MOVED', owner: '127.0.0.1:6381' }],
    ['ASK 1 redis-1.example:6381', { kind: 'ASK', owner: 'redis-1.example:6381' }],
    ['MOVED 1 2001:db8::1:6381', { kind: 'MOVED', owner: '[2001:db8::1]:6381' }],
    ['MOVED 1 :6381', { kind: 'MOVED', owner: 'asked:6381' }],
    ['', undefined],
    ['MOVED', undefined],
  ])('%s', (text, redirection) => {
    expect(readRedirection(text, ASKED)).toEqual(redirection);
  });
});
