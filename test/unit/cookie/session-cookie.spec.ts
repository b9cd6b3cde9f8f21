import { describe, expect, it } from '@jest/globals';

import { SessionCookie, type SessionCookieOptions } from '../../../src/cookie/session-cookie.ts';

const NAME = '__Host-Http-cloakroom';
const NOTHING = { candidates: [], names: [] };
const cookie = (options: Partial<SessionCookieOptions> = {}): SessionCookie =>
  new SessionCookie({ name: 'cloakroom', devCookies: false, maxChunks: 4, budget: 6144, ...options });
const FULL = 4096 - `${NAME}.0`.length;

describe('write', () => {
  it('gives one line, exactly as the contract says', () => {
    expect(cookie().write('v', 46_800, NOTHING)).toEqual([`${NAME}=v; Path=/; Max-Age=46800; Secure; HttpOnly; SameSite=Strict`]);
  });

  it('has neither prefix nor Secure with devCookies', () => {
    expect(cookie({ devCookies: true }).write('v', 1, NOTHING)).toEqual(['cloakroom=v; Path=/; Max-Age=1; HttpOnly; SameSite=Strict']);
  });

  it('writes chunks, and clears the plain cookie that was there', () => {
    const lines = cookie().write('x'.repeat(5000), 10, { candidates: [], names: [NAME, `${NAME}.1`] });
    expect(lines.map((line) => line.slice(0, line.indexOf('=')))).toEqual([`${NAME}.0`, `${NAME}.1`, NAME]);
    expect(lines[2]).toBe(`${NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict`);
  });

  it('clears chunks that a shorter value leaves over, and only those seen', () => {
    const lines = cookie().write('v', 10, { candidates: [], names: [`${NAME}.0`, `${NAME}.1`, `${NAME}.2`] });
    expect(lines.map((line) => line.slice(0, line.indexOf(';')))).toEqual([`${NAME}=v`, `${NAME}.0=`, `${NAME}.1=`, `${NAME}.2=`]);
  });
});

describe('clear', () => {
  it('expires what was seen', () => {
    const presented = cookie().read(`${NAME}.1=x; ${NAME}.0=y; other=1; ${NAME}.0=z`);
    expect(cookie().clear(presented)).toEqual([
      `${NAME}.1=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict`,
      `${NAME}.0=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict`,
    ]);
  });

  it('expires everything when the request could not be read', () => {
    const lines = cookie({ hintPath: '/shop/bff/logout' }).clearAll();
    expect(lines.map((line) => line.slice(0, line.indexOf(';')))).toEqual([
      `${NAME}=`, `${NAME}.0=`, `${NAME}.1=`, `${NAME}.2=`, `${NAME}.3=`, '__Secure-cloakroom-hint=',
    ]); // prettier-ignore
    expect(lines.every((line) => line.includes('; Max-Age=0;'))).toBe(true);
    expect(lines[5]).toContain('; Path=/shop/bff/logout;');
  });
});

