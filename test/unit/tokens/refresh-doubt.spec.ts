import { describe, expect, it } from '@jest/globals';

import { settled } from '../../support/manual-clock.ts';
import { noAnswer, RefreshWorld, SECOND } from './refresh-world.ts';

const LEASE = 7 * SECOND;

/** A session whose refresh token was sent by a process that vanished right after. */
async function abandoned(providerLeeway: number, age: 'expired' | 'ageing' = 'expired') {
  const world = new RefreshWorld({ providerLeeway });
  const session = await world[age]();
  await world.memory.claim(session, LEASE);
  await world.memory.spending(session.sid, session.generation, LEASE);
  return { world, session };
}

describe('a refresh token that was sent by a process that vanished', () => {
  it('is sent again within the leeway, once the lease has ended', async () => {
    const { world, session } = await abandoned(30 * SECOND);
    const answer = world.request(session);
    await world.clock.advance(LEASE - 1);
    expect(world.provider.refreshes).toEqual([]);
    await world.clock.advance(SECOND);
    expect(await answer).toMatchObject({ kind: 'usable', session: { generation: 2 } });
    expect(world.provider.refreshes.length).toBe(1);
  });

  it.each([0, 5 * SECOND])('is never sent again without or beyond it (%i ms): the session is over, for everybody here', async (leeway) => {
    const { world, session } = await abandoned(leeway);
    const answers = [world.request(session), world.request(session)];
    await world.clock.advance(LEASE + SECOND);
    expect(await Promise.all(answers)).toEqual(Array(2).fill({ kind: 'rejected', reason: 'expired', cause: 'refresh_abandoned' }));
    expect(world.provider.refreshes).toEqual([]);
    expect(world.revocations.causeOf(session)).toBe('refresh_abandoned');
    // Should its sender have gone on after all, what it made is good.
    expect(world.revocations.causeOf({ ...session, generation: 2 })).toBeUndefined();
    expect(world.logger.of('refresh_abandoned')).toHaveLength(1);
  });

  it('leaves the session as it is while its access token is good', async () => {
    const { world, session } = await abandoned(0, 'ageing');
    await world.clock.advance(LEASE);
    expect(await world.request(session)).toEqual({ kind: 'usable', session });
    expect([world.provider.refreshes, world.revocations.causeOf(session)]).toEqual([[], undefined]);
  });

  it('does not matter when its process had published before it vanished', async () => {
    const { world, session } = await abandoned(0);
    const next = { ...session, generation: 2, accessToken: 'at:elsewhere', accessTokenExpiresAt: world.clock.now() + 60 * SECOND };
    await world.memory.publish(session.sid, 2, JSON.stringify({ session: next }), session.endsAt);
    expect(await world.refresher.fresh({ session })).toMatchObject({ kind: 'usable', session: { accessToken: 'at:elsewhere' } });
  });
});

describe('a refresh token whose sender got no answer', () => {
  it('is left alone by every other process too, while the access token is good', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    world.provider.script(noAnswer);
    expect(await world.request(session)).toEqual({ kind: 'usable', session });
    const elsewhere = world.replica();
    expect(await elsewhere.fresh({ session })).toEqual({ kind: 'usable', session });
    expect(world.provider.refreshes.length).toBe(1);
  });

  it('is sent again by another process when there is nothing left to lose', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    world.provider.script(noAnswer);
    await world.request(session);
    await world.clock.advance(10 * SECOND);
    expect(await world.replica().fresh({ session })).toMatchObject({ kind: 'usable', session: { generation: 2 } });
    expect(world.provider.refreshes.length).toBe(2);
  });
});

describe('the word that a refresh token is being sent', () => {
  it('is waited for by nobody, unless the token is to be sent once more', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    const said: number[] = [];
    world.head.spending = () => {
      said.push(world.provider.refreshes.length);
      return new Promise(() => undefined);
    };
    expect(await world.request(session)).toMatchObject({ kind: 'usable', session: { generation: 2 } });
    expect(said).toEqual([0]);
  });

  it('keeps the token from being sent once more when it does not arrive', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(noAnswer);
    world.head.spending = () => Promise.resolve(false);
    expect(await world.request(session)).toMatchObject({ kind: 'unavailable', code: 'provider_unavailable' });
    expect(world.provider.refreshes.length).toBe(1);
  });
});

describe('two processes that made the same generation', () => {
  it('hand out one ticket: that of whoever was first', async () => {
    const world = new RefreshWorld({ providerLeeway: 30 * SECOND });
    const session = await world.expired();
    world.provider.hold();
    const answer = world.request(session);
    await settled();
    const first = { ...session, generation: 2, accessToken: 'at:elsewhere', accessTokenExpiresAt: world.clock.now() + 60 * SECOND };
    await world.memory.publish(session.sid, 2, JSON.stringify({ session: first }), session.endsAt);
    world.provider.answer();
    expect(await answer).toMatchObject({ kind: 'usable', session: { accessToken: 'at:elsewhere' } });
    expect(await world.replica().fresh({ session })).toMatchObject({ kind: 'usable', session: { accessToken: 'at:elsewhere' } });
  });
});

describe('invalid_grant for whoever has lost the lease', () => {
  const DEAD = { kind: 'refused', error: 'invalid_grant', status: 400 } as const;

  it('ends nothing while somebody else holds it, and gives what that one makes', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(DEAD);
    world.provider.hold();
    const answer = world.request(session);
    await settled();
    await world.memory.forget(session.sid);
    await world.memory.claim(session, 7 * SECOND);
    world.head.spending = () => Promise.resolve(false);
    world.provider.answer();
    expect(await answer).toMatchObject({ kind: 'unavailable', code: 'provider_unavailable' });
    expect(world.revocations.causeOf(session)).toBeUndefined();
    const next = { ...session, generation: 2, accessToken: 'at:elsewhere', accessTokenExpiresAt: world.clock.now() + 60 * SECOND };
    await world.memory.publish(session.sid, 2, JSON.stringify({ session: next }), session.endsAt);
    await world.clock.advance(2 * SECOND);
    expect(await world.request(session)).toMatchObject({ kind: 'usable', session: { accessToken: 'at:elsewhere' } });
  });

  it('ends the session where the lease is still its own', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(DEAD);
    expect(await world.request(session)).toEqual({ kind: 'rejected', reason: 'revoked', cause: 'refresh_refused' });
    expect(world.revocations.causeOf({ ...session, generation: 9 })).toBe('refresh_refused');
  });
});
