import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';

import type { Purpose } from '../../../src/cookie/key-ring.ts';
import { SessionIdMac } from '../../../src/cookie/session-id-mac.ts';
import { Secret } from '../../../src/kernel/secret.ts';
import { cookieKey, keyRing } from './key-rings.ts';

const PURPOSES: readonly Purpose[] = ['session', 'login', 'hint', 'logout'];

describe('KeyRing', () => {
  it('derives the same keys from the same context, in every process', () => {
    expect(keyRing().sealKey('session')).toEqual(keyRing().sealKey('session'));
  });

  it('has a fingerprint of 48 bits that iron takes as a number', () => {
    const fingerprints = PURPOSES.map((purpose) => keyRing().sealKey(purpose).fingerprint);
    for (const fingerprint of fingerprints) {
      expect(fingerprint).toMatch(/^(0|[1-9]\d*)$/);
      expect(Number(fingerprint)).toBeLessThan(2 ** 48);
    }
    expect(new Set(fingerprints).size).toBe(4);
  });

  it.each([
    ['app', keyRing({ app: 'https://other.example.com' })],
    ['issuer', keyRing({ issuer: 'https://id.example.org' })],
    ['client', keyRing({ clientId: 'other' })],
    ['secret', keyRing({ keys: [cookieKey(1, 'z')] })],
    ['split of app and issuer', keyRing({ app: 'https://app.example.com|', issuer: '' })],
  ])('has other keys for another %s', (_, other) => {
    expect(other.sealKey('session').fingerprint).not.toBe(keyRing().sealKey('session').fingerprint);
    expect(other.sealKey('session').password).not.toBe(keyRing().sealKey('session').password);
  });

  it('does not mind which number a key has', () => {
    expect(keyRing({ keys: [cookieKey(7)], activeKey: 7 }).sealKey('hint')).toEqual(keyRing().sealKey('hint'));
  });

  it('seals with the active key, and unseals with all', () => {
    const ring = keyRing({ keys: [cookieKey(1, 'a'), cookieKey(2, 'b'), cookieKey(9, 'c')], activeKey: 2 });
    expect(ring.sealKey('session')).toEqual(keyRing({ keys: [cookieKey(2, 'b')], activeKey: 2 }).sealKey('session'));
    expect(Object.keys(ring.passwords('session'))).toHaveLength(3);
    for (const name of ['__proto__', 'constructor', 'toString']) expect(ring.passwords('session')[name]).toBeUndefined();
  });

  it('takes an issuer longer than HKDF takes', () => {
    const issuer = `https://id.example.com/${'x'.repeat(3000)}`;
    expect(keyRing({ issuer }).sealKey('session')).not.toEqual(keyRing({ issuer: `${issuer}y` }).sealKey('session'));
  });

  it('reads base64 and base64url of the same bytes alike, and other text as it is', () => {
    const bytes = Buffer.concat([randomBytes(30), Buffer.from([0xfb, 0xff, 0xfe])]);
    const ringOf = (text: string) => keyRing({ keys: [{ id: 1, secret: new Secret(text) }] });
    expect(ringOf(bytes.toString('base64')).sealKey('session')).toEqual(ringOf(bytes.toString('base64url')).sealKey('session'));
    expect(() => ringOf('a sentence of words that is long enough')).not.toThrow();
  });

  it('refuses a short secret and an active key that is not there, and never names the secret', () => {
    expect(() => keyRing({ keys: [{ id: 1, secret: new Secret('short one') }] })).toThrow(/^a cookie key needs at least 32 bytes$/);
    expect(() => keyRing({ activeKey: 2 })).toThrow('active cookie key');
  });
});

describe('SessionIdMac', () => {
  const mac = new SessionIdMac({ keyRing: keyRing() });

  it('names a session without telling its id', () => {
    expect(mac.id('sid')).toMatch(/^[\w-]{43}$/);
    expect(mac.id('sid')).toBe(new SessionIdMac({ keyRing: keyRing() }).id('sid'));
    expect(mac.id('sid')).not.toBe(mac.id('sie'));
    expect(mac.id('sid')).not.toBe(new SessionIdMac({ keyRing: keyRing({ clientId: 'other' }) }).id('sid'));
  });

  it('matches its own id and nothing else', () => {
    expect(mac.matches('sid', mac.id('sid'))).toBe(true);
    expect(mac.matches('other', mac.id('sid'))).toBe(false);
    for (const id of ['', 'x', '%', mac.id('sid').slice(1), `${mac.id('sid')}=`, `${mac.id('sid')}A`])
      expect(mac.matches('sid', id)).toBe(false);
  });

  it('takes one spelling only', () => {
    const id = mac.id('sid');
    const others = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', (last) => id.slice(0, -1) + last);
    expect(others.filter((other) => mac.matches('sid', other))).toEqual([id]);
  });

  it('still knows ids made before a key roll', () => {
    const before = new SessionIdMac({ keyRing: keyRing({ keys: [cookieKey(1, 'a')] }) }).id('sid');
    const rolled = new SessionIdMac({ keyRing: keyRing({ keys: [cookieKey(1, 'a'), cookieKey(2, 'b')], activeKey: 2 }) });
    const gone = new SessionIdMac({ keyRing: keyRing({ keys: [cookieKey(2, 'b')], activeKey: 2 }) });
    expect(rolled.id('sid')).not.toBe(before);
    expect(rolled.matches('sid', before)).toBe(true);
    expect(gone.matches('sid', before)).toBe(false);
  });
});
