import { describe, expect, it } from '@jest/globals';

import { settled } from '../../support/manual-clock.ts';
import { noAnswer, notSent, refused, RefreshWorld, SECOND } from './refresh-world.ts';

describe('a refresh that was asked for', () => {
  it('gets a newer generation although the token is good', async () => {
    const world = new RefreshWorld();
    const session = world.login();
    await world.clock.advance(2 * SECOND);
    const answer = await world.refresher.refreshNow({ session });
    expect(answer).toMatchObject({ kind: 'usable', session: { generation: 2, accessToken: 'at:alice:2' }, taken: {} });
    expect(world.provider.refreshes.length).toBe(1);
  });

  it('is answered as it is within the cooldown', async () => {
    const world = new RefreshWorld();
    const session = world.login();
    await world.clock.advance(1999);
    expect(await world.refresher.refreshNow({ session })).toEqual({ kind: 'usable', session });
    expect([world.provider.refreshes.length, world.head.claims.length]).toEqual([0, 0]);
  });

  it('shares one grant with everybody who asks at the same time, on routes too', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, () => world.refresher.refreshNow({ session })),
      ...Array.from({ length: 10 }, () => world.request(session)),
    ]);
    expect(new Set(answers.map((answer) => (answer.kind === 'usable' ? answer.taken?.ticket.value : answer.kind)))).toEqual(
      new Set(world.head.published),
    );
    expect(world.provider.refreshes.length).toBe(1);
  });

  it('joins an early refresh under way', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    world.provider.hold();
    void world.refresher.fresh({ session });
    const answer = world.refresher.refreshNow({ session });
    await settled();
    world.provider.answer();
    expect(await answer).toMatchObject({ kind: 'usable', session: { generation: 2 } });
    expect(world.provider.refreshes.length).toBe(1);
  });

  it('with a cookie that has a successor takes that', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    await world.refresher.fresh({ session });
    expect(await world.refresher.refreshNow({ session })).toMatchObject({ kind: 'usable', session: { generation: 2 } });
    expect(world.provider.refreshes.length).toBe(1);
  });

  it('is impossible without a refresh token', async () => {
    const world = new RefreshWorld();
    const { refreshToken: _, ...session } = world.login();
    expect(await world.refresher.refreshNow({ session })).toEqual({ kind: 'no-refresh-token' });
  });

  it.each([
    ['nothing was sent', notSent],
    ['nobody answered', noAnswer],
    ['our client is refused', refused('invalid_client', 401)],
  ])('is unavailable when %s, although the token is still good', async (_, outcome) => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    world.provider.script(outcome, outcome);
    expect(await world.refresher.refreshNow({ session })).toEqual({ kind: 'unavailable', code: 'provider_unavailable', retryAfter: 5 });
    expect(await world.refresher.fresh({ session })).toEqual({ kind: 'usable', session });
  });

  it('is refused for a session that has ended', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    await world.revocations.add({ cause: 'operator', sid: session.sid, until: session.endsAt });
    expect(await world.refresher.refreshNow({ session })).toEqual({ kind: 'rejected', reason: 'revoked', cause: 'operator' });
    expect(world.head.claims).toEqual([]);
  });

  it('waits no longer than a request on a route', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    world.provider.hold();
    const answer = world.refresher.refreshNow({ session });
    await world.clock.advance(10 * SECOND);
    expect((await answer).kind).toBe('unavailable');
    world.provider.answer();
    await world.refresher.idle();
  });
});
