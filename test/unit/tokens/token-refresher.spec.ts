import { describe, expect, it } from '@jest/globals';

import type { Freshness } from '../../../src/tokens/freshness.ts';
import { settled } from '../../support/manual-clock.ts';
import { LIFETIME, MINUTE, RefreshWorld, SECOND } from './refresh-world.ts';

const tokenOf = (freshness: Freshness): string => (freshness.kind === 'usable' ? freshness.session.accessToken : freshness.kind);
const bytesOf = (freshness: Freshness): string | undefined => (freshness.kind === 'usable' ? freshness.taken?.ticket.value : undefined);

describe('a session whose access token is good', () => {
  it('is usable as it is, without a promise and without a claim', () => {
    const world = new RefreshWorld();
    const session = world.login();
    expect(world.refresher.fresh(world.present(session))).toEqual({ kind: 'usable', session });
    expect([world.head.claims.length, world.provider.refreshes.length]).toEqual([0, 0]);
  });

  it('without a refresh token is usable to the last millisecond and expired after it', async () => {
    const world = new RefreshWorld();
    const { refreshToken: _, ...session } = world.login();
    await world.clock.advance(LIFETIME - 1);
    expect(world.refresher.fresh({ session })).toEqual({ kind: 'usable', session });
    await world.clock.advance(1);
    expect(world.refresher.fresh({ session })).toEqual({ kind: 'rejected', reason: 'expired' });
    expect(world.head.claims).toEqual([]);
  });
});

describe('a session whose access token is over', () => {
  it('costs one grant for 100 requests at once, which all get the same ticket bytes', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    const answers = await Promise.all(Array.from({ length: 100 }, () => world.request(session)));
    expect(world.provider.refreshes.map(({ refreshToken }) => refreshToken)).toEqual(['rt:alice:1']);
    expect(answers.map(tokenOf)).toEqual(Array.from({ length: 100 }, () => 'at:alice:2'));
    expect(new Set(answers.map(bytesOf))).toEqual(new Set(world.head.published));
    expect([world.store.saved.length, world.head.published.length, world.head.claims.length]).toEqual([1, 1, 1]);
  });

  it('tells the provider whose token it is and what was granted', async () => {
    const world = new RefreshWorld();
    const session = await world.expired('alice', { scope: ['openid', 'api'] });
    await world.refresher.fresh({ session });
    expect(world.provider.refreshes).toEqual([{ refreshToken: 'rt:alice:1', sub: 'alice', scope: ['openid', 'api'] }]);
  });

  it('gives a straggler with the old cookie the successor, half a minute later', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    const first = await world.request(session);
    await world.clock.advance(30 * SECOND);
    const late = await world.refresher.fresh({ session });
    expect([tokenOf(late), bytesOf(late)]).toEqual(['at:alice:2', bytesOf(first)]);
    expect(late).toMatchObject({ taken: { takenAt: world.clock.now() } });
    expect(world.provider.refreshes.length).toBe(1);
  });

  it('is healed by the next request when the client vanished before its answer', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.hold();
    void world.refresher.fresh(world.present(session));
    await settled();
    world.provider.answer();
    await world.refresher.idle();
    const next = world.present(session);
    expect(tokenOf(await world.refresher.fresh(next))).toBe('at:alice:2');
    expect(next.taken?.ticket.value).toBe(world.head.published[0]);
    expect([world.provider.refreshes.length, world.provider.reuses]).toEqual([1, 0]);
  });

  it('never reaches the provider with a generation that was handed over long ago', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    await world.refresher.fresh({ session });
    await world.clock.advance(45 * SECOND);
    await world.memory.confirm(session.sid, 2);
    await world.clock.advance(MINUTE);
    expect(await world.refresher.fresh({ session })).toEqual({ kind: 'rejected', reason: 'superseded' });
    expect([world.provider.refreshes.length, world.provider.reuses]).toEqual([1, 0]);
    expect(world.logger.of('refresh_reuse_suspected')).toEqual([
      { level: 'warn', event: 'refresh_reuse_suspected', fields: { sub: 'alice', generation: 1, newest: 2 } },
    ]);
  });

  it('goes from generation to generation for hours', async () => {
    const world = new RefreshWorld();
    let session = world.login();
    for (let hour = 0; hour < 24; hour++) {
      await world.clock.advance(LIFETIME);
      const freshness = await world.request(session);
      if (freshness.kind === 'usable') session = freshness.session;
    }
    expect([session.generation, session.accessToken, session.refreshToken]).toEqual([25, 'at:alice:25', 'rt:alice:25']);
    expect([world.provider.refreshes.length, world.provider.reuses]).toEqual([24, 0]);
  });

  it('keeps a static refresh token and spends it again and again', async () => {
    const world = new RefreshWorld();
    world.provider.rotates = false;
    let session = world.login();
    for (let i = 0; i < 3; i++) {
      await world.clock.advance(LIFETIME);
      const freshness = await world.request(session);
      if (freshness.kind === 'usable') session = freshness.session;
    }
    expect([session.generation, session.accessToken]).toEqual([4, 'at:alice:4']);
    expect(world.provider.refreshes.map(({ refreshToken }) => refreshToken)).toEqual(['rt:alice:1', 'rt:alice:1', 'rt:alice:1']);
  });

  it('moves the idle limit when a user was active, and does not when only a poller was', async () => {
    const world = new RefreshWorld();
    const [alice, bob] = [world.login('alice'), await world.expired('bob')];
    await world.refresher.fresh({ session: alice }, true);
    await world.refresher.fresh({ session: bob }, false);
    expect(world.store.saved.map(({ sub, lastSeenAt }) => [sub, lastSeenAt])).toEqual([
      ['alice', world.clock.now()],
      ['bob', bob.lastSeenAt],
    ]);
  });

  it('is not renewed past its absolute limit', async () => {
    const world = new RefreshWorld();
    const session = await world.expired('alice', { endsAt: world.clock.now() + LIFETIME });
    expect(await world.refresher.fresh({ session })).toEqual({ kind: 'rejected', reason: 'expired' });
    expect([world.provider.refreshes.length, world.head.released]).toEqual([0, 1]);
  });

  it('refreshes what the head hands over when that is over as well', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    await world.refresher.fresh({ session });
    await world.clock.advance(LIFETIME);
    const answers = await Promise.all([Promise.resolve(world.refresher.fresh({ session })), world.request(session)]);
    expect(answers.map(tokenOf)).toEqual(['at:alice:3', 'at:alice:3']);
    expect([world.provider.refreshes.length, world.provider.reuses]).toEqual([2, 0]);
  });

  it('expires when what the head hands over is over and has no refresh token', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    const { refreshToken: _, ...last } = { ...session, generation: 2 };
    await world.memory.publish(session.sid, 2, (await world.store.save(last)).value, session.endsAt);
    expect(await world.refresher.fresh({ session })).toEqual({ kind: 'rejected', reason: 'expired' });
    expect(world.provider.refreshes.length).toBe(0);
  });
});

