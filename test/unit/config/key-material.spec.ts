import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { isStrongKey } from '../../../src/config/key-material.ts';
import { Secret } from '../../../src/kernel/secret.ts';

const strong = (text: string): boolean => isStrongKey(new Secret(text));

describe('a cookie key', () => {
  it.each(['base64url', 'base64', 'hex'] as const)('may be 32 random bytes in %s, and not much less', (encoding) => {
    for (let round = 0; round < 200; round++) {
      expect(strong(randomBytes(32).toString(encoding))).toBe(true);
    }
    for (const bytes of [16, 24, 30, 31]) expect([bytes, strong(randomBytes(bytes).toString(encoding))]).toEqual([bytes, false]);
  });

  it('may be text of 32 bytes', () => {
    expect(strong('kV!2p#Lw9@zQ$7nX^4bT&1mR*6cY(8dF')).toBe(true);
    expect(strong('kV!2p#Lw9@zQ$7nX^4bT&1mR*6cY(8d')).toBe(false);
  });

  it('is measured as hex when it is hex, however much base64 would make of it', () => {
    expect(strong(randomBytes(22).toString('hex'))).toBe(false);
  });

  it.each([
    ['one character over and over', 'a'.repeat(64)],
    ['a marked gap', 'x'.repeat(48)],
    ['changeme', `changeme${randomBytes(32).toString('hex')}`],
    ['change-me', 'please-change-me-please-please-0123456789-qwerty'],
    ['secret…', `secret-${randomBytes(32).toString('base64url')}`],
    ['replace this', `replace-this ${randomBytes(32).toString('base64url')}`],
    ['a password', 'my-very-long-password-nobody-will-guess-2026!!'],
    ['a repeated piece', 'kV2pLw9zQ7nX4bT1'.repeat(3)],
    ['a repeated piece with a rest', `${'kV2pLw9zQ7nX4bT1'.repeat(3)}kV2pL`],
    ['the alphabet', 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'],
    ['counting in hex', '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'],
    ['few different bytes', Buffer.alloc(48, 'abcabd').toString('base64')],
    ['nothing', ' '.repeat(40)],
  ])('must not be a placeholder: %s', (_, text) => {
    expect(text.length).toBeGreaterThanOrEqual(32);
    expect(strong(text)).toBe(false);
  });
});
