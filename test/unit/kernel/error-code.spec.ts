import { describe, expect, it } from '@jest/globals';
import { runInNewContext } from 'node:vm';
import { errorCode } from '../../../src/kernel/error-code.ts';

describe('errorCode', () => {
  it('is the code of an error', () => {
    expect(errorCode(Object.assign(new Error('words'), { code: 'ECONNRESET' }))).toBe('ECONNRESET');
  });

  it('is the code of an error of another realm, which is no instance of ours', () => {
    const error: unknown = runInNewContext(`Object.assign(new Error('words'), { code: 'HPE_INVALID_VERSION' })`);
    expect([error instanceof Error, errorCode(error)]).toEqual([false, 'HPE_INVALID_VERSION']);
  });

  it.each([
    ['an error without one', new Error('words')],
    ['a code that is no word', Object.assign(new Error('words'), { code: 104 })],
    ['null', null],
    ['nothing', undefined],
    ['a word', 'ECONNRESET'],
  ])('is undefined for %s', (_what, error) => {
    expect(errorCode(error)).toBeUndefined();
  });
});
