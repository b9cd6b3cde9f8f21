import { describe, expect, it } from '@jest/globals';

import { StoreUnavailableError } from '../../src/kernel/store-unavailable.ts';
import { CoordinatedSessionHead, type SharedSessionHead } from '../../src/session/coordinated-session-head.ts';
import { MemorySessionHead } from '../../src/session/memory-session-head.ts';
import type { Claimant, Head } from '../../src/session/session-head.ts';
import { UnsharedWords } from '../../src/session/unshared-words.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { describeSessionHead, HEAD_TIMES } from './session-head.contract.ts';

const LEASE = 5000;
const HOUR = 3_600_000;
const SURE_FOR = HEAD_TIMES.confirmAfter + HEAD_TIMES.handover;

/** A store that replicas share, as far as these tests go: it can be away, and it can lose everything. */
class Store implements SharedSessionHead {
  readonly #clock: ManualClock;
  #inner: MemorySessionHead;
  away = false;
  /** It says that it has never heard of the sessions that it is asked for. */
  isEmpty = false;
  /** Sessions whose words it does not take. */
  refuses: RegExp | undefined;
  begunAt = 1;
  readonly asked: string[] = [];

  constructor(clock: ManualClock) {
    this.#clock = clock;
    this.#inner = this.#empty();
  }

  flush(): void {
    this.#inner = this.#empty();
  }

  #empty(): MemorySessionHead {
    return new MemorySessionHead({ clock: this.#clock, ...HEAD_TIMES, memory: 1 << 20 });
  }

  async #ask<T>(what: string, answer: (inner: MemorySessionHead) => Promise<T>): Promise<T> {
    this.asked.push(what);
    if (this.away) throw new StoreUnavailableError('down', false);
    return answer(this.#inner);
  }

  claim = (claimant: Claimant, lease: number) =>
    this.#ask('claim', async (it) => ({ ...(await it.claim(claimant, lease)), ...(this.isEmpty && { unknown: true }) }));
  spending = (sid: string, generation: number, lease: number) => this.#ask('spending', (it) => it.spending(sid, generation, lease));
  publish = (...args: Parameters<MemorySessionHead['publish']>) => this.#ask('publish', (it) => it.publish(...args));
  confirm = (sid: string, generation: number) => this.#ask('confirm', (it) => it.confirm(sid, generation));
  release = (...args: Parameters<MemorySessionHead['release']>) => this.#ask('release', (it) => it.release(...args));
  forget = (sid: string) => this.#ask('forget', (it) => it.forget(sid));
  restore = (sid: string, head: Head, endsAt: number) =>
    this.#ask('restore', async (it) => {
      if (this.refuses?.test(sid) === true) throw new Error('refused');
      it.learn(sid, head, endsAt);
    });
  begun = () => this.#ask('begun', () => Promise.resolve(this.begunAt));
  peek = (sid: string) => this.#ask('peek', (it) => Promise.resolve(it.newest(sid)));
}

class World {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly store = new Store(this.clock);
  alone = false;

  replica() {
    const { clock, logger, store: shared } = this;
    const local = new MemorySessionHead({ clock, ...HEAD_TIMES, memory: 1 << 20 });
    const unshared = new UnsharedWords({ shared, clock, timer: clock, logger });
    const head = new CoordinatedSessionHead({ shared, local, unshared, mayGoOnAlone: () => this.alone, clock, sureFor: SURE_FOR, logger });
    return { head, local, unshared };
  }

  claimant(generation = 1, sid = 'a'): Claimant {
    return { sid, generation, endsAt: this.clock.now() + HOUR };
  }
}

describeSessionHead('CoordinatedSessionHead', () => {
  const world = new World();
  const { head } = world.replica();
  const { clock } = world;
  return { head, newest: (sid) => head.newest(sid), now: () => clock.now(), advance: (ms) => clock.set(clock.now() + ms) };
});

