import { describe, expect, it } from '@jest/globals';
import { closeFrame, FrameReader, pingFrame } from '../../../src/proxy/websocket-frames.ts';
import { SeededRandom } from '../../support/random.ts';
import { closeText, frame, framesOf, MASK } from '../../support/websocket-bytes.ts';

const CASES: readonly (readonly [string, Buffer])[] = [
  ['an empty frame', frame('')],
  ['an empty masked frame', frame('', { mask: MASK })],
  ['a short frame', frame('hello')],
  ['a masked frame', frame('hello', { mask: MASK })],
  ['the longest 7-bit length', frame(Buffer.alloc(125, 0x88), { mask: MASK })],
  ['the shortest 16-bit length', frame(Buffer.alloc(126, 0x88))],
  ['the longest 16-bit length', frame(Buffer.alloc(65_535, 0x88), { mask: MASK })],
  ['the shortest 64-bit length', frame(Buffer.alloc(65_536, 0x88))],
  ['a 16-bit length that says 0', frame('', { lengthBytes: 2 })],
  ['a 64-bit length that says 0, masked', frame('', { lengthBytes: 8, mask: MASK })],
  ['a 64-bit length that says 3', frame('abc', { lengthBytes: 8 })],
  ['a fragment', frame('part', { fin: false, opcode: 2 })],
  ['a payload that looks like a Close', frame(Buffer.concat([frame('', { opcode: 8 }), frame('', { opcode: 8 })]))],
];

describe('FrameReader', () => {
  it.each(CASES)('is at a boundary only before and behind %s, at whatever byte it is cut', (_name, bytes) => {
    const cuts = bytes.length > 300 ? [1, 2, 3, 4, 9, 10, 13, 14, bytes.length - 1] : Array.from(bytes, (_byte, at) => at).slice(1);
    for (const cut of cuts) {
      const reader = new FrameReader();
      expect(reader.atBoundary).toBe(true);
      reader.read(bytes.subarray(0, cut));
      expect([cut, reader.atBoundary]).toEqual([cut, false]);
      reader.read(bytes.subarray(cut));
      expect([cut, reader.atBoundary]).toEqual([cut, true]);
    }
  });

  it.each(CASES)('reads %s byte by byte', (_name, bytes) => {
    const reader = new FrameReader();
    for (let at = 0; at < bytes.length - 1; at++) {
      reader.read(bytes.subarray(at, at + 1));
      if (reader.atBoundary) throw new Error(`a boundary behind byte ${String(at)}`);
    }
    reader.read(bytes.subarray(-1));
    expect(reader.atBoundary).toBe(true);
    expect(reader.hasClosed).toBe(false);
  });

  it('stops at the first boundary behind where it stands', () => {
    const first = frame('one');
    const reader = new FrameReader();
    reader.read(first.subarray(0, 3));
    const rest = Buffer.concat([first.subarray(3), frame('two')]);
    expect(reader.readToBoundary(rest)).toBe(2);
    expect(reader.readToBoundary(rest, 2)).toBe(2);
    expect(reader.atBoundary).toBe(true);
  });

  it('finds no boundary in the midst of a payload', () => {
    const reader = new FrameReader();
    reader.read(frame(Buffer.alloc(1_000)).subarray(0, 10));
    expect(reader.readToBoundary(Buffer.alloc(500))).toBe(500);
    expect(reader.atBoundary).toBe(false);
  });

  it('knows of a Close once the whole of it has passed', () => {
    const close = frame(Buffer.from([3, 0xe8]), { opcode: 8, mask: MASK });
    const reader = new FrameReader();
    reader.read(frame('text'));
    reader.read(close.subarray(0, -1));
    expect(reader.hasClosed).toBe(false);
    reader.read(close.subarray(-1));
    expect(reader.hasClosed).toBe(true);
    reader.read(frame('though nothing may follow'));
    expect(reader.hasClosed).toBe(true);
  });

  it('never comes to the end of a frame whose length has the forbidden highest bit', () => {
    const reader = new FrameReader();
    reader.read(Buffer.from([0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255]));
    for (let i = 0; i < 100; i++) reader.read(Buffer.alloc(65_536));
    expect(reader.atBoundary).toBe(false);
  });

  it('finds the same boundaries as the sender made, for random frames in random chunks', () => {
    const random = new SeededRandom(12);
    for (let round = 0; round < 300; round++) {
      const frames = Array.from({ length: 1 + random.integer(8) }, () => randomFrame(random));
      const ends = new Set<number>();
      let total = 0;
      for (const one of frames) ends.add((total += one.length));
      const bytes = Buffer.concat(frames);
      const reader = new FrameReader();
      for (let at = 0; at < bytes.length;) {
        const chunk = bytes.subarray(at, at + 1 + random.integer(random.pick([1, 3, 20, 70_000])));
        const found = reader.readToBoundary(chunk);
        if (reader.atBoundary && found > 0 && !ends.has(at + found))
          throw new Error(`round ${String(round)}: no frame ends at ${String(at + found)}`);
        reader.read(chunk, found);
        at += chunk.length;
        expect([round, at, reader.atBoundary]).toEqual([round, at, ends.has(at)]);
      }
    }
  });
});

function randomFrame(random: SeededRandom): Buffer {
  const payload = Buffer.alloc(random.pick([0, 1, random.integer(125), 125, 126, 127, random.integer(70_000)]), random.integer(256));
  const opcode = random.pick([0, 1, 2, 9, 10]);
  return frame(payload, { opcode, fin: random.chance(2), ...(random.chance(2) ? { mask: MASK } : {}) });
}

describe('control frames of ours', () => {
  it('are pings without payload, masked towards a server with a new key each time', () => {
    expect(framesOf(pingFrame('unmasked'))).toEqual({ frames: [{ opcode: 9, isMasked: false, payload: Buffer.alloc(0) }], rest: 0 });
    const masked = pingFrame('masked');
    expect(framesOf(masked)).toEqual({ frames: [{ opcode: 9, isMasked: true, payload: Buffer.alloc(0) }], rest: 0 });
    expect(new Set(Array.from({ length: 20 }, () => pingFrame('masked').toString('hex'))).size).toBeGreaterThan(1);
  });

  it.each(['masked', 'unmasked'] as const)('are %s Closes with code and reason', (masking) => {
    const { frames, rest } = framesOf(closeFrame(4401, 'session_revoked', masking));
    expect(rest).toBe(0);
    expect(frames.map(({ opcode, isMasked, payload }) => [opcode, isMasked, closeText(payload)])).toEqual([
      [8, masking === 'masked', '4401 session_revoked'],
    ]);
  });

  it('may have no reason', () => {
    expect(closeFrame(1001, '', 'unmasked')).toEqual(Buffer.from([0x88, 2, 0x03, 0xe9]));
  });
});
