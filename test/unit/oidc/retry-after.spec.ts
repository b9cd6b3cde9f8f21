import { describe, expect, it } from '@jest/globals';
import { parseRetryAfter } from '../../../src/oidc/retry-after.ts';

const NOW = Date.parse('Fri, 01 Jan 2027 00:00:00 GMT');

describe('parseRetryAfter', () => {
  it.each([
    ['17', 17],
    [' 17 ', 17],
    ['0', 1],
    ['999999', 3600],
    ['Fri, 01 Jan 2027 00:00:30 GMT', 30],
    ['Thu, 31 Dec 2026 23:00:00 GMT', 1],
    [null, undefined],
    ['', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['Someday', undefined],
  ])('reads %j as %j seconds', (header, seconds) => {
    expect(parseRetryAfter(header, NOW)).toBe(seconds);
  });
});