describe('replicas', () => {
  it('take the ticket of whoever was first, and know it from then on without a question', async () => {
    const world = new World();
    const [one, two] = [world.replica().head, world.replica().head];
    expect(await one.claim(world.claimant(), LEASE)).toMatchObject({ kind: 'granted' });
    expect(await two.claim(world.claimant(), LEASE)).toMatchObject({ kind: 'busy' });
    await one.publish('a', 2, 'ticket', world.clock.now() + HOUR);
    expect(await two.claim(world.claimant(), LEASE)).toMatchObject({ kind: 'newer', generation: 2, ticket: 'ticket' });
    world.store.asked.length = 0;
    expect(two.newest('a')).toMatchObject({ generation: 2, ticket: 'ticket' });
    expect(await two.claim(world.claimant(), LEASE)).toMatchObject({ kind: 'newer', generation: 2, ticket: 'ticket' });
    expect(world.store.asked).toEqual([]);
  });

  it('ask two things for a refresh that somebody waits for', async () => {
    const world = new World();
    const { head } = world.replica();
    await head.claim(world.claimant(), LEASE);
    await head.spending('a', 1, LEASE);
    await head.publish('a', 2, 'ticket', world.clock.now() + HOUR);
    expect(world.store.asked).toEqual(['claim', 'spending', 'publish']);
  });

  it('ask whether the browser has the ticket when they cannot know by themselves, and keep the answer', async () => {
    const world = new World();
    const [one, two] = [world.replica().head, world.replica().head];
    await one.claim(world.claimant(), LEASE);
    await one.publish('a', 2, 'ticket', world.clock.now() + HOUR);
    const head = { generation: 2, ticket: 'ticket', setAt: world.clock.now() };
    expect(one.newest('a')).toEqual(head);
    world.clock.set(world.clock.now() + SURE_FOR - 1);
    expect(one.current('a', head)).toBe(head);
    world.clock.set(world.clock.now() + 1);
    expect(await one.current('a', head)).toEqual(head);

    const confirmedAt = world.clock.now();
    await two.confirm('a', 2);
    expect(await one.current('a', head)).toEqual({ ...head, confirmedAt });
    world.store.asked.length = 0;
    expect(one.newest('a')).toEqual({ ...head, confirmedAt });
    world.clock.set(confirmedAt + HEAD_TIMES.handover);
    expect(one.newest('a')).toEqual({ generation: 2, setAt: head.setAt, confirmedAt });
    expect(world.store.asked).toEqual([]);
  });

  it('hand over what they have when nobody can be asked', async () => {
    const world = new World();
    const { head } = world.replica();
    await head.publish('a', 2, 'ticket', world.clock.now() + HOUR);
    world.clock.set(world.clock.now() + SURE_FOR);
    const known = head.newest('a');
    world.store.away = true;
    expect(known && (await head.current('a', known))).toBe(known);
    world.store.away = false;
    world.store.flush();
    expect(known && (await head.current('a', known))).toBe(known);
  });

  it('learn that a generation is superseded, and keep it', async () => {
    const world = new World();
    const [one, two] = [world.replica().head, world.replica().head];
    await one.claim(world.claimant(), LEASE);
    await one.publish('a', 2, 'ticket', world.clock.now() + HOUR);
    world.clock.set(world.clock.now() + HEAD_TIMES.idle);
    expect(await two.claim(world.claimant(), LEASE)).toEqual({ kind: 'superseded', generation: 2 });
    expect(two.newest('a')).toMatchObject({ generation: 2 });
  });
});

