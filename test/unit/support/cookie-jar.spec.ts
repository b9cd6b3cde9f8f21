import { describe, expect, it } from '@jest/globals';
import { CookieJar } from '../../support/cookie-jar.ts';

const app = new URL('http://localhost:3000/bff/callback');
const crossSiteNavigation = { sameSite: false, laxAllowed: true };
const crossSiteFetch = { sameSite: false, laxAllowed: false };

function jarWith(...lines: string[]): CookieJar {
  const jar = new CookieJar();
  jar.store(lines, app);
  return jar;
}

const names = (jar: CookieJar, url: string, context?: { sameSite: boolean; laxAllowed: boolean }): string[] =>
  jar.matching(new URL(url), context).map(({ name }) => name);

describe('the cookie jar of the test user agent', () => {
  it('keeps what a browser keeps and tells hosts apart, not ports', () => {
    const jar = jarWith('a=1; Path=/', 'b=2');
    expect(names(jar, 'http://localhost:9999/bff/x')).toEqual(['b', 'a']);
    expect(names(jar, 'http://localhost/other')).toEqual(['a']);
    expect(names(jar, 'http://127.0.0.1:3000/bff/x')).toEqual([]);
  });

  it('replaces a cookie of the same name and path, and forgets it at Max-Age=0', () => {
    const jar = jarWith('a=1; Path=/', 'a=2; Path=/');
    expect(jar.all().map(({ value }) => value)).toEqual(['2']);
    jar.store(['a=; Path=/; Max-Age=0'], app);
    expect(jar.all()).toEqual([]);
  });

  it('lets cookies expire with the clock', () => {
    let now = 1_000_000;
    const jar = new CookieJar({ now: () => now });
    jar.store(['a=1; Path=/; Max-Age=60'], app);
    now += 59_999;
    expect(jar.all()).toHaveLength(1);
    now += 1;
    expect(jar.all()).toHaveLength(0);
  });

  it.each([
    ['__Host-a=1; Path=/', 'prefix without Secure'],
    ['__Host-a=1; Path=/bff; Secure', '__Host- needs Path=/ and no Domain'],
    ['__Host-a=1; Secure', '__Host- needs Path=/ and no Domain'],
    ['__Host-a=1; Path=/; Secure; Domain=localhost', '__Host- needs Path=/ and no Domain'],
    ['__Host-Http-a=1; Path=/; Secure', '__Http- needs HttpOnly'],
    ['__Secure-a=1; Path=/', 'prefix without Secure'],
    ['a=1; SameSite=None', 'SameSite=None without Secure'],
    ['a=1; Domain=example.com', 'foreign Domain'],
    [`a=${'x'.repeat(4096)}`, 'name and value over 4,096 bytes'],
  ])('refuses %.60s', (line, rule) => {
    const jar = jarWith(line);
    expect(jar.all()).toEqual([]);
    expect(jar.refused.map((refused) => refused.rule)).toEqual([rule]);
  });

  it('takes Secure cookies over plain HTTP on loopback only', () => {
    const jar = jarWith('__Host-Http-a=1; Path=/; Secure; HttpOnly; SameSite=Strict');
    expect(names(jar, 'http://localhost:3000/')).toEqual(['__Host-Http-a']);
    const far = new CookieJar();
    far.store(['a=1; Secure'], new URL('http://example.com/'));
    expect(far.all()).toEqual([]);
  });

  it('sends Strict same-site only, Lax on cross-site navigations too, None always', () => {
    const jar = jarWith('strict=1; Path=/; SameSite=Strict', 'lax=1; Path=/; SameSite=Lax', 'none=1; Path=/; SameSite=None; Secure');
    expect(names(jar, 'http://localhost/')).toEqual(['strict', 'lax', 'none']);
    expect(names(jar, 'http://localhost/', crossSiteNavigation)).toEqual(['lax', 'none']);
    expect(names(jar, 'http://localhost/', crossSiteFetch)).toEqual(['none']);
  });
});
