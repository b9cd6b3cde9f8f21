import { describe, expect, it } from '@jest/globals';
import { loginLink } from '../../../src/kernel/login-link.ts';

describe('loginLink', () => {
  it.each([
    [{}, '/bff/login'],
    [{ returnTo: '/a?b=c&d#e' }, '/bff/login?returnTo=%2Fa%3Fb%3Dc%26d%23e'],
    [{ otherAccount: true }, '/bff/login?prompt=select_account'],
    [{ returnTo: '/a', otherAccount: true }, '/bff/login?prompt=select_account&returnTo=%2Fa'],
  ])('says %j as %s', (wanted, link) => expect(loginLink('/bff/login', wanted)).toBe(link));
});