describe('a store that is away', () => {
  it('gives no lease where a second use of a token ends the session', async () => {
    const world = new World();
    const { head } = world.replica();
    world.store.away = true;
    expect(await head.claim(world.claimant(), LEASE)).toEqual({ kind: 'unavailable', retryAfter: 1 });
    world.store.away = false;
    expect(await head.claim(world.claimant(), LEASE)).toMatchObject({ kind: 'granted' });
    expect(world.logger.lines).toEqual([]);
  });

  it('leaves the process to itself where it does not, with one line for each outage', async () => {
    const world = new World();
    world.alone = true;
    const { head } = world.replica();
    world.store.away = true;
    for (const sid of ['a', 'b']) expect(await head.claim(world.claimant(1, sid), LEASE)).toMatchObject({ kind: 'granted' });
    expect(await head.claim(world.claimant(), LEASE)).toMatchObject({ kind: 'busy' });
    expect(await head.spending('a', 1, LEASE)).toBe(true);
    await head.release('a', 1, true);
    expect(await head.claim(world.claimant(), LEASE)).toMatchObject({ kind: 'granted', doubt: { abandoned: false } });
    expect(world.logger.of('refresh_uncoordinated')).toHaveLength(1);
    world.store.away = false;
    await head.claim(world.claimant(1, 'c'), LEASE);
    world.store.away = true;
    await head.claim(world.claimant(1, 'd'), LEASE);
    expect(world.logger.of('refresh_uncoordinated')).toHaveLength(2);
  });

  it('gets what was made meanwhile as soon as it is back, the newest of each session', async () => {
    const world = new World();
    const { head, unshared } = world.replica();
    const endsAt = world.clock.now() + HOUR;
    await head.claim(world.claimant(), LEASE);
    world.store.away = true;
    await head.publish('a', 2, 'two', endsAt);
    await head.publish('a', 3, 'three', endsAt);
    await head.publish('b', 2, 'b-two', endsAt);
    expect(head.newest('a')).toMatchObject({ generation: 3, ticket: 'three' });
    expect(world.logger.of('shared_store_behind')).toHaveLength(1);
    await world.clock.advance(10_000);
    expect(unshared.size).toBe(2);
    world.store.away = false;
    await world.clock.advance(1000);
    expect([unshared.size, world.clock.pending]).toEqual([0, 0]);
    const other = world.replica().head;
    expect(await other.claim(world.claimant(), LEASE)).toMatchObject({ kind: 'newer', generation: 3, ticket: 'three' });
    expect(await other.claim(world.claimant(1, 'b'), LEASE)).toMatchObject({ kind: 'newer', ticket: 'b-two' });
    expect(world.logger.of('shared_store_caught_up')).toHaveLength(1);
  });

  it('does not get what has ended meanwhile, or was logged out', async () => {
    const world = new World();
    const { head, unshared } = world.replica();
    world.store.away = true;
    await head.publish('a', 2, 'two', world.clock.now() + 2000);
    await head.publish('b', 2, 'two', world.clock.now() + HOUR);
    await expect(head.forget('b')).rejects.toMatchObject({ code: 'store_unavailable' });
    await world.clock.advance(3000);
    expect([unshared.size, world.store.asked.filter((it) => it === 'restore').length]).toEqual([0, 3]);
  });

  it('learns when it is back that a lease was given back meanwhile, and with which doubt', async () => {
    const world = new World();
    const { head, unshared } = world.replica();
    for (const sid of ['a', 'b']) {
      await head.claim(world.claimant(1, sid), LEASE);
      await head.spending(sid, 1, LEASE);
    }
    world.store.away = true;
    await head.release('a', 1);
    await head.release('b', 1, true);
    expect(unshared.size).toBe(2);
    world.store.away = false;
    await head.storeIsBack();
    expect(unshared.size).toBe(0);
    const other = world.replica().head;
    expect(await other.claim(world.claimant(1, 'a'), LEASE)).not.toHaveProperty('doubt');
    expect(await other.claim(world.claimant(1, 'b'), LEASE)).toMatchObject({ kind: 'granted', doubt: { abandoned: false } });
  });

  it('learns of a ticket and of the lease that was given back after it', async () => {
    const world = new World();
    world.alone = true;
    const { head, unshared } = world.replica();
    await head.claim(world.claimant(), LEASE);
    world.store.away = true;
    await head.publish('a', 2, 'two', world.clock.now() + HOUR);
    await head.release('a', 2, true);
    expect(unshared.size).toBe(2);
    world.store.away = false;
    await head.storeIsBack();
    expect(await world.replica().head.claim(world.claimant(), LEASE)).toMatchObject({ kind: 'newer', ticket: 'two' });
  });

  it('does not learn that a lease was given back when the process has taken another one since', async () => {
    const world = new World();
    const { head, unshared } = world.replica();
    await head.claim(world.claimant(), LEASE);
    world.store.away = true;
    await head.release('a', 1);
    world.clock.set(world.clock.now() + LEASE);
    world.store.away = false;
    expect(await head.claim(world.claimant(), LEASE)).toMatchObject({ kind: 'granted' });
    await unshared.catchUp();
    expect(await world.replica().head.claim(world.claimant(), LEASE)).toMatchObject({ kind: 'busy' });
  });

  it('is given three seconds to learn it: until then nobody takes a sender for vanished', async () => {
    const world = new World();
    const [sender, other] = [world.replica().head, world.replica().head];
    await sender.claim(world.claimant(), LEASE);
    await sender.spending('a', 1, LEASE);
    world.store.away = true;
    world.clock.set(world.clock.now() + 10 * LEASE);
    world.store.away = false;
    await other.storeIsBack();
    const until = world.clock.now() + 3000;
    expect(await other.claim(world.claimant(), LEASE)).toEqual({ kind: 'busy', until });
    expect(await other.claim(world.claimant(), LEASE)).toEqual({ kind: 'busy', until });
    world.clock.set(until);
    expect(await other.claim(world.claimant(), LEASE)).toMatchObject({ kind: 'granted', doubt: { abandoned: true } });
  });

  it('is no reason to fail for what nobody waits for', async () => {
    const world = new World();
    const { head } = world.replica();
    world.store.away = true;
    await head.confirm('a', 2);
    expect(await head.spending('a', 1, LEASE)).toBe(false);
  });
});