describe('waiting for a refresh', () => {
  it('ends after the longest wait with 503, and the grant goes on without us', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.hold();
    const waiting = Array.from({ length: 3 }, () => world.request(session));
    await world.clock.advance(10 * SECOND);
    expect(await Promise.all(waiting)).toEqual(Array(3).fill({ kind: 'unavailable', code: 'provider_unavailable', retryAfter: 5 }));
    const later = world.refresher.fresh(world.present(session));
    world.provider.answer();
    expect(tokenOf(await later)).toBe('at:alice:2');
    expect(world.provider.refreshes.length).toBe(1);
  });

  it('leaves no timer behind', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    await Promise.all(Array.from({ length: 10 }, () => world.request(session)));
    expect(world.clock.pending).toBe(0);
  });
});

describe('early refresh', () => {
  it('lets the request that triggers it wait for the new token', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    const freshness = await world.request(session);
    expect([tokenOf(freshness), bytesOf(freshness)]).toEqual(['at:alice:2', world.head.published[0]]);
  });

  it('lets that request go on with the old token after 300 ms, and no other one wait at all', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    world.provider.hold();
    const triggering = world.refresher.fresh(world.present(session));
    expect(world.refresher.fresh(world.present(session))).toEqual({ kind: 'usable', session });
    await world.clock.advance(299);
    let answered = false;
    void Promise.resolve(triggering).then(() => (answered = true));
    await settled();
    expect(answered).toBe(false);
    await world.clock.advance(1);
    expect(await triggering).toEqual({ kind: 'usable', session });
    world.provider.answer();
    await world.refresher.idle();
    expect(tokenOf(await world.request(session))).toBe('at:alice:2');
    expect(world.provider.refreshes.length).toBe(1);
  });

  it('is waited for again when the token ends during the short wait', async () => {
    const world = new RefreshWorld();
    const session = world.login();
    await world.clock.advance(LIFETIME - 100);
    world.provider.hold();
    const freshness = world.refresher.fresh(world.present(session));
    await world.clock.advance(1000);
    world.provider.answer();
    expect(tokenOf(await freshness)).toBe('at:alice:2');
    expect(world.provider.refreshes.length).toBe(1);
  });

  it('happens once for 100 requests in the same moment', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    const answers = Array.from({ length: 100 }, () => world.refresher.fresh(world.present(session)));
    const waiting = answers.filter((answer) => answer instanceof Promise);
    expect((await Promise.all(waiting)).map(tokenOf)).toEqual(['at:alice:2']);
    expect(answers.filter((answer) => 'kind' in answer && tokenOf(answer) === 'at:alice:1').length).toBe(99);
    expect(world.provider.refreshes.length).toBe(1);
  });

  it('does not begin without a refresh token', async () => {
    const world = new RefreshWorld();
    const { refreshToken: _, ...session } = await world.ageing();
    expect(world.refresher.fresh({ session })).toEqual({ kind: 'usable', session });
    expect(world.head.claims).toEqual([]);
  });
});

describe('a ticket that does not fit into cookies', () => {
  it('is an error in the log, is published, and is not handed to the browser', async () => {
    const world = new RefreshWorld({}, { fits: () => false });
    const session = await world.expired();
    const freshness = await world.request(session);
    expect([tokenOf(freshness), bytesOf(freshness)]).toEqual(['at:alice:2', undefined]);
    expect(world.logger.of('cookie_budget').map(({ level }) => level)).toEqual(['error']);
    expect(tokenOf(await world.request(session))).toBe('at:alice:2');
    expect(world.provider.refreshes.length).toBe(1);
  });
});
