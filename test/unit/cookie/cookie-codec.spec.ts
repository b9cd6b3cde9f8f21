import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { sealData } from 'iron-session';
import { deflateRawSync } from 'node:zlib';

import { CookieCodec, type Purpose, type Unsealed } from '../../../src/cookie/cookie-codec.ts';
import { codec, cookieKey, keyRing, randomText, seededRandom } from './key-rings.ts';

const PAYLOAD = { a: 'ü', n: [1, null, { deep: true }] };
const FOREIGN = { kind: 'unreadable', reason: 'foreign' };
const TAMPERED = { kind: 'unreadable', reason: 'tampered' };
const UNKNOWN_KEY = { kind: 'unreadable', reason: 'unknown-key' };
const UNKNOWN_VERSION = { kind: 'unreadable', reason: 'unknown-version' };

/** Seals with our key, but by hand: what only somebody with the key can send. */
async function sealedByHand(content: unknown, ttl = 0): Promise<string> {
  const { fingerprint, password } = keyRing().sealKey('session');
  const sealed = await sealData(content, { password: { [fingerprint]: password }, ttl });
  return sealed.slice(0, sealed.indexOf('~'));
}

const unsealAll = (one: CookieCodec, values: readonly string[]): Promise<Unsealed[]> =>
  Promise.all(values.map(async (value) => one.unseal('session', value)));

const verifications = () => jest.spyOn(crypto.subtle, 'verify');

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a sealed value', () => {
  it('is what the contract says, and safe in a cookie', async () => {
    const value = await codec().seal('session', PAYLOAD);
    expect(value).toMatch(/^Fe26\.2\*\d{1,15}\*[0-9a-f]{64}\*[\w-]{22}\*[\w-]+\*\*[0-9a-f]{64}\*[\w-]{43}$/);
    expect(value.split('*')[1]).toBe(keyRing().sealKey('session').fingerprint);
  });

  it('unseals in another process', async () => {
    const value = await codec().seal('session', PAYLOAD);
    expect(await codec().unseal('session', value)).toEqual({ kind: 'sealed', payload: PAYLOAD });
  });

  it('is deflated when that pays', async () => {
    const value = await codec().seal('session', { groups: 'staff '.repeat(500) });
    expect(value.length).toBeLessThan(500);
    expect(await codec().unseal('session', value)).toEqual({ kind: 'sealed', payload: { groups: 'staff '.repeat(500) } });
  });

  it('never repeats', async () => {
    const one = codec();
    expect(await one.seal('session', PAYLOAD)).not.toBe(await one.seal('session', PAYLOAD));
  });
});

describe('keys', () => {
  it('seals with the active key although iron would take the highest', async () => {
    const old = codec({ keys: [cookieKey(1, 'a'), cookieKey(2, 'b')], activeKey: 1 });
    const value = await old.seal('session', PAYLOAD);
    expect(await codec({ keys: [cookieKey(1, 'a')] }).unseal('session', value)).toMatchObject({ kind: 'sealed' });
  });

  it('unseals with every key of the ring, and calls a removed one unknown (A59)', async () => {
    const value = await codec({ keys: [cookieKey(1, 'a')] }).seal('session', PAYLOAD);
    const rolled = codec({ keys: [cookieKey(1, 'a'), cookieKey(2, 'b')], activeKey: 2 });
    expect(await rolled.unseal('session', value)).toMatchObject({ kind: 'sealed' });
    expect(codec({ keys: [cookieKey(2, 'b')], activeKey: 2 }).unseal('session', value)).toEqual(UNKNOWN_KEY);
  });

  it.each([{ app: 'other' }, { issuer: 'https://other' }, { clientId: 'other' }])(
    'calls the key of another %j unknown, never tampered (A58)',
    async (other) => {
      const value = await codec(other).seal('session', PAYLOAD);
      expect(codec().unseal('session', value)).toEqual(UNKNOWN_KEY);
    },
  );

  it('lets no seal pass for another purpose (A58)', async () => {
    const purposes: readonly Purpose[] = ['session', 'login', 'hint', 'logout'];
    for (const sealedFor of purposes) {
      const one = codec();
      const value = await one.seal(sealedFor, PAYLOAD);
      for (const purpose of purposes) {
        expect(await one.unseal(purpose, value)).toMatchObject(purpose === sealedFor ? { kind: 'sealed' } : UNKNOWN_KEY);
      }
    }
  });

  it.each(['__proto__', '1e3', 'constructor', '', '-1', '007', ' 1', '1'])('knows no key called %j (A59)', async (id) => {
    const parts = (await codec().seal('session', PAYLOAD)).split('*');
    const unsealed = codec().unseal('session', [parts[0], id, ...parts.slice(2)].join('*'));
    expect([FOREIGN, UNKNOWN_KEY]).toContainEqual(unsealed);
  });
});