describe('a store that has forgotten', () => {
  const both = async (world: World) => {
    const { head } = world.replica();
    const endsAt = world.clock.now() + HOUR;
    await head.publish('number', 2, 'ticket', endsAt);
    await head.publish('confirmed', 2, 'ticket', endsAt);
    world.clock.set(world.clock.now() + HEAD_TIMES.confirmAfter);
    await head.confirm('number', 2);
    world.clock.set(world.clock.now() + HEAD_TIMES.handover);
    await head.confirm('confirmed', 2);
    await head.publish('ticket', 2, 'ticket', endsAt);
    return head;
  };

  it('learns numbers and confirmations again too, each with its age', async () => {
    const world = new World();
    const head = await both(world);
    world.store.flush();
    await head.storeIsBack();
    await world.clock.advance(1000);
    const other = world.replica().head;
    expect(await other.claim(world.claimant(1, 'number'), LEASE)).toEqual({ kind: 'superseded', generation: 2 });
    expect(await other.claim(world.claimant(1, 'confirmed'), LEASE)).toMatchObject({ kind: 'newer', confirmedAt: expect.any(Number) });
    expect(await other.claim(world.claimant(1, 'ticket'), LEASE)).toMatchObject({ kind: 'newer' });
  });

  it('without going away is found out by the next refresh', async () => {
    const world = new World();
    const head = await both(world);
    world.store.flush();
    world.store.isEmpty = true;
    expect(await head.claim(world.claimant(2, 'ticket'), LEASE)).toMatchObject({ kind: 'granted' });
    await head.release('ticket', 2);
    world.store.isEmpty = false;
    await world.clock.advance(1000);
    expect(await world.replica().head.claim(world.claimant(1, 'number'), LEASE)).toEqual({ kind: 'superseded', generation: 2 });
    expect(world.logger.of('store_was_emptied')).toHaveLength(1);
  });

  it('without going away is found out by looking at it', async () => {
    const world = new World();
    const head = await both(world);
    await head.lookAtStore();
    world.store.flush();
    await head.lookAtStore();
    expect(world.logger.of('store_was_emptied')).toHaveLength(0);
    world.store.begunAt = 2;
    await head.lookAtStore();
    await world.clock.advance(1000);
    expect(await world.replica().head.claim(world.claimant(1, 'number'), LEASE)).toEqual({ kind: 'superseded', generation: 2 });
    expect(world.logger.of('store_was_emptied')).toHaveLength(1);
  });

  it('one generation of is told that', async () => {
    const world = new World();
    const { head } = world.replica();
    await head.publish('a', 2, 'two', world.clock.now() + HOUR);
    world.clock.set(world.clock.now() + 120_000);
    await head.publish('a', 3, 'three', world.clock.now() + HOUR);
    world.store.flush();
    await world.store.publish('a', 2, 'two', world.clock.now() + HOUR);
    await head.storeIsBack();
    await world.clock.advance(1000);
    expect(await world.replica().head.claim(world.claimant(2), LEASE)).toMatchObject({ kind: 'newer', generation: 3, ticket: 'three' });
  });
});

