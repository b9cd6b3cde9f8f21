import { describe, expect, it } from '@jest/globals';

import type { RefreshOutcome } from '../../../src/oidc/identity-provider.ts';
import type { Freshness } from '../../../src/tokens/freshness.ts';
import type { Session } from '../../../src/session/session.ts';
import { settled } from '../../support/manual-clock.ts';
import { notSent, RefreshWorld, SECOND } from './refresh-world.ts';

const OVERLOADED = { kind: 'unavailable', code: 'overloaded', retryAfter: 1 };
const throttled = (retryAfter: number): RefreshOutcome => ({ kind: 'throttled', retryAfter });

/** Sessions of different users, all over. */
async function users(world: RefreshWorld, count: number): Promise<Session[]> {
  const sessions = Array.from({ length: count }, (_, at) => world.login(`user-${String(at)}`));
  await world.expired('last');
  return sessions;
}

/** A world whose provider is busy with one grant, and sessions whose requests wait for their turn. */
async function crowd(count: number, policy: ConstructorParameters<typeof RefreshWorld>[0] = {}) {
  const world = new RefreshWorld({ maxInFlight: 1, ...policy });
  const sessions = await users(world, count + 1);
  world.provider.hold();
  const answers = sessions.map((session) => Promise.resolve(world.refresher.fresh(world.present(session))));
  await settled();
  return { world, first: at(answers, 0), waiting: answers.slice(1), sessions: sessions.slice(1) };
}

function at<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new Error(`there is no number ${String(index)}`);
  return value;
}

async function kindsOf(answers: readonly Promise<Freshness>[]): Promise<string[]> {
  return (await Promise.all(answers)).map((answer) => (answer.kind === 'unavailable' ? answer.code : answer.kind));
}

describe('more refreshes than may be under way at once', () => {
  it('come in the order of arrival, and take their lease only when their turn comes', async () => {
    const world = new RefreshWorld({ maxInFlight: 2 });
    const sessions = await users(world, 6);
    world.provider.hold();
    const answers = sessions.map((session) => world.request(session));
    await settled();
    expect([world.provider.refreshes.length, world.head.claims.length]).toEqual([2, 2]);
    world.provider.answer();
    expect(await kindsOf(answers)).toEqual(Array(6).fill('usable'));
    expect(world.provider.refreshes.map(({ sub }) => sub)).toEqual(sessions.map(({ sub }) => sub));
    expect([world.head.claims.length, world.head.released, world.provider.reuses]).toEqual([6, 0, 0]);
  });

  it('are one refresh for each session, however many of its requests wait', async () => {
    const { world, sessions, waiting } = await crowd(1);
    const more = Array.from({ length: 20 }, () => world.request(at(sessions, 0)));
    world.provider.answer();
    expect(await kindsOf([...waiting, ...more])).toEqual(Array(21).fill('usable'));
    expect([world.provider.refreshes.length, world.head.claims.length]).toEqual([2, 2]);
  });

  it('are told after ten seconds to come again, and find their place in the queue kept', async () => {
    const { world, sessions, waiting } = await crowd(2);
    await world.clock.advance(10 * SECOND);
    expect(await Promise.all(waiting)).toEqual([OVERLOADED, OVERLOADED]);
    // The second comes back first, and still has its turn after the other.
    const again = [at(sessions, 1), at(sessions, 0)].map((session) => world.request(session));
    world.provider.answer();
    expect(await kindsOf(again)).toEqual(['usable', 'usable']);
    expect(world.provider.refreshes.slice(1).map(({ sub }) => sub)).toEqual(['user-1', 'user-2']);
    expect(world.head.claims.length).toBe(3);
  });

  it('give up their place after half a minute', async () => {
    const { world, sessions } = await crowd(1);
    await world.clock.advance(30 * SECOND);
    expect(world.refresher.fresh(world.present(at(sessions, 0)))).toEqual({ ...OVERLOADED });
    await world.clock.advance(SECOND);
    world.provider.answer();
    expect(await world.request(at(sessions, 0))).toMatchObject({ kind: 'usable', session: { generation: 2 } });
  });

  it('are told to come again at once where the queue is full', async () => {
    const { world, waiting } = await crowd(21);
    expect(await at(waiting, 20)).toEqual(OVERLOADED);
    world.provider.answer();
    expect(await kindsOf(waiting)).toEqual([...Array<string>(20).fill('usable'), 'overloaded']);
  });

  it('never keep a request waiting whose token is still good', async () => {
    const { world } = await crowd(3);
    const early = world.login('early', { accessTokenExpiresAt: world.clock.now() + SECOND, refreshedAt: world.clock.now() - 60 * SECOND });
    for (let i = 0; i < 3; i++) expect(world.refresher.fresh(world.present(early))).toEqual({ kind: 'usable', session: early });
    world.provider.answer();
    await world.refresher.idle();
    expect(world.provider.refreshes.map(({ sub }) => sub)).not.toContain('early');
    expect(await world.request(early)).toMatchObject({ session: { generation: 2 } });
  });

  it('leave their turn to others while somebody else holds their lease', async () => {
    const world = new RefreshWorld({ maxInFlight: 1 });
    const [alice, bob] = [world.login('alice'), await world.expired('bob')];
    await world.memory.claim(alice, 4 * SECOND);
    const first = world.request(alice);
    await settled();
    expect(await world.request(bob)).toMatchObject({ kind: 'usable', session: { accessToken: 'at:bob:2' } });
    await world.clock.advance(4 * SECOND);
    expect(await first).toMatchObject({ kind: 'usable', session: { accessToken: 'at:alice:2' } });
  });

  it('learn at once when the provider turns out to be down, and take no lease', async () => {
    const { world, first, waiting } = await crowd(5, { breaker: { failures: 1, pause: 10 * SECOND } });
    world.provider.refresh = async () => notSent;
    const claims = world.head.claims.length;
    // The one under way was granted, the next one finds out.
    world.provider.answer();
    expect(await kindsOf([first, ...waiting])).toEqual(['usable', ...Array<string>(5).fill('provider_unavailable')]);
    expect(world.head.claims.length).toBe(claims + 1);
    expect(await waiting[4]).toMatchObject({ retryAfter: 10 });
  });

  it('that are given back without a grant let others find out whether a provider is up again', async () => {
    const world = new RefreshWorld({ breaker: { failures: 1, pause: SECOND } });
    const [alice, bob, carol] = await users(world, 3);
    if (alice === undefined || bob === undefined || carol === undefined) throw new Error('three users were made');
    world.provider.script(notSent, notSent);
    await world.request(alice);
    await world.clock.advance(SECOND);
    world.head.script.push({ kind: 'superseded', generation: 2 });
    expect((await world.request(bob)).kind).toBe('rejected');
    expect((await world.request(carol)).kind).toBe('usable');
  });

  it('give their turn back when their lease cannot be asked for', async () => {
    const world = new RefreshWorld({ maxInFlight: 1 });
    const session = await world.expired();
    world.head.script.push(new Error('a bug'));
    expect((await world.request(session)).kind).toBe('unavailable');
    await world.clock.advance(SECOND);
    expect((await world.request(session)).kind).toBe('usable');
  });
});

