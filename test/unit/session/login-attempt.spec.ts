import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';

import { AttemptCookie } from '../../../src/cookie/attempt-cookie.ts';
import { LoginAttempts } from '../../../src/session/login-attempt.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codec, randomText, seededRandom } from '../cookie/key-rings.ts';
import { NOW } from './sample-session.ts';

const TTL = 600_000;
const PREFIX = '__Host-Http-cloakroom-login.';

function stand(issuer = 'https://id.example.com') {
  const clock = new ManualClock(NOW);
  const cookie = new AttemptCookie({ name: 'cloakroom', devCookies: false });
  return { clock, attempts: new LoginAttempts({ codec: codec({ issuer }), clock, ttl: TTL, cookie }) };
}

/** The Cookie header of a browser that stored these lines, the cleared ones gone. */
function headerOf(lines: readonly string[]): string {
  const jar = new Map<string, string>();
  for (const line of lines) {
    const [pair = ''] = line.split(';');
    const name = pair.slice(0, pair.indexOf('='));
    if (line.includes('Max-Age=0')) jar.delete(name);
    else jar.set(name, pair);
  }
  return [...jar.values()].join('; ');
}

const namesOf = (header: string): string[] => header.split('; ').filter((pair) => pair.startsWith(PREFIX));

describe('begin', () => {
  it('gives state, nonce and verifier, each unlike the others and unlike those of another attempt', async () => {
    const { attempts } = stand();
    const [one, two] = [await attempts.begin({ returnTo: '/' }), await attempts.begin({ returnTo: '/' })];
    const values = [one, two].flatMap(({ state, nonce, codeVerifier }) => [state.slice(12), nonce, codeVerifier]);
    expect(new Set(values).size).toBe(6);
    for (const value of values) expect(value).toMatch(/^[\w-]{43}$/);
    expect(one.state).toMatch(/^[0-9a-z]{7}[\w-]{4}\.[\w-]{43}$/);
    expect(createHash('sha256').update(one.codeVerifier).digest('base64url')).toHaveLength(43);
  });

  it('sets one cookie, named after the state, for the time of the attempt', async () => {
    const { attempts } = stand();
    const { state, setCookies } = await attempts.begin({ returnTo: '/' });
    const [id = ''] = state.split('.');
    expect(setCookies).toHaveLength(1);
    expect(setCookies[0]?.startsWith(`${PREFIX}${id}=Fe26.2*`)).toBe(true);
    expect(setCookies[0]).toMatch(/; Path=\/; Max-Age=600; Secure; HttpOnly; SameSite=Lax$/);
  });

  it('stays within 1.1 KB with the longest returnTo, and three of them within 3.3 KB', async () => {
    const { attempts } = stand();
    const random = seededRandom(5);
    let header = '';
    for (let login = 0; login < 3; login += 1) {
      const previousSid = randomText(22, random);
      const begun = await attempts.begin({ returnTo: `/${randomText(511, random)}`, previousSid, cookieHeader: header });
      expect(Math.max(...begun.setCookies.map(({ length }) => length))).toBeLessThanOrEqual(1126);
      header = [header, headerOf(begun.setCookies)].filter((part) => part !== '').join('; ');
    }
    expect(namesOf(header)).toHaveLength(3);
    expect(`${header}; `.length).toBeLessThanOrEqual(3300);
  });

  it('leaves at most three attempts, the newest, without opening any', async () => {
    const { attempts, clock } = stand();
    const lines: string[] = [];
    const states: string[] = [];
    for (let login = 0; login < 8; login += 1) {
      const { state, setCookies } = await attempts.begin({ returnTo: `/${login}`, cookieHeader: headerOf(lines) });
      lines.push(...setCookies);
      states.push(state);
      expect(namesOf(headerOf(lines)).length).toBeLessThanOrEqual(3);
      clock.set(clock.now() + 1000);
    }
    const found = await Promise.all(states.map((state) => attempts.find(headerOf(lines), state)));
    expect(found.map(({ kind }) => kind)).toEqual([...Array.from({ length: 5 }, () => 'missing'), 'found', 'found', 'found']);
  });

  it('evicts what is too old first, and what claims to be of the future', async () => {
    const { attempts, clock } = stand();
    const seconds = Math.floor(clock.now() / 1000);
    const idAt = (time: number) => time.toString(36).padStart(7, '0');
    const [old, future, fine] = [`${idAt(seconds - 601)}aaaa`, `zzzzzzzaaaa`, `${idAt(seconds - 10)}aaaa`];
    const cookieHeader = [old, future, fine].map((id) => `${PREFIX}${id}=x`).join('; ');
    const { setCookies } = await attempts.begin({ returnTo: '/', cookieHeader });
    expect(setCookies.slice(1).map((line) => line.slice(PREFIX.length, line.indexOf('=')))).toEqual([old, future]);
  });
});