describe('a process that a browser shows a newer generation', () => {
  it('hands its older one over no more, and asks those who know the newer', async () => {
    const world = new World();
    const [one, two] = [world.replica().head, world.replica().head];
    const endsAt = world.clock.now() + HOUR;
    await one.publish('a', 2, 'two', endsAt);
    await two.publish('a', 3, 'three', endsAt);
    one.outrun({ sid: 'a', generation: 3, refreshedAt: world.clock.now(), endsAt });
    const known = one.newest('a');
    expect(known).toMatchObject({ generation: 3, elsewhere: true });
    expect(known && (await one.current('a', known))).toMatchObject({ generation: 3, ticket: 'three' });
    expect(one.newest('a')).toMatchObject({ generation: 3, ticket: 'three' });
    expect(await one.claim(world.claimant(2), LEASE)).toMatchObject({ kind: 'newer', ticket: 'three' });
  });

  it('knows no ticket while nobody can be asked', async () => {
    const world = new World();
    const { head } = world.replica();
    await head.publish('a', 2, 'two', world.clock.now() + HOUR);
    head.outrun({ sid: 'a', generation: 3, refreshedAt: world.clock.now(), endsAt: world.clock.now() + HOUR });
    world.store.away = true;
    const known = head.newest('a');
    expect(known && (await head.current('a', known))).not.toHaveProperty('ticket');
  });
});

describe('words that a store does not take', () => {
  it('hold up no others', async () => {
    const world = new World();
    const { head, unshared } = world.replica();
    world.store.away = true;
    for (let n = 0; n < 120; n++) await head.publish(`s${String(n)}`, 2, 'ticket', world.clock.now() + HOUR);
    world.store.away = false;
    world.store.refuses = /^s([0-9]|[1-5][0-9])$/;
    await world.clock.advance(5000);
    expect(unshared.size).toBe(60);
    world.store.refuses = undefined;
    await world.clock.advance(1000);
    expect(unshared.size).toBe(0);
  });

  it('are told once more before the process ends', async () => {
    const world = new World();
    const { head, unshared } = world.replica();
    world.store.away = true;
    await head.publish('a', 2, 'two', world.clock.now() + HOUR);
    world.store.away = false;
    await unshared.catchUp();
    expect([unshared.size, world.logger.of('shared_store_caught_up').length]).toEqual([0, 1]);
  });
});

describe('a store that comes back empty', () => {
  it('gets what this process knows, so that nobody spends what is spent', async () => {
    const world = new World();
    const { head } = world.replica();
    for (const sid of ['a', 'b', 'c', 'd']) await head.publish(sid, 2, `ticket-${sid}`, world.clock.now() + HOUR);
    world.store.flush();
    await head.storeIsBack();
    await world.clock.advance(1000);
    const other = world.replica().head;
    for (const sid of ['a', 'b', 'c', 'd']) {
      expect(await other.claim(world.claimant(1, sid), LEASE)).toMatchObject({ kind: 'newer', generation: 2, ticket: `ticket-${sid}` });
    }
    expect(world.logger.of('store_was_emptied').map(({ fields }) => fields)).toEqual([{ heads: 4 }]);
  });

  it('is asked only for a few when it has kept what it had', async () => {
    const world = new World();
    const { head } = world.replica();
    for (let n = 0; n < 20; n++) await head.publish(`s${String(n)}`, 2, 'ticket', world.clock.now() + HOUR);
    world.clock.set(world.clock.now() + 60_000);
    for (let n = 0; n < 2; n++) await head.publish(`late${String(n)}`, 2, 'ticket', world.clock.now() + HOUR);
    world.store.asked.length = 0;
    await head.storeIsBack();
    await world.clock.advance(1000);
    // And reminded of the last minute, which a store that took over from another one may lack.
    expect(world.store.asked).toEqual([...Array.from({ length: 5 }, () => 'peek'), 'restore', 'restore', 'begun']);
    expect(world.logger.lines).toEqual([]);
  });

  it('is left alone when it is away again, and by a process that knows nothing', async () => {
    const world = new World();
    const { head } = world.replica();
    await head.storeIsBack();
    await head.publish('a', 2, 'ticket', world.clock.now() + HOUR);
    world.store.away = true;
    await head.storeIsBack();
    expect(world.logger.lines).toEqual([]);
  });
});