describe('a value that was changed', () => {
  const NEXT = /[A-Za-z0-9]/;
  const flipped = (character: string): string[] =>
    NEXT.test(character) ? ['_', character === 'Q' ? 'g' : 'Q', '~', '='] : ['A', '0', '~'];

  it('is refused whatever single character differs, wherever it is cut, and never throws (A55)', async () => {
    const one = codec();
    const value = await one.seal('session', { token: 'x' });
    const flips = Array.from(value).flatMap((character, at) =>
      flipped(character).map((other) => value.slice(0, at) + other + value.slice(at + 1)),
    );
    const cuts = Array.from(value, (_, at) => value.slice(0, at));
    const results = await unsealAll(one, [...flips, ...cuts]);
    expect(results.length).toBeGreaterThan(1000);
    expect(results.filter(({ kind }) => kind === 'sealed')).toEqual([]);
    expect(results.map((result) => (result as Extract<Unsealed, { kind: 'unreadable' }>).reason)).toContain('tampered');
  });

  it('is refused in every spelling that iron takes for the same seal', async () => {
    const one = codec();
    const value = await one.seal('session', PAYLOAD);
    const head = value.slice(0, -1);
    const tail = value.slice(-1);
    const lastBits = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_').filter((last) => last !== tail);
    const spellings = [
      `${value}~2`, `${value}~`, `${value}~anything`, `${value}=`, `${value} `, ` ${value}`, `${value}*`, `${value}A`,
      `${head} ${tail}`, `${value.slice(0, 120)} ${value.slice(120)}`, `"${value}"`, value.replace('Fe26.2', 'Fe26.1'), value.toLowerCase(),
      ...lastBits.map((last) => head + last),
    ]; // prettier-ignore
    const results = await unsealAll(one, spellings);
    expect(results.filter(({ kind }) => kind === 'sealed')).toEqual([]);
  });

  it('is tampered only under a key that we know', async () => {
    const one = codec();
    const value = await one.seal('session', PAYLOAD);
    const parts = value.split('*');
    const ciphertext = parts[4] ?? '';
    parts[4] = (ciphertext.startsWith('A') ? 'B' : 'A') + ciphertext.slice(1);
    expect(await one.unseal('session', parts.join('*'))).toEqual(TAMPERED);
    expect(codec({ clientId: 'other' }).unseal('session', parts.join('*'))).toEqual(UNKNOWN_KEY);
  });

  it('proves nothing by an expiry, planted or authentic (A58)', async () => {
    const planted = (await codec().seal('session', PAYLOAD)).split('*');
    planted[5] = '1';
    expect(codec().unseal('session', planted.join('*'))).toEqual(FOREIGN);
    expect(codec().unseal('session', await sealedByHand({ p: PAYLOAD }, 3600))).toEqual(FOREIGN);
  });

  it.each([
    '',
    '*',
    '*******',
    'Fe26.2*******',
    'x'.repeat(65_536),
    '*'.repeat(65_536),
    `Fe26.2*1*${'a'.repeat(40_000)}*${'A'.repeat(43)}`,
    '\u00ff'.repeat(100),
  ])('is foreign when it is no seal at all (%#), without any cryptography (A56)', (value) => {
    const verify = verifications();
    expect(codec().unseal('session', value)).toEqual(FOREIGN);
    expect(verify).not.toHaveBeenCalled();
  });
});

describe('a session that outgrew every cookie', () => {
  it.each([20_000, 60_000, 150_000])('can be sealed and opened with a token of %d bytes: its head keeps it', async (bytes) => {
    const payload = { token: randomBytes(bytes).toString('base64url').slice(0, bytes) };
    const value = await codec().seal('session', payload);
    expect(await codec().unseal('session', value)).toEqual({ kind: 'sealed', payload });
  });
});

