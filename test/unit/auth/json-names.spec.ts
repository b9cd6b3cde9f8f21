import { describe, expect, it } from '@jest/globals';
import { hasRepeatedName } from '../../../src/auth/json-names.ts';

describe('a JSON object', () => {
  it.each([
    '{}',
    '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}',
    '{"a":"\\"a\\":","b":"a\\\\","A":1}',
    '{"a":":","b":"{\\"b\\":1}"}',
    ' { "" : "" , " " : [ ] } ',
  ])('names no member twice: %s', (json) => {
    expect(hasRepeatedName(json)).toBe(false);
  });

  it.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":{"x":[1]},"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"a\\"":1,"a\\u0022":2}',
    '{"" :1, "" :2}',
    '{"a":"{","a":"}"}',
  ])('names a member twice: %s', (json) => {
    expect(hasRepeatedName(json)).toBe(true);
  });
});
