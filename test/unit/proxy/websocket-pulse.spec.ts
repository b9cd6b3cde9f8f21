import { beforeEach, describe, expect, it } from '@jest/globals';
import { WebSocketPulse } from '../../../src/proxy/websocket-pulse.ts';

describe('WebSocketPulse', () => {
  let socket: { bytesRead: number; bytesWritten: number; writableLength: number };
  let pulse: WebSocketPulse;

  beforeEach(() => {
    socket = { bytesRead: 100, bytesWritten: 100, writableLength: 0 };
    pulse = new WebSocketPulse(socket);
  });

  /** One interval: what happened before is judged, and the next one begins. */
  const beat = (isOnHold = false, isAsked = true): boolean => {
    const isDead = pulse.isDead(isOnHold);
    pulse.begin(isAsked, isOnHold);
    return isDead;
  };

  it('is not asked to answer before the first ping', () => {
    expect(beat()).toBe(false);
  });

  it('is dead when no byte came in the time after a ping, even if the kernel has taken bytes for it', () => {
    beat();
    socket.bytesWritten += 500;
    expect(beat()).toBe(true);
  });

  it('lives while bytes come', () => {
    beat();
    socket.bytesRead++;
    expect(beat()).toBe(false);
    socket.bytesRead++;
    expect(beat()).toBe(false);
    expect(beat()).toBe(true);
  });

  it('owes no answer to a ping that could not be put in yet', () => {
    beat(false, false);
    expect(beat()).toBe(false);
  });

  it.each([
    ['now', [false, true]],
    ['at the ping', [true, false]],
  ] as const)('cannot be heard while it is on hold %s', (_when, [before, now]) => {
    beat(before);
    expect(beat(now)).toBe(false);
  });

  it('lives while it takes what waits for it', () => {
    socket.writableLength = 50;
    beat();
    for (let i = 0; i < 5; i++) {
      socket.bytesWritten += 10; // as much came as it took
      expect(beat()).toBe(false);
    }
  });

  it('lives when it took everything in between, though more waits now', () => {
    socket.writableLength = 50;
    beat();
    beat();
    pulse.drained();
    expect(beat()).toBe(false);
  });

  it('is dead when it takes nothing of what waits for two intervals, whatever it says', () => {
    socket.writableLength = 50;
    beat();
    socket.bytesRead++;
    expect(beat()).toBe(false);
    socket.bytesRead++;
    expect(beat()).toBe(true);
  });

  it('is not dead of one interval in which it took nothing, on hold or not', () => {
    socket.writableLength = 50;
    beat();
    expect(beat()).toBe(false);
  });

  it('is dead when it takes nothing for two intervals while it is on hold', () => {
    socket.writableLength = 50;
    beat(true);
    expect(beat(true)).toBe(false);
    expect(beat(true)).toBe(true);
  });
});
