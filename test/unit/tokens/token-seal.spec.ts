import { describe, expect, it } from '@jest/globals';
import { TokenSeal } from '../../../src/tokens/token-seal.ts';

describe('a sealed token', () => {
  const seal = new TokenSeal();

  it.each(['access-token', '', 'ä€𐍈', 'x'.repeat(100_000)])('opens where it was sealed for', (token) => {
    expect(seal.open('place', seal.seal('place', token))).toBe(token);
  });

  it('shows nothing of itself, and never looks the same', () => {
    const [first, second] = [seal.seal('place', 'access-token-canary'), seal.seal('place', 'access-token-canary')];
    expect(first.toString('latin1')).not.toContain('canary');
    expect(first.equals(second)).toBe(false);
  });

  it('opens nowhere else, and for nobody else', () => {
    const sealed = seal.seal('place', 'token');
    expect(() => seal.open('elsewhere', sealed)).toThrow();
    expect(() => new TokenSeal().open('place', sealed)).toThrow();
  });

  it('does not open with any bit changed, or cut short', () => {
    const sealed = seal.seal('place', 'token');
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => seal.open('place', changed)).toThrow();
    }
    for (let length = 0; length < sealed.length; length++) expect(() => seal.open('place', sealed.subarray(0, length))).toThrow();
  });
});
