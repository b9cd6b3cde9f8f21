import { describe, expect, it } from '@jest/globals';
import { safeReturnTo, safeTargetLink } from '../../../src/auth/return-to.ts';

const ROOT = { origin: 'https://app.example.com', path: '', base: '/bff' };
const BELOW = { origin: 'https://app.example.com', path: '/app', base: '/app/bff' };

const HOSTILE: readonly (readonly [attack: string, values: readonly string[]])[] = [
  ['A1 scheme-relative', ['//evil.com', '///evil.com', '////evil.com', '/a//evil.com']],
  ['A2 backslashes', ['/\\evil.com', '\\/evil.com', '\\\\evil.com', '/a\\b']],
  [
    'A3 white space and controls',
    [
      '/\t/evil.com',
      '/\n/evil.com',
      '/\r/evil.com',
      '/\v\\evil.com',
      '/ /evil.com',
      '/\t\t\t/evil.com',
      ' /ok',
      '/a b',
      '/%09/evil.com',
      '/%0d%0aSet-Cookie:x',
    ],
  ],
  ['A4 dot segments in front of a host', ['/./\\evil.com', '/./../../\\evil.com', '/.//evil.com', '/x/..//evil.com']],
  [
    'A5 schemes',
    [
      'https:evil.com',
      'https:/evil.com',
      'https:///evil.com',
      'http://evil.com\\@app.example.com',
      'https://app.example.com@evil.com',
      'https://app.example.com.evil.com',
    ],
  ],
  ['A6 suffixes', ['https://evil-example.com/', 'https://eviLexample.com/', 'https://example.com.evil/']],
  [
    'A7 other authorities',
    [
      'https://app.example.com:8443/',
      'https://user@app.example.com/',
      'https://[::1]/',
      'https://xn--pp-xka.example.com/',
      'https://%61pp.example.com./',
    ],
  ],
  [
    'A8 script schemes',
    [
      'javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      'java\tscript:alert(1)',
      'data:text/html,x',
      'vbscript:x',
      'blob:https://app.example.com/x',
    ],
  ],
  [
    'A10 strange values',
    ['', '/\u0000', '/\ud800', `/${'a'.repeat(512)}`, `/?${'q'.repeat(3000)}`, '[object Object]', 'relative', '?a=b', '#x'],
  ],
  [
    'A11 our own endpoints',
    ['/bff', '/bff/', '/bff/login', '/bff/logout?x=1', '/bff/callback', '/x/../bff/login', '/%62ff/login', '/%2e/bff/login'],
  ],
  ['what our own front door refuses', ['/100%', '/a%2eb', '/..;/a', '/a%252fb', '/a%2Fb', '/%c0%afa', '/a/..%3bx']],
];

const cases = HOSTILE.flatMap(([attack, values]) => values.map((value) => [attack, value.slice(0, 40), value] as const));

describe('safeReturnTo', () => {
  it.each(cases)('turns %s %j into the start page', (_attack, _shown, value) => {
    expect(safeReturnTo(value, ROOT)).toBe('/');
  });

  it.each([undefined, null])('turns %s into the start page', (value) => {
    expect(safeReturnTo(value, ROOT)).toBe('/');
  });

  it.each([
    ['/', '/'],
    ['/orders/7?tab=open#last', '/orders/7?tab=open#last'],
    ['/a?b=c&prompt=none&redirect_uri=https://evil.com', '/a?b=c&prompt=none&redirect_uri=https://evil.com'], // A9: opaque
    ['/a/../b/./c', '/b/c'], // A17: resolved before it is kept
    ['/ü?q=ü', '/%C3%BC?q=%C3%BC'],
    ['/bffs/x', '/bffs/x'],
    ['/a%20b', '/a%20b'],
    ['/search?q=a b', '/search?q=a%20b'],
    [`/${'a'.repeat(511)}`, `/${'a'.repeat(511)}`],
  ])('re-serialises %j as %j', (value, expected) => {
    expect(safeReturnTo(value, ROOT)).toBe(expected);
  });

  it.each(cases)('keeps %s %j on this origin whatever the browser makes of it', (_attack, _shown, value) => {
    expect(new URL(safeReturnTo(value, ROOT), ROOT.origin).origin).toBe(ROOT.origin);
  });

  it.each([
    ['/app', '/app'],
    ['/app/', '/app/'],
    ['/app/orders', '/app/orders'],
    ['/', '/app/'],
    ['/apple', '/app/'],
    ['/other', '/app/'],
    ['/app/../other', '/app/'],
    ['/app/bff/login', '/app/'],
    ['/%61pp/%62ff/login', '/app/'],
    ['/app/bff2', '/app/bff2'],
  ])('below a path turns %j into %j', (value, expected) => {
    expect(safeReturnTo(value, BELOW)).toBe(expected);
  });

  it('counts the bytes after serialisation', () => {
    expect(safeReturnTo(`/${'ü'.repeat(90)}`, ROOT)).toBe('/');
  });
});

describe('safeTargetLink', () => {
  it.each([
    ['https://app.example.com/orders?x=1', '/orders?x=1'],
    ['https://app.example.com:443/orders', '/orders'],
    ['HTTPS://APP.example.com/orders', '/orders'],
    ['/orders', '/orders'],
    ['https://app.example.com', '/'],
    ['http://app.example.com/orders', '/'],
    ['https://app.example.com/bff/logout', '/'],
    ['https:evil.com', '/'],
  ])('turns %j into %j', (value, expected) => {
    expect(safeTargetLink(value, ROOT)).toBe(expected);
  });

  it.each(cases.filter(([, , value]) => !value.startsWith('https://app.example.com/')))('refuses %s %j too', (_attack, _shown, value) => {
    expect(safeTargetLink(value, ROOT)).toBe('/');
  });
});
