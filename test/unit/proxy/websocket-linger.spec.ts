import { beforeEach, describe, expect, it } from '@jest/globals';
import { linger } from '../../../src/proxy/websocket-linger.ts';
import { ManualClock } from '../../support/manual-clock.ts';

class FakeSocket {
  destroyed = false;
  writableLength = 0;

  destroy(): void {
    this.destroyed = true;
  }
}

describe('linger', () => {
  let clock: ManualClock;
  let client: FakeSocket;
  let upstream: FakeSocket;

  beforeEach(() => {
    clock = new ManualClock();
    client = new FakeSocket();
    upstream = new FakeSocket();
  });

  const isOver = (): boolean => client.destroyed && upstream.destroyed;

  it('destroys both after two seconds', async () => {
    linger([client, upstream], clock, true);
    await clock.advance(1_999);
    expect([client.destroyed, upstream.destroyed]).toEqual([false, false]);
    await clock.advance(1);
    expect(isOver()).toBe(true);
  });

  it('waits on while a slow reader takes some of what waits for it, and no longer', async () => {
    client.writableLength = 100;
    linger([client, upstream], clock, true);
    for (const left of [90, 10, 5]) {
      client.writableLength = left;
      await clock.advance(2_000);
      expect([left, isOver()]).toEqual([left, false]);
    }
    await clock.advance(2_000);
    expect(isOver()).toBe(true);
  });

  it('does not take bytes that went with their connection for bytes that were taken', async () => {
    upstream.writableLength = 100;
    upstream.destroyed = true;
    linger([client, upstream], clock, true);
    upstream.writableLength = 0;
    await clock.advance(2_000);
    expect(client.destroyed).toBe(true);
  });

  it('waits for nobody when it is not patient', async () => {
    client.writableLength = 100;
    linger([client, upstream], clock, false);
    client.writableLength = 50;
    await clock.advance(2_000);
    expect(isOver()).toBe(true);
  });

  it('can be given up, at first and later', async () => {
    linger([client, upstream], clock, true)();
    client.writableLength = 100;
    const giveUp = linger([client, upstream], clock, true);
    client.writableLength = 50;
    await clock.advance(2_000);
    giveUp();
    await clock.advance(10_000);
    expect([client.destroyed, clock.pending]).toEqual([false, 0]);
  });
});
