import { describe, expect, it } from '@jest/globals';
import { canonicalTarget, isBelow } from '../../../src/kernel/request-target.ts';

const pathOf = (raw: string): string | undefined => {
  const target = canonicalTarget(raw);
  return target.kind === 'canonical' ? target.path : undefined;
};

describe('a request target', () => {
  it.each([
    '/',
    '/api',
    '/api/',
    '/api/orders/42',
    '/a-b_c~d/e.f',
    '/api/a..b',
    '/api/...',
    '/.well-known/x',
    '/api/a;x=1/b',
    "/api/@x:y,z!$&'()*+=",
    '/caf%C3%A9',
    '/a%20b',
    '/50%25',
    '/a%2526b',
    '/two%0Alines%09x',
    '/a%20.b/%20x',
    '/100%25%20sure',
    '/%EF%BC%8F%EF%BC%8E',
    '/..%C3%A9',
    '/a|b',
    '/a[1]',
  ])('passes %s as it is', (raw) => expect(pathOf(raw)).toBe(raw));

  it.each([
    ['/%61pi/x', '/api/x'],
    ['/%41%5A%30%39%2D%5F%7E', '/AZ09-_~'],
    ['/a%7eb', '/a~b'],
    ['/{id}', '/%7Bid%7D'],
    ['/"<>^`', '/%22%3C%3E%5E%60'],
  ])('reads %s as %s', (raw, path) => expect(pathOf(raw)).toBe(path));

  it.each([
    ['dot segments', ['/api/..', '/api/../x', '/./x', '/..', '/api/.', '/../..']],
    ['dot segments with parameters', ['/api/..;/admin', '/api/..;x=1/admin', '/api/.;/x', '/api/..%3b/x', '/api/..%253b/x']],
    ['dot segments before an encoded end', ['/api/..%20/x', '/api/..%23', '/api/..%3fx', '/api/..%09/x', '/api/..%2525']],
    ['dot segments before which a reader may trim', ['/api/%20../x', '/api/%09..', '/api/%2509./x', '/api/%0D%0A..%2fx', '/api/%1f./x']],
    [
      'dot and empty segments around what URL parsers drop',
      ['/api/.%0a./x', '/api/.%0A%0d', '/%09/evil.com', '/api/%0a/x', '/api/x%2f%0d/x'],
    ],
    [
      'escapes around what URL parsers drop',
      ['/api/%25%0a2e%25%0a2e/x', '/api/%252%09e', '/api/a%25%0D2fb', '/api/%2525%2509x', '/a%25b%0a'],
    ],
    ['encoded dots', ['/api/%2e%2e/admin', '/api/.%2e/admin', '/api/%2E', '/a%2eb', '/api/%252e%252e/x', '/api/%25%32%65/x', '/%25252e']],
    ['encoded backslashes', ['/api/%5c..%5cadmin', '/api/%5C', '/api/%255c', '/api/%25255C']],
    ['slashes hidden twice', ['/api/%252fadmin', '/api/%25252Fadmin', '/api/%25%32%66x']],
    ['NUL', ['/api/a%00b', '/api/%2500', '/api/%25%30%30']],
    ['empty segments', ['//', '//evil', '/api//evil', '/api//', '/api/%2f%2fevil', '/api/%2f/x', '/%2f', '/a%2f/b']],
    ['dot segments behind an encoded slash', ['/api/..%2fadmin', '/api/x%2f..', '/api/x%2F.%2Fy', '/api%2f..;/x']],
    ['backslashes', ['/api/\\evil', '\\api', '/\\evil']],
    ['control characters, spaces and raw non-ASCII', ['/a\tb', '/a b', '/a\x7f', '/caf\u00e9', '/a\x00', '/\u2024\u2024/x']],
    ['fragments', ['/public#/../private', '/a#', '#']],
    ['malformed escapes', ['/%', '/%a', '/%zz', '/a%2', '/%%32%65', '/%u002e']],
    ['overlong UTF-8', ['/%c0%ae%c0%ae/x', '/%C1%9C', '/%e0%80%af', '/%F0%80%80%AE']],
    ['other forms', ['', '*', 'api', 'http://other/api', '?x', 'evil.com:443']],
  ])('refuses %s', (_, targets) => expect(targets.filter((it) => canonicalTarget(it).kind !== 'refused')).toEqual([]));

  it('passes the query on as received', () => {
    const query = '?a=%2e%2e/&b=//\\&c=%zz&d={"x"}&?';
    expect(canonicalTarget(`/api${query}`)).toEqual({ kind: 'canonical', path: '/api', query, encodedSlash: false });
  });

  it.each(['/api?a#b', '/api?a b', '/api?caf\u00e9', '/api?\x00', '/api?a\tb'])('refuses the query of %j', (raw) =>
    expect(canonicalTarget(raw).kind).toBe('refused'),
  );

  it.each(['/api/a%2fb', '/api/a%2Fb', '/x%2fy', '/api/a%2f'])('marks the encoded slash of %s', (raw) =>
    expect(canonicalTarget(raw)).toEqual({ kind: 'canonical', path: raw, query: '', encodedSlash: true }),
  );
});

describe('whatever passes', () => {
  const PIECES = [
    '/',
    'api',
    '.',
    '..',
    ';',
    '%',
    '%2',
    '2e',
    '2f',
    '%25',
    '%2e',
    '%2F',
    '%5c',
    '%00',
    '%61',
    '\\',
    '~',
    'x',
    '#',
    '"',
    '{',
    '%3b',
    '%20',
    '?',
    '%c0%ae',
    '%E9',
    '%0a',
    '%09',
    '%32',
    '%65',
  ];
  const passed = generate(200_000);

  it('is a fair part of what was tried', () => expect(passed.length).toBeGreaterThan(1_000));

  it('never becomes a dot segment, an empty segment, a backslash or NUL by decoding once or twice more', () => {
    const bad = passed.filter((path) =>
      [once(path), dropped(once(path)), once(once(path)), dropped(once(dropped(once(path))))].some(isDangerous),
    );
    expect(bad).toEqual([]);
  });

  it('is not changed by the URL parser of browsers', () => {
    expect(passed.filter((path) => new URL(`http://a${path}`).pathname !== path)).toEqual([]);
  });

  it('passes again unchanged', () => expect(passed.filter((path) => pathOf(path) !== path)).toEqual([]));

  function isDangerous(text: string): boolean {
    return text.split('/').some((it) => /^\.{1,2}(?:;|$)/.test(it)) || /\/\/|\\|\0/.test(text);
  }

  /** Decodes as a careless reader does: byte by byte, malformed escapes left alone. */
  function once(text: string): string {
    return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  }

  /** As URL parsers do: an encoded dot is a dot to them too. */
  function dropped(text: string): string {
    return text.replace(/[\t\n\r]/g, '').replace(/%2e/gi, '.');
  }

  /** The same targets in every run: a linear congruential generator with a fixed seed. */
  function generate(count: number): string[] {
    let state = 20_261_125;
    const next = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const paths: string[] = [];
    for (let i = 0; i < count; i++) {
      const raw = `/${Array.from({ length: 1 + next(7) }, () => PIECES[next(PIECES.length)] ?? '').join('')}`;
      const target = canonicalTarget(raw);
      if (target.kind === 'canonical' && !target.encodedSlash) paths.push(target.path);
    }
    return paths;
  }
});

describe('below', () => {
  it('is a matter of whole segments', () => {
    expect([isBelow('/a/b', '/a'), isBelow('/a', '/a'), isBelow('/ab', '/a'), isBelow('/', '/a'), isBelow('/a', '')]).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
  });
});
