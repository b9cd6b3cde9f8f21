import { describe, expect, it } from '@jest/globals';
import { deflateRawSync } from 'node:zlib';

import { enclose, MAX_INFLATED, open } from '../../../src/cookie/payload-envelope.ts';
import { randomText, seededRandom } from './key-rings.ts';

const roundTrip = (payload: unknown) => open(JSON.parse(JSON.stringify(enclose(JSON.stringify(payload)))), 0);

describe('the envelope', () => {
  it('deflates only what gets shorter by it', () => {
    expect(enclose(JSON.stringify({ groups: 'staff '.repeat(50) }))).toHaveProperty('z');
    expect(enclose(JSON.stringify({ token: randomText(2000, seededRandom(1)) }))).toHaveProperty('p');
    expect(enclose('{}')).toEqual({ p: {} });
  });

  it.each([{ a: 1 }, [1, 'ü€😀', null], { groups: 'staff '.repeat(500), name: 'ü€😀\ud800' }, { z: 'not ours' }, { p: 1 }])(
    'gives back what it got: %j',
    (payload) => expect(roundTrip(payload)).toMatchObject({ kind: 'opened', payload }),
  );

  it('opens nothing that inflates beyond the cap, and stops there', () => {
    const bomb = deflateRawSync(`"${' '.repeat(50 * 1024 * 1024)}"`, { level: 9 }).toString('base64url');
    const before = process.memoryUsage().arrayBuffers;
    expect(open({ z: bomb }, 0).kind).toBe('broken');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5 * 1024 * 1024);
  });

  it('does not deflate what it could not open again', () => {
    expect(enclose(JSON.stringify(' '.repeat(MAX_INFLATED)))).toHaveProperty('p');
    expect(roundTrip(' '.repeat(MAX_INFLATED - 2))).toMatchObject({ kind: 'opened' });
  });

  it.each([{ z: '' }, { z: '%%%' }, { z: deflateRawSync('{').toString('base64url') }, { z: 'AAAA' }])(
    'says that %j is broken',
    (envelope) => {
      expect(open(envelope, 0)).toEqual({ kind: 'broken' });
    },
  );

  it.each([null, undefined, 'text', 7, {}, { z: 1 }, []])('does not know the form of %j', (envelope) => {
    expect(open(envelope, 0)).toEqual({ kind: 'unknown-form' });
  });
});
