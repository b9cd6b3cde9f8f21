import { describe, expect, it } from '@jest/globals';

import { mayGoOnAlone } from '../../../src/tokens/going-on-alone.ts';
import { RefreshTokenRotation, type Rotation } from '../../../src/tokens/refresh-token-rotation.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

function rotationOf(known: Rotation, uncoordinated = false) {
  const logger = new RecordingLogger();
  return { rotation: new RefreshTokenRotation({ known, uncoordinated, logger }), logger };
}

describe('what the provider does with refresh tokens', () => {
  it('is learned from what it answers', () => {
    const { rotation } = rotationOf('unknown');
    expect(rotation.seen).toBe('unknown');
    rotation.learn('rt-1', undefined);
    expect(rotation.seen).toBe('static');
    rotation.learn('rt-1', 'rt-1');
    expect(rotation.seen).toBe('static');
    rotation.learn('rt-1', 'rt-2');
    expect(rotation.seen).toBe('rotating');
    rotation.learn('rt-2', undefined);
    expect(rotation.seen).toBe('rotating');
  });

  it('is what is known of it, whatever it answers: at some, older tokens stay good beside the newer', () => {
    const { rotation, logger } = rotationOf('static', true);
    rotation.learn('rt-1', 'rt-2');
    expect([rotation.seen, logger.lines]).toEqual(['static', []]);
  });

  it('is a warning, once, where several processes cannot agree', () => {
    const { rotation, logger } = rotationOf('unknown', true);
    rotation.learn('rt-1', 'rt-1');
    expect(logger.lines).toEqual([]);
    rotation.learn('rt-1', 'rt-2');
    rotation.learn('rt-2', 'rt-3');
    expect(logger.of('refresh_rotation_uncoordinated')).toHaveLength(1);
    expect(JSON.stringify(logger.lines)).not.toContain('rt-');
  });
});

describe('a process that cannot ask the others', () => {
  it.each([
    ['auto', 0, 'unknown', false],
    ['auto', 0, 'rotating', false],
    ['auto', 0, 'static', true],
    ['auto', 4999, 'rotating', false],
    ['auto', 5000, 'rotating', true],
    ['wait', 60_000, 'static', false],
    ['risk', 0, 'rotating', true],
  ] as const)(
    'with %s, a leeway of %i ms and tokens that are %s: goes on alone = %s',
    (withoutCoordination, providerLeeway, seen, expected) => {
      expect(mayGoOnAlone({ withoutCoordination, providerLeeway, rotation: { seen } })).toBe(expected);
    },
  );
});
