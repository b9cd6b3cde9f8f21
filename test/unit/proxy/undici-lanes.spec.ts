import { beforeEach, describe, expect, it } from '@jest/globals';
import type { UndiciLane } from '../../../src/proxy/undici-lane.ts';
import { UndiciLanes, type LaneUser } from '../../../src/proxy/undici-lanes.ts';

const aTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the connections to one upstream', () => {
  let lanes: UndiciLanes;
  let begun: string[];
  let laneOf: Map<string, UndiciLane>;

  beforeEach(() => {
    const dial = (): never => {
      throw new Error('nothing is sent here');
    };
    lanes = new UndiciLanes({ origin: 'http://127.0.0.1:1', dial, maxHeaderSize: 1024 }, 2);
    begun = [];
    laneOf = new Map();
  });

  const user = (name: string, isWanted = true): LaneUser => ({
    begin: (lane) => {
      if (isWanted) begun.push(name);
      laneOf.set(name, lane);
      return isWanted;
    },
  });
  const of = (name: string): UndiciLane => {
    const lane = laneOf.get(name);
    if (lane === undefined) throw new Error(`${name} has none`);
    return lane;
  };

  it('are given at once as long as there may be more', () => {
    lanes.take(user('a'));
    lanes.take(user('b'));
    lanes.take(user('c'));
    expect(begun).toEqual(['a', 'b']);
    expect(of('a')).not.toBe(of('b'));
  });

  it('are used again, the last one first', () => {
    lanes.take(user('a'));
    lanes.take(user('b'));
    lanes.give(of('b'));
    lanes.give(of('a'));
    lanes.take(user('c'));
    lanes.take(user('d'));
    expect([of('c') === of('a'), of('d') === of('b')]).toEqual([true, true]);
  });

  it('are waited for in order, and nobody overtakes', async () => {
    for (const name of ['a', 'b', 'c', 'd']) lanes.take(user(name));
    lanes.give(of('a'));
    lanes.take(user('e'));
    await aTick();
    expect(begun).toEqual(['a', 'b', 'c']);
    lanes.drop(of('b')); // a new one takes its place
    await aTick();
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
    expect(of('d')).not.toBe(of('b'));
    lanes.give(of('c'));
    await aTick();
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('are passed on by whoever does not want one any more', async () => {
    lanes.take(user('a'));
    lanes.take(user('b'));
    for (const name of ['gone', 'gone too']) lanes.take(user(name, false));
    lanes.take(user('c'));
    lanes.give(of('b'));
    await aTick();
    expect([begun, of('c') === of('b')]).toEqual([['a', 'b', 'c'], true]);
  });

  it('are new for another attempt, and count like the one that it replaces', async () => {
    lanes.take(user('a'));
    lanes.take(user('b'));
    lanes.drop(of('a'));
    lanes.takeNew(user('a again'));
    expect(of('a again')).not.toBe(of('a'));
    lanes.take(user('c'));
    await aTick();
    expect(begun).toEqual(['a', 'b', 'a again']);
  });

  describe('when all is to end', () => {
    it('are closed at once when nobody uses them', async () => {
      await lanes.close();
      lanes.take(user('a'));
      lanes.give(of('a'));
      await lanes.close();
    });

    it('wait for those who use them, and for those who wait', async () => {
      for (const name of ['a', 'b', 'c']) lanes.take(user(name));
      let isClosed = false;
      const closed = lanes.close().then(() => (isClosed = true));
      lanes.give(of('a'));
      await aTick();
      lanes.drop(of('b'));
      await aTick();
      expect([begun, isClosed]).toEqual([['a', 'b', 'c'], false]);
      lanes.give(of('c'));
      await closed;
    });
  });
});
