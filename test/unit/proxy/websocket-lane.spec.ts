import { beforeEach, describe, expect, it } from '@jest/globals';
import { closeFrame, pingFrame } from '../../../src/proxy/websocket-frames.ts';
import { WebSocketLane, type LaneSource, type LaneTarget } from '../../../src/proxy/websocket-lane.ts';
import { SeededRandom } from '../../support/random.ts';
import { frame, framesOf } from '../../support/websocket-bytes.ts';

const PING = pingFrame('unmasked');
const CLOSE = closeFrame(4401, 'session_revoked', 'unmasked');
const HELLO = frame('hello');

describe('WebSocketLane', () => {
  let flow: string[];
  let written: Buffer[];
  let isFull: boolean;
  let target: { writable: boolean } & LaneTarget;
  let lane: WebSocketLane;

  beforeEach(() => {
    flow = [];
    written = [];
    isFull = false;
    const source: LaneSource = { pause: () => flow.push('pause'), resume: () => flow.push('resume') };
    target = {
      writable: true,
      write: (bytes) => {
        written.push(bytes);
        return !isFull;
      },
    };
    lane = new WebSocketLane(source, target);
  });

  const out = (): Buffer => Buffer.concat(written);

  it('hands on the very chunks that it was given', () => {
    const chunks = [HELLO.subarray(0, 1), HELLO.subarray(1), Buffer.concat([HELLO, HELLO])];
    for (const chunk of chunks) lane.take(chunk);
    expect(written.map((it, at) => it === chunks[at])).toEqual([true, true, true]);
  });

  it('puts a frame in at once between two frames', () => {
    lane.take(HELLO);
    expect(lane.insert(PING)).toBe(true);
    expect(out()).toEqual(Buffer.concat([HELLO, PING]));
  });

  it('puts a frame in behind the frame that is under way, at whatever byte that was cut', () => {
    for (let cut = 1; cut < HELLO.length; cut++) {
      written = [];
      lane.take(HELLO.subarray(0, cut));
      expect(lane.insert(PING)).toBe(false);
      lane.take(Buffer.concat([HELLO.subarray(cut), HELLO]));
      expect(out()).toEqual(Buffer.concat([HELLO, PING, HELLO]));
    }
  });

  it('lets one frame of ours wait at most', () => {
    lane.take(HELLO.subarray(0, 3));
    lane.insert(PING);
    lane.insert(PING);
    lane.take(HELLO.subarray(3));
    expect(out()).toEqual(Buffer.concat([HELLO, PING]));
  });

  it('sends nothing behind a Close of ours, not even the ping that waited', () => {
    lane.take(HELLO.subarray(0, 3));
    lane.insert(PING);
    lane.shut(CLOSE);
    expect(lane.isShut).toBe(false);
    lane.take(Buffer.concat([HELLO.subarray(3), HELLO]));
    lane.take(HELLO);
    expect(lane.insert(PING)).toBe(false);
    lane.shut(CLOSE);
    expect(out()).toEqual(Buffer.concat([HELLO, CLOSE]));
    expect(lane.isShut).toBe(true);
  });

  it('says no Close and no ping where the sender has said Close', () => {
    const own = closeFrame(1000, '', 'unmasked');
    lane.take(own.subarray(0, 2));
    lane.insert(PING);
    lane.take(own.subarray(2));
    lane.insert(PING);
    lane.shut(CLOSE);
    expect(out()).toEqual(own);
    expect(lane.hasClosed).toBe(true);
  });

  it('still notices the sender’s Close when it is shut', () => {
    lane.shut(CLOSE);
    lane.take(closeFrame(1000, '', 'masked'));
    expect(lane.hasClosed).toBe(true);
    expect(out()).toEqual(CLOSE);
  });

  it('pauses the sender once while the receiver is full, and resumes it once', () => {
    isFull = true;
    lane.take(HELLO);
    lane.take(HELLO);
    expect(flow).toEqual(['pause']);
    expect(lane.isPaused).toBe(true);
    lane.resume();
    lane.resume();
    expect(flow).toEqual(['pause', 'resume']);
  });

  it('reads a sender on whose bytes nobody waits any more', () => {
    isFull = true;
    lane.take(HELLO);
    lane.discard();
    lane.take(HELLO);
    expect(flow).toEqual(['pause', 'resume']);
    expect(out()).toEqual(HELLO);
  });

  it('says no Close in the midst of a frame whose sender is gone', () => {
    lane.take(HELLO.subarray(0, 3));
    expect(lane.shutNow(CLOSE)).toBe(false);
    expect(out()).toEqual(HELLO.subarray(0, 3));
  });

  it('says Close at a boundary when the sender is gone', () => {
    lane.take(HELLO);
    expect(lane.shutNow(CLOSE)).toBe(true);
    expect(out()).toEqual(Buffer.concat([HELLO, CLOSE]));
  });

  it('writes nothing to a receiver that has ended', () => {
    target.writable = false;
    lane.take(HELLO);
    lane.insert(PING);
    lane.shut(CLOSE);
    expect(written).toEqual([]);
  });

  it('keeps every frame whole, whenever a frame of ours comes in and however the chunks are cut', () => {
    const random = new SeededRandom(18);
    const mask = Buffer.from([9, 8, 7, 6]);
    const frames = Array.from({ length: 400 }, (_, at) => frame(Buffer.alloc(random.pick([0, 5, 125, 126, 300]), at), { opcode: 2, mask }));
    const bytes = Buffer.concat(frames);
    for (let at = 0; at < bytes.length;) {
      const chunk = bytes.subarray(at, at + 1 + random.integer(random.pick([1, 8, 900])));
      lane.take(chunk);
      at += chunk.length;
      if (random.chance(3)) lane.insert(PING);
    }
    const seen = framesOf(out());
    expect(seen.rest).toBe(0);
    expect(seen.frames.filter(({ opcode }) => opcode === 9).length).toBeGreaterThan(50);
    const passed = seen.frames.filter(({ opcode }) => opcode === 2).map(({ payload }) => payload);
    expect(Buffer.concat(passed)).toEqual(Buffer.concat(framesOf(bytes).frames.map(({ payload }) => payload)));
  });
});
