import { describe, expect, it } from '@jest/globals';

import type { SessionHead } from '../../../src/session/session-head.ts';
import { settled } from '../../support/manual-clock.ts';
import { noAnswer, RefreshWorld, SECOND } from './refresh-world.ts';

const STORE_DOWN = { kind: 'unavailable', code: 'store_unavailable', retryAfter: 3 };
const UNAVAILABLE = { kind: 'unavailable', code: 'provider_unavailable', retryAfter: 5 };

describe('a head that cannot be asked', () => {
  const DOWN = { kind: 'unavailable', retryAfter: 3 } as const;

  it('is asked again for ten seconds when the token is over; then it is 503, and no grant', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.head.script.push(...Array.from({ length: 100 }, () => DOWN));
    const answer = world.refresher.fresh({ session });
    await world.clock.advance(10 * SECOND);
    expect(await answer).toEqual(STORE_DOWN);
    await world.refresher.idle();
    expect([world.provider.refreshes.length, world.head.released, world.clock.pending]).toEqual([0, 0, 0]);
  });

  it('says that it is the store, to those who wait and to those who come later', async () => {
    const world = new RefreshWorld({ wait: SECOND });
    const session = await world.expired();
    world.head.script.push(...Array.from({ length: 100 }, () => DOWN));
    const answers = [Promise.resolve(world.refresher.fresh({ session }))];
    await world.clock.advance(500);
    answers.push(Promise.resolve(world.refresher.fresh({ session })));
    await world.clock.advance(SECOND);
    expect(await Promise.all(answers)).toEqual([STORE_DOWN, STORE_DOWN]);
  });

  it('gives the tokens as soon as it can be asked again', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.head.script.push(DOWN, DOWN, DOWN);
    const answer = world.refresher.fresh({ session });
    await world.clock.advance(SECOND);
    expect(await answer).toMatchObject({ kind: 'usable', session: { generation: 2 } });
    expect(world.provider.refreshes.length).toBe(1);
  });

  it('leaves a session usable whose token is still good', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    world.head.script.push({ kind: 'unavailable', retryAfter: 3 });
    expect(await world.refresher.fresh({ session })).toEqual({ kind: 'usable', session });
    expect([world.head.claims, world.provider.refreshes, world.clock.pending]).toEqual([[1], [], 0]);
  });
});

describe('a lease that somebody else holds', () => {
  it('is waited for, and what its holder publishes is taken', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    await world.memory.claim(session, 11 * SECOND);
    const answer = world.refresher.fresh({ session });
    await world.clock.advance(3 * SECOND);
    const next = { ...session, generation: 2, accessToken: 'at:elsewhere', accessTokenExpiresAt: world.clock.now() + 60 * SECOND };
    await world.memory.publish(session.sid, 2, JSON.stringify({ session: next }), session.endsAt);
    await world.clock.advance(SECOND);
    expect(await answer).toMatchObject({ kind: 'usable', session: { accessToken: 'at:elsewhere' } });
    expect(world.provider.refreshes).toEqual([]);
  });

  it('is taken over when it ends without a result', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    await world.memory.claim(session, 4 * SECOND);
    const answer = world.refresher.fresh({ session });
    await world.clock.advance(4 * SECOND);
    expect(await answer).toMatchObject({ kind: 'usable', session: { accessToken: 'at:alice:2' } });
    expect(world.provider.refreshes.length).toBe(1);
  });

  it('ends the waiting of a request after ten seconds, without a grant', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    await world.memory.claim(session, 60 * SECOND);
    const answer = world.refresher.fresh({ session });
    await world.clock.advance(10 * SECOND);
    expect(await answer).toEqual(UNAVAILABLE);
    await world.refresher.idle();
    expect(world.provider.refreshes).toEqual([]);
    expect(world.head.claims.length).toBeLessThan(30);
    expect(world.clock.pending).toBe(0);
  });

  it('outlasts one try and the keys of its holder, and ends before a request has waited too long', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    const leases: number[] = [];
    const claim: SessionHead['claim'] = (_claimant, leaseMs) => {
      leases.push(leaseMs);
      return Promise.resolve({ kind: 'superseded', generation: 2 });
    };
    world.head.claim = claim;
    await world.refresher.fresh({ session });
    expect(leases).toEqual([7 * SECOND]);
  });
});

