import { describe, expect, it } from '@jest/globals';

import { AttemptCookie } from '../../../src/cookie/attempt-cookie.ts';
import { HintCookie } from '../../../src/cookie/hint-cookie.ts';

const NAMES = { name: 'cloakroom', devCookies: false };
const ID = '0tfv3k0aB_9';

describe('AttemptCookie', () => {
  it('writes and clears the lines of the contract', () => {
    const cookie = new AttemptCookie(NAMES);
    expect(cookie.line(ID, 'v', 600)).toBe(`__Host-Http-cloakroom-login.${ID}=v; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax`);
    expect(cookie.clear(ID)).toBe(`__Host-Http-cloakroom-login.${ID}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax`);
  });

  it('is SameSite=None for form_post, which is a cross-site POST', () => {
    expect(new AttemptCookie({ ...NAMES, formPost: true }).line(ID, 'v', 600)).toMatch(/; Secure; HttpOnly; SameSite=None$/);
  });

  it('has neither prefix nor Secure with devCookies, and then never SameSite=None', () => {
    const line = `cloakroom-login.${ID}=v; Path=/; Max-Age=600; HttpOnly; SameSite=Lax`;
    expect(new AttemptCookie({ name: 'cloakroom', devCookies: true, formPost: true }).line(ID, 'v', 600)).toBe(line);
  });

  it('reads the attempts of a header, and only well-formed ids', () => {
    const prefix = '__Host-Http-cloakroom-login.';
    const header = `a=1; ${prefix}${ID}=v; ${prefix}=x; ${prefix}0=x; ${prefix}${ID}A=x; ${prefix}${ID}=w; cloakroom-login.${ID}=x`;
    expect(new AttemptCookie(NAMES).read(header)).toEqual([
      { id: ID, value: 'v' },
      { id: ID, value: 'w' },
    ]);
    expect(new AttemptCookie(NAMES).read(undefined)).toEqual([]);
  });
});

describe('HintCookie', () => {
  const cookie = new HintCookie({ ...NAMES, path: '/shop/bff/logout' });

  it('writes and clears the lines of the contract', () => {
    expect(cookie.line('v', 46_800)).toBe(
      '__Secure-cloakroom-hint=v; Path=/shop/bff/logout; Max-Age=46800; Secure; HttpOnly; SameSite=Strict',
    );
    expect(cookie.clear()).toBe('__Secure-cloakroom-hint=; Path=/shop/bff/logout; Max-Age=0; Secure; HttpOnly; SameSite=Strict');
  });

  it('has neither prefix nor Secure with devCookies', () => {
    const dev = new HintCookie({ name: 'cloakroom', devCookies: true, path: '/bff/logout' });
    expect(dev.line('v', 1)).toBe('cloakroom-hint=v; Path=/bff/logout; Max-Age=1; HttpOnly; SameSite=Strict');
  });

  it('reads each cookie of its name, up to four', () => {
    expect(cookie.read('__Secure-cloakroom-hint=a; x=1; __Secure-cloakroom-hint=b; __Secure-cloakroom-hint=')).toEqual(['a', 'b']);
    expect(cookie.read('__Secure-cloakroom-hint=a; '.repeat(100))).toHaveLength(4);
    expect(cookie.read('cloakroom-hint=a')).toEqual([]);
    expect(cookie.read(undefined)).toEqual([]);
  });

  it('counts `name=value; `', () => expect(cookie.size('v')).toBe('__Secure-cloakroom-hint=v; '.length));
});
