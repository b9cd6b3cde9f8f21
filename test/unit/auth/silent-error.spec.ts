import { describe, expect, it } from '@jest/globals';
import { withoutSilentError, withSilentError } from '../../../src/auth/silent-error.ts';

describe('the failure of a silent login in returnTo', () => {
  it.each([
    ['/', '/?login_error=login_required'],
    ['/a?', '/a?login_error=login_required'],
    ['/a?b=%2F+c#d?e=f', '/a?b=%2F+c&login_error=login_required#d?e=f'],
    ['/a?login_error=x', '/a?login_error=login_required'],
    ['/a?b&login_error&c=%zz&login%5Ferror=y', '/a?b&c=%zz&login_error=login_required'],
    ['/a?xlogin_error=1#login_error=2', '/a?xlogin_error=1&login_error=login_required#login_error=2'],
  ])('is its only one, and the rest of %s stays as it is', (returnTo, expected) => {
    expect(withSilentError(returnTo, 'login_error', 'login_required')).toBe(expected);
  });

  it('is encoded where the name or the code needs it', () => {
    expect(withSilentError('/', 'a b', 'c&d')).toBe('/?a%20b=c%26d');
    expect(withSilentError('/?a+b=1&a%20b=2', 'a b', 'c')).toBe('/?a%20b=c');
  });

  it.each([
    ['/a?login_error=x', '/a'],
    ['/a?login_error=x#y', '/a#y'],
    ['/a?b=1&login_error=x&c=2', '/a?b=1&c=2'],
    ['/a?b=%2F', '/a?b=%2F'],
    ['/a?', '/a'],
    ['/a', '/a'],
  ])('is taken out of %s', (returnTo, expected) => {
    expect(withoutSilentError(returnTo, 'login_error')).toBe(expected);
  });
});