describe('a ticket of the head', () => {
  async function handed(value: string): Promise<{ world: RefreshWorld; answer: unknown }> {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.head.script.push({ kind: 'newer', generation: 2, ticket: value });
    return { world, answer: await world.refresher.fresh({ session }) };
  }

  it('of another session is never used', async () => {
    const { world, answer } = await handed(JSON.stringify({ session: new RefreshWorld().login('mallory', { generation: 2 }) }));
    expect(answer).toEqual({ ...UNAVAILABLE, code: 'store_unavailable' });
    expect(world.logger.of('head_ticket_unusable').map(({ fields }) => fields)).toEqual([{ reason: 'mismatch' }]);
  });

  it('that is not newer is never used', async () => {
    const { answer } = await handed(JSON.stringify({ session: new RefreshWorld().login('alice') }));
    expect(answer).toEqual({ ...UNAVAILABLE, code: 'store_unavailable' });
  });

  it.each([
    [
      { kind: 'unreadable', reason: 'unknown-key' },
      { ...UNAVAILABLE, code: 'store_unavailable' },
    ],
    [{ kind: 'unavailable', retryAfter: 3 }, STORE_DOWN],
    [{ kind: 'missing' }, { kind: 'rejected', reason: 'revoked' }],
  ] as const)('that the store calls %j means %j', async (loaded, expected) => {
    const world = new RefreshWorld();
    const session = await world.expired();
    const [store, head] = [world.store, world.head];
    store.load = () => loaded;
    head.script.push({ kind: 'newer', generation: 2, ticket: 'x' });
    expect(await world.refresher.fresh({ session })).toEqual(expected);
    expect(world.provider.refreshes).toEqual([]);
  });
});

describe('a bug', () => {
  it('of the provider adapter is a 503, one error in the log without its message, and a released lease', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(new TypeError('rt:alice:1 is not a function'));
    const answers = await Promise.all(Array.from({ length: 3 }, () => world.request(session)));
    expect(answers).toEqual(Array(3).fill(UNAVAILABLE));
    expect(world.logger.of('refresh_failed_unexpectedly')).toEqual([
      { level: 'error', event: 'refresh_failed_unexpectedly', fields: { error: 'TypeError' } },
    ]);
    expect(world.head.released).toBe(1);
  });

  it('during an early refresh leaves the session usable, and its refresh token, which may be spent, alone', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    world.provider.script(new TypeError('a bug'));
    expect(await world.refresher.fresh({ session })).toEqual({ kind: 'usable', session });
    await world.clock.advance(9 * SECOND);
    expect(world.refresher.fresh({ session })).toEqual({ kind: 'usable', session });
    expect(world.provider.refreshes.length).toBe(1);
  });

  it('of the head is a 503', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.head.script.push(new RangeError('a bug'));
    expect(await world.refresher.fresh({ session })).toEqual(UNAVAILABLE);
    expect(world.logger.of('refresh_failed_unexpectedly').length).toBe(1);
  });

  it('of the store is a 503, nothing is published, and the lease is released', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.store.fail = new Error('cannot seal');
    expect(await world.refresher.fresh({ session })).toEqual(UNAVAILABLE);
    expect([world.head.published, world.head.released]).toEqual([[], 1]);
  });

  it('that keeps a ticket from being published keeps nobody from using it', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.head.publish = () => Promise.reject(new Error('gone'));
    expect(await world.refresher.fresh({ session })).toMatchObject({ kind: 'usable', session: { generation: 2 }, taken: {} });
    expect(world.logger.of('refresh_not_published').map(({ level }) => level)).toEqual(['error']);
  });

  it('that keeps a lease from being released is only a warning', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(noAnswer, noAnswer);
    world.head.release = () => Promise.reject(new Error('gone'));
    expect(await world.refresher.fresh({ session })).toEqual(UNAVAILABLE);
    expect(world.logger.of('refresh_lease_not_released').length).toBe(1);
  });

  it('that keeps an end from being shared still ends the session here', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script({ kind: 'refused', error: 'invalid_grant', status: 400 });
    world.revocations.add = () => Promise.reject(new Error('gone'));
    expect((await world.refresher.fresh({ session })).kind).toBe('rejected');
    expect(world.logger.of('revocation_not_shared').length).toBe(1);
  });

  it('never becomes an unhandled rejection, even when nobody waits', async () => {
    const unhandled: unknown[] = [];
    const notice = (reason: unknown): number => unhandled.push(reason);
    process.on('unhandledRejection', notice);
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(new Error('a bug'));
    void world.refresher.fresh({ session });
    void world.refresher.refreshNow({ session });
    await world.refresher.idle();
    await settled();
    process.off('unhandledRejection', notice);
    expect(unhandled).toEqual([]);
  });
});

describe('the log', () => {
  it('never holds a token or a ticket', async () => {
    const world = new RefreshWorld({}, { fits: () => false });
    const session = await world.expired();
    world.provider.script(noAnswer);
    await world.refresher.fresh({ session });
    await world.clock.advance(6 * 60 * SECOND);
    world.provider.script(new Error('rt:alice:2'), { kind: 'refused', error: 'invalid_grant', status: 400 });
    await world.request(session);
    await world.clock.advance(2 * SECOND);
    await world.request(session);
    expect(world.logger.lines.length).toBeGreaterThan(3);
    expect(JSON.stringify(world.logger.lines)).not.toMatch(/(at|rt):alice|sid-alice/);
  });

  it.each([
    ['rt:alice:1', 'other'],
    ['invalid_scope', 'invalid_scope'],
  ])("names of the provider's error %s only what is registered: %s", async (error, logged) => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script({ kind: 'refused', error, status: 401 });
    await world.refresher.fresh({ session });
    expect(world.logger.of('refresh_refused_misconfigured').map(({ fields }) => fields)).toEqual([{ error: logged, status: 401 }]);
  });
});
