import { describe, expect, it } from '@jest/globals';

import { keepCookies, parseCookies, setCookieLine } from '../../../src/cookie/cookie-header.ts';

describe('parseCookies', () => {
  it('keeps order and duplicates', () => {
    expect(parseCookies('a=1; b=2;a=3')).toEqual([
      { name: 'a', value: '1' },
      { name: 'b', value: '2' },
      { name: 'a', value: '3' },
    ]);
  });

  it.each<[string | undefined, unknown]>([
    [undefined, []],
    ['', []],
    [' ; ;; ', []],
    ['a=', [{ name: 'a', value: '' }]],
    ['=a', [{ name: '', value: 'a' }]],
    ['alone', [{ name: '', value: 'alone' }]],
    ['a=b=c', [{ name: 'a', value: 'b=c' }]],
    ['a="quoted"', [{ name: 'a', value: '"quoted"' }]],
    ['\t a \t=\t 1 \t', [{ name: 'a', value: '1' }]],
    ['a=%41', [{ name: 'a', value: '%41' }]],
    ['a=\u00a0x\u00a0', [{ name: 'a', value: '\u00a0x\u00a0' }]],
    ['__proto__=1', [{ name: '__proto__', value: '1' }]],
  ])('reads %j', (header, pairs) => expect(parseCookies(header)).toEqual(pairs));
});

describe('parseCookies of one beginning', () => {
  it.each([
    ['other=1; ours=x; ours.0=y;another=ours=1', ['ours', 'ours.0']],
    ['\t ours =x', ['ours']],
    ['ours', []],
    ['x; ;ours=', ['ours']],
    ['theirs=ours; Ours=1', []],
    ['our; s=1', []],
    [undefined, []],
  ])('finds in %j only %j', (header, names) => expect(parseCookies(header, 'ours').map(({ name }) => name)).toEqual(names));
});

describe('keepCookies', () => {
  const notOurs = (name: string): boolean => name !== 'ours';

  it('takes out only what is not kept', () => {
    expect(keepCookies('a=1; ours=x;b="2 3"; ours=y', notOurs)).toBe('a=1; b="2 3"');
  });

  it('keeps a piece without a name', () => expect(keepCookies('alone; ours=x', notOurs)).toBe('alone'));

  it('sees through spaces around the name', () => expect(keepCookies('a=1; ours =x; ours\t= y', notOurs)).toBe('a=1'));

  it.each([undefined, '', ' ; ', 'ours=x'])('is undefined when nothing is left of %j', (header) => {
    expect(keepCookies(header, notOurs)).toBeUndefined();
  });
});

describe('setCookieLine', () => {
  it('writes the attributes in the order of the contract', () => {
    expect(setCookieLine('n', 'v', { path: '/', maxAge: 60, sameSite: 'Strict', secure: true })).toBe(
      'n=v; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict',
    );
  });

  it('leaves Secure out where told, HttpOnly never', () => {
    expect(setCookieLine('n', '', { path: '/x', maxAge: 0, sameSite: 'Lax', secure: false })).toBe(
      'n=; Path=/x; Max-Age=0; HttpOnly; SameSite=Lax',
    );
  });
});
