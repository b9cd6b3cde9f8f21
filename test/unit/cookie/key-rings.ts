import { CookieCodec } from '../../../src/cookie/cookie-codec.ts';
import { KeyRing, type KeyRingOptions } from '../../../src/cookie/key-ring.ts';
import { Secret } from '../../../src/kernel/secret.ts';

export const cookieKey = (id: number, letter = 'k'): { id: number; secret: Secret } => ({
  id,
  secret: new Secret(`${letter}:`.repeat(20)),
});

/** A ring of one key unless told otherwise. */
export function keyRing(options: Partial<KeyRingOptions> = {}): KeyRing {
  return new KeyRing({
    keys: [cookieKey(1)],
    activeKey: 1,
    app: 'https://app.example.com',
    issuer: 'https://id.example.com',
    clientId: 'client',
    ...options,
  });
}

export const codec = (options: Partial<KeyRingOptions> = {}): CookieCodec => new CookieCodec({ keyRing: keyRing(options) });

/** The same numbers in every run (mulberry32): each in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Text that does not compress, as tokens do not. */
export const randomText = (length: number, random: () => number): string =>
  Array.from({ length }, () => ALPHABET.charAt(Math.floor(random() * ALPHABET.length))).join('');