describe('read', () => {
  it.each([
    undefined,
    '',
    'other=1',
    'cloakroom=1',
    `x${NAME}=1`,
    `${NAME}x=1`,
    `${NAME}-login.0abcdefABCD=1`,
    `${NAME}.4=1`,
    `${NAME}.00=1`,
    `${NAME}.__proto__=1`,
  ])('sees no session in %j', (header) => expect(cookie().read(header)).toEqual(NOTHING));

  it('gives the plain cookie', () => {
    expect(cookie().read(`a=1; ${NAME}=v; b=2`)).toEqual({ candidates: ['v'], names: [NAME] });
  });

  it('tries duplicates of a name each (A60)', () => {
    expect(cookie().read(`${NAME}=a; ${NAME}=b`)).toEqual({ candidates: ['a', 'b'], names: [NAME] });
  });

  it('joins chunks by their number, whatever their order in the header', () => {
    const [first, second] = ['a'.repeat(FULL), 'b'.repeat(FULL)];
    const { candidates, names } = cookie().read(`${NAME}.2=c; ${NAME}.1=${second}; x=y; ${NAME}.0=${first}`);
    expect(candidates[0]).toBe(`${first}${second}c`);
    expect(names).toEqual([`${NAME}.2`, `${NAME}.1`, `${NAME}.0`]);
  });

  it('gives the plain cookie and the chunks when both are there', () => {
    expect(cookie().read(`${NAME}.0=old; ${NAME}=new`).candidates).toEqual(['new', 'old']);
  });

  it('notices an empty or oversized cookie, to clear it, but never tries it (A56)', () => {
    expect(cookie().read(`${NAME}=`)).toEqual({ candidates: [], names: [NAME] });
    expect(cookie().read(`${NAME}=${'x'.repeat(65_536)}`)).toEqual({ candidates: [], names: [NAME] });
    expect(cookie().read(`${NAME}.0=${'x'.repeat(4096)}`)).toEqual({ candidates: [], names: [`${NAME}.0`] });
  });

  it('is bounded for a thousand chunks and a thousand duplicates (A56)', () => {
    const header = Array.from(
      { length: 1000 },
      (_, at) => `${NAME}.${at}=${'x'.repeat(20)}; ${NAME}=v${at}; ${NAME}.0=${'x'.repeat(FULL)}`,
    ).join('; ');
    const { candidates, names } = cookie().read(header);
    expect(candidates.length).toBeLessThanOrEqual(8);
    expect(names.length).toBeLessThanOrEqual(5);
    expect(Math.max(...candidates.map(({ length }) => length))).toBeLessThanOrEqual(4 * 4096);
  });
});

describe('size and fits', () => {
  it('counts `name=value; ` of every cookie', () => {
    expect(cookie().size('v')).toBe(NAME.length + 4);
    expect(cookie().size('x'.repeat(5000))).toBe(2 * (NAME.length + 5) + 5000);
  });

  it('judges the budget together with the hint, to the byte', () => {
    const value = 'x'.repeat(3000);
    const size = cookie().size(value);
    expect(cookie({ budget: size }).fits(value)).toBe(true);
    expect(cookie({ budget: size - 1 }).fits(value)).toBe(false);
    expect(cookie({ budget: size + 99 }).fits(value, 99)).toBe(true);
    expect(cookie({ budget: size + 99 }).fits(value, 100)).toBe(false);
  });

  it('judges the number of chunks', () => {
    expect(cookie({ budget: 20_000, maxChunks: 2 }).fits('x'.repeat(2 * FULL))).toBe(true);
    expect(cookie({ budget: 20_000, maxChunks: 2 }).fits('x'.repeat(2 * FULL + 1))).toBe(false);
    expect(cookie({ budget: 20_000, maxChunks: 1 }).fits('x'.repeat(4000))).toBe(true);
    expect(cookie({ budget: 90_000, maxChunks: 9 }).fits('x'.repeat(4 * FULL + 1))).toBe(false);
  });
});

describe('owns', () => {
  it.each([NAME, `${NAME}.0`, `${NAME}.17`, `${NAME}-login.0abcdefABCD`, `${NAME}-login.`, '__Secure-cloakroom-hint'])(
    '%s is ours',
    (name) => {
      expect(cookie().owns(name)).toBe(true);
    },
  );

  it.each(['', 'cloakroom', 'cloakroom-hint', `${NAME}x`, `${NAME}2.0`, '__Secure-cloakroom-hint2', '__Host-Http-other', 'session'])(
    '%j is not',
    (name) => {
      expect(cookie().owns(name)).toBe(false);
    },
  );

  it('goes by the plain names with devCookies', () => {
    const dev = cookie({ devCookies: true });
    for (const name of ['cloakroom', 'cloakroom.0', 'cloakroom-login.x', 'cloakroom-hint']) expect(dev.owns(name)).toBe(true);
    expect(dev.owns(NAME)).toBe(false);
  });
});