describe('a session that waits for its turn', () => {
  it('does not keep its logout waiting, and gets no grant', async () => {
    const { world, sessions, waiting } = await crowd(1);
    const session = at(sessions, 0);
    await world.revocations.add({ cause: 'logout', sid: session.sid, until: session.endsAt });
    expect(await world.refresher.settle({ session })).toBe(session);
    expect(await waiting[0]).toEqual({ kind: 'rejected', reason: 'revoked', cause: 'logout' });
    world.provider.answer();
    await world.refresher.idle();
    expect(world.provider.refreshes.map(({ sub }) => sub)).toEqual(['user-0']);
  });

  it('is told to come again when the process stops, and only what is under way is waited for', async () => {
    const { world, first, waiting } = await crowd(3);
    const closed = world.refresher.close();
    expect(await Promise.all(waiting)).toEqual(Array(3).fill(OVERLOADED));
    world.provider.answer();
    await closed;
    expect(await first).toMatchObject({ kind: 'usable' });
    expect(world.provider.refreshes.length).toBe(1);
  });
});

describe('a provider that says that it is asked too often', () => {
  async function told(retryAfter: number): Promise<{ world: RefreshWorld; bob: Session }> {
    const world = new RefreshWorld();
    const bob = world.login('bob');
    const alice = await world.expired();
    world.provider.script(throttled(retryAfter));
    expect(await world.request(alice)).toEqual({ kind: 'unavailable', code: 'provider_unavailable', retryAfter });
    return { world, bob };
  }

  it.each([
    [2, 2],
    [3600, 10],
  ])('%i seconds is left alone for %i by everybody, and those who waited go on then', async (named, kept) => {
    const { world, bob } = await told(named);
    const answer = world.request(bob);
    await world.clock.advance(kept * SECOND - 1);
    expect([world.provider.refreshes.length, world.head.claims.length]).toEqual([1, 1]);
    await world.clock.advance(1);
    expect((await answer).kind).toBe('usable');
    expect(world.provider.refreshes.map(({ sub }) => sub)).toEqual(['alice', 'bob']);
    expect(await world.request(bob)).toMatchObject({ session: { accessToken: 'at:bob:2' } });
  });

  it('is left alone for a second when it names no time', async () => {
    const world = new RefreshWorld();
    const bob = world.login('bob');
    const alice = await world.expired();
    world.provider.script({ kind: 'throttled', retryAfter: 5, assumed: true });
    expect(await world.request(alice)).toMatchObject({ kind: 'unavailable', retryAfter: 5 });
    const answer = world.request(bob);
    await world.clock.advance(SECOND - 1);
    expect(world.provider.refreshes.length).toBe(1);
    await world.clock.advance(1);
    expect(await answer).toMatchObject({ kind: 'usable', session: { accessToken: 'at:bob:2' } });
  });

  it('leaves everybody usable whose token is still good', async () => {
    const { world, bob } = await told(5);
    const early = { ...bob, accessTokenExpiresAt: world.clock.now() + SECOND };
    expect(world.refresher.fresh(world.present(early))).toEqual({ kind: 'usable', session: early });
  });

  it('is no provider that is down', async () => {
    const world = new RefreshWorld({ breaker: { failures: 2, pause: 60 * SECOND } });
    const sessions = await users(world, 6);
    world.provider.script(...Array<RefreshOutcome>(5).fill(throttled(1)));
    for (const session of sessions) {
      await world.request(session);
      await world.clock.advance(SECOND);
    }
    expect(world.logger.of('provider_circuit_opened')).toEqual([]);
    expect(world.provider.refreshes.length).toBe(6);
  });
});
