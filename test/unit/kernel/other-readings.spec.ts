import { describe, expect, it } from '@jest/globals';
import { otherReadings } from '../../../src/kernel/other-readings.ts';

describe('other readings of a path', () => {
  it.each(['/', '/api', '/api/', '/api/orders/42', '/api/v1.2/x.json', '/.well-known/x', '/api/@x:y,z', '/A-b_c~d'])(
    'are none where there is nothing to read into it: %s',
    (path) => expect(otherReadings(path)).toEqual([]),
  );

  it.each([
    ['/api/a;x=1/b;y', ['/api/a/b']],
    ['/api/;x/a', ['/api/a']],
    ['/api/a%3Bx/b', ['/api/a;x/b', '/api/a/b']],
    ['/api/a%25253Bx/b', ['/api/a;x/b', '/api/a/b']],
    ['/api/a%2Fb', ['/api/a/b']],
    ['/api/a;x%2Fb/c', ['/api/a/c', '/api/a/b/c']],
    ['/api/a%3Fb/c', ['/api/a?b/c', '/api/a/c']],
    ['/api/%2561', ['/api/a']],
    ['/api/%25252541', ['/api/A']],
    ['/api/caf%E9', ['/api/caf\xe9']],
    ['/api/50%25', ['/api/50%']],
    ['/api/a./b. ', ['/api/a/b']],
    ['/api/a%20./%09/%20b', ['/api/a/b']],
    ['/api/a%0D%0Ab%09c', ['/api/abc']],
  ])('of %s are %j', (path, readings) => expect([...new Set(otherReadings(path))]).toEqual(readings));

  it.each([
    `/${'%20'.repeat(10_000)}x`,
    `/${'%25'.repeat(10_000)}x`,
    `/${'%2525'.repeat(6_000)}zz`,
    '/;'.repeat(15_000),
    `/x${'.%20'.repeat(8_000)}x`,
  ])('are few, however long the path', (path) => expect([1, 2]).toContain(otherReadings(path).length));
});