describe('find', () => {
  it('gives the attempt back, with the same secrets, in another process', async () => {
    const { state, nonce, codeVerifier, setCookies } = await stand().attempts.begin({
      returnTo: '/a?b#c',
      previousSid: 'sid',
      silent: true,
      maxAge: 0,
    });
    expect(await stand().attempts.find(headerOf(setCookies), state)).toEqual({
      kind: 'found',
      attempt: { state, nonce, codeVerifier, returnTo: '/a?b#c', previousSid: 'sid', silent: true, maxAge: 0 },
    });
  });

  it.each([{}, { silent: true }, { maxAge: 300 }, { previousSid: 'p', maxAge: 5 }])('keeps %j and nothing else', async (extra) => {
    const { attempts } = stand();
    const { setCookies, ...secrets } = await attempts.begin({ returnTo: '/', ...extra });
    const found = await attempts.find(headerOf(setCookies), secrets.state);
    expect(found).toEqual({ kind: 'found', attempt: { ...secrets, returnTo: '/', silent: false, ...extra } });
  });

  it('finds each of two tabs', async () => {
    const { attempts } = stand();
    const one = await attempts.begin({ returnTo: '/one' });
    const two = await attempts.begin({ returnTo: '/two', cookieHeader: headerOf(one.setCookies) });
    const header = headerOf([...one.setCookies, ...two.setCookies]);
    expect(await attempts.find(header, one.state)).toMatchObject({ attempt: { returnTo: '/one' } });
    expect(await attempts.find(header, two.state)).toMatchObject({ attempt: { returnTo: '/two' } });
  });

  it('judges the time inside the seal: the browser may keep the cookie longer', async () => {
    const { attempts, clock } = stand();
    const { state, setCookies } = await attempts.begin({ returnTo: '/' });
    clock.set(NOW + TTL - 1);
    expect(await attempts.find(headerOf(setCookies), state)).toMatchObject({ kind: 'found' });
    clock.set(NOW + TTL);
    expect(await attempts.find(headerOf(setCookies), state)).toEqual({ kind: 'expired' });
    clock.set(NOW - TTL);
    expect(await attempts.find(headerOf(setCookies), state)).toMatchObject({ kind: 'found' });
  });

  it('is missing without a cookie for the state', async () => {
    const { attempts } = stand();
    const { state, setCookies } = await attempts.begin({ returnTo: '/' });
    for (const header of [undefined, '', 'a=1', `${PREFIX}0000000aaaa=x`])
      expect(await attempts.find(header, state)).toEqual({ kind: 'missing' });
    for (const odd of ['', '.', 'x', '__proto__', state.slice(1), `${state}A`, 'x'.repeat(10_000)]) {
      expect(await attempts.find(headerOf(setCookies), odd)).toEqual({ kind: 'missing' });
    }
  });

  it('is one of another state when the state was changed, or the cookie put under another name', async () => {
    const { attempts } = stand();
    const [one, two] = [await attempts.begin({ returnTo: '/1' }), await attempts.begin({ returnTo: '/2' })];
    const changed = one.state.slice(0, -2) + (one.state.endsWith('AA') ? 'BB' : 'AA');
    expect(await attempts.find(headerOf(one.setCookies), changed)).toEqual({ kind: 'other-state' });
    const [id = ''] = one.state.split('.');
    const moved = headerOf(two.setCookies).replace(/login\.[^=]*/, `login.${id}`);
    expect(await attempts.find(moved, one.state)).toEqual({ kind: 'other-state' });
    expect(await attempts.find(moved, two.state.replace(/^[^.]*/, id))).toEqual({ kind: 'other-state' });
    expect(await attempts.find(`${PREFIX}${id}=planted; ${moved}`, one.state)).toEqual({ kind: 'other-state' });
  });

  it('is unreadable for a cookie of another issuer, garbage, or a session in its place (A58)', async () => {
    const { attempts } = stand();
    const other = await stand('https://other').attempts.begin({ returnTo: '/' });
    expect(await attempts.find(headerOf(other.setCookies), other.state)).toEqual({ kind: 'unreadable' });
    const { state } = await attempts.begin({ returnTo: '/' });
    const [id = ''] = state.split('.');
    const session = await codec().seal('session', ['x'.repeat(43), '/', '', 1]);
    const strange = await Promise.all(
      [{}, [], ['short', '/', '', 1], ['A'.repeat(43), 1, '', 1], ['A'.repeat(43), '/', '', 'x']].map((payload) =>
        codec().seal('login', payload),
      ),
    );
    for (const value of ['', 'x', session, ...strange])
      expect(await attempts.find(`${PREFIX}${id}=${value}`, state)).toEqual({ kind: 'unreadable' });
  });

  it('tries each cookie of one name, and not many (A60)', async () => {
    const { attempts } = stand();
    const { state, setCookies } = await attempts.begin({ returnTo: '/' });
    const [id = ''] = state.split('.');
    expect(await attempts.find(`${PREFIX}${id}=planted; ${headerOf(setCookies)}`, state)).toMatchObject({ kind: 'found' });
    expect(await attempts.find(`${`${PREFIX}${id}=planted; `.repeat(100)}${headerOf(setCookies)}`, state)).toEqual({ kind: 'unreadable' });
  });
});

describe('the end of an attempt', () => {
  it('expires the cookie of its state, and nothing for a state that is not ours', async () => {
    const { attempts } = stand();
    const { state } = await attempts.begin({ returnTo: '/' });
    const [id = ''] = state.split('.');
    expect(attempts.finish(state)).toEqual([`${PREFIX}${id}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax`]);
    for (const odd of ['', 'x', '\r\nSet-Cookie: a=1']) expect(attempts.finish(odd)).toEqual([]);
  });

  it('expires all that are there, each once', async () => {
    const { attempts } = stand();
    const [one, two] = [await attempts.begin({ returnTo: '/' }), await attempts.begin({ returnTo: '/' })];
    const header = headerOf([...one.setCookies, ...two.setCookies]);
    expect(attempts.clearAll(`${header}; ${header}`).filter((line) => line.includes('Max-Age=0'))).toHaveLength(2);
    expect(attempts.clearAll(undefined)).toEqual([]);
  });
});