describe('an authentic seal with a strange content', () => {
  it.each([{}, { q: 1 }, { z: 5 }, 'text', [1]])('is of an unknown version: %j', async (content) => {
    expect(await codec().unseal('session', await sealedByHand(content))).toEqual(UNKNOWN_VERSION);
  });

  it('is refused when it inflates beyond the cap (A57)', async () => {
    const bomb = deflateRawSync(`"${' '.repeat(2 * 1024 * 1024)}"`).toString('base64url');
    const unsealed = await codec().unseal('session', await sealedByHand({ z: bomb }));
    expect(unsealed.kind === 'unreadable' && unsealed.reason).toBe('tampered');
  });

  it('may be nested as deep as it likes', async () => {
    const json = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const nested = { z: deflateRawSync(json).toString('base64url') };
    expect(await codec().unseal('session', await sealedByHand(nested))).toMatchObject({ kind: 'sealed' });
  });
});

describe('the cache', () => {
  it('answers at once after sealing and after unsealing, with the same frozen object', async () => {
    const verify = verifications();
    const [sealer, other] = [codec(), codec()];
    const value = await sealer.seal('session', PAYLOAD);
    expect(sealer.unseal('session', value)).toEqual({ kind: 'sealed', payload: PAYLOAD });
    const first = await other.unseal('session', value);
    expect(other.unseal('session', value)).toBe(first);
    expect(verify).toHaveBeenCalledTimes(1);
    expect(() => Object.assign((first as { payload: { n: object[] } }).payload.n[2] ?? {}, { deep: false })).toThrow(TypeError);
  });

  it('is not touched by a caller who changes the payload later', async () => {
    const one = codec();
    const payload = { n: 1 };
    const value = await one.seal('session', payload);
    payload.n = 2;
    expect(one.unseal('session', value)).toEqual({ kind: 'sealed', payload: { n: 1 } });
  });

  it('keeps sessions only, so that logins cannot push them out', async () => {
    const one = codec();
    for (const purpose of ['login', 'hint', 'logout'] as const) {
      const unsealed = one.unseal(purpose, await one.seal(purpose, PAYLOAD));
      expect(unsealed).toBeInstanceOf(Promise);
      expect(await unsealed).toMatchObject({ kind: 'sealed' });
    }
  });

  it('keeps no failure', async () => {
    const verify = verifications();
    const one = codec();
    const value = await one.seal('session', PAYLOAD);
    const bad = value.replace(/\*([^*])([^*]*)\*\*/, (_, first: string, rest: string) => `*${first === 'A' ? 'B' : 'A'}${rest}**`);
    expect(await one.unseal('session', bad)).toEqual(TAMPERED);
    expect(await one.unseal('session', bad)).toEqual(TAMPERED);
    expect(verify).toHaveBeenCalledTimes(2);
  });

  it('is bounded', async () => {
    const small = new CookieCodec({ keyRing: keyRing(), cacheBytes: 20_000 });
    const random = seededRandom(3);
    const values: string[] = [];
    for (let count = 0; count < 10; count += 1) values.push(await small.seal('session', { token: randomText(2000, random) }));
    const kept = values.filter((value) => !(small.unseal('session', value) instanceof Promise));
    expect(kept.length).toBeGreaterThan(0);
    expect(kept).toEqual(values.slice(-kept.length));
    expect(kept.length).toBeLessThan(4);
    await unsealAll(small, values);
  });
});

describe('unseals', () => {
  it('of one value at the same time are one', async () => {
    const value = await codec().seal('session', PAYLOAD);
    const verify = verifications();
    const one = codec();
    const results = await unsealAll(
      one,
      Array.from({ length: 50 }, () => value),
    );
    expect(verify).toHaveBeenCalledTimes(1);
    expect(new Set(results).size).toBe(1);
  });

  it('of many values go on eight at a time, in order, and each ends', async () => {
    const sealer = codec();
    const values = await Promise.all(Array.from({ length: 40 }, (_, n) => sealer.seal('session', { n })));
    const genuine = crypto.subtle.verify.bind(crypto.subtle);
    let running = 0;
    let most = 0;
    jest.spyOn(crypto.subtle, 'verify').mockImplementation(async (...parameters) => {
      running += 1;
      most = Math.max(most, running);
      const good = await genuine(...parameters);
      running -= 1;
      return good;
    });
    const one = codec();
    const results = await unsealAll(one, values);
    expect(most).toBe(8);
    expect(results).toEqual(values.map((_, n) => ({ kind: 'sealed', payload: { n } })));
  });
});
