import { describe, expect, it } from '@jest/globals';

import type { RefreshOutcome } from '../../../src/oidc/identity-provider.ts';
import { FailedRefreshes } from '../../../src/tokens/failed-refreshes.ts';
import { settled } from '../../support/manual-clock.ts';
import { LIFETIME, MINUTE, noAnswer, notSent, refused, RefreshWorld, SECOND } from './refresh-world.ts';

const throttled = (retryAfter: number): RefreshOutcome => ({ kind: 'throttled', retryAfter });

async function attempts(state: 'valid' | 'over', providerLeeway: number, ...outcomes: RefreshOutcome[]): Promise<[number, string]> {
  const world = new RefreshWorld({ providerLeeway });
  const session = state === 'valid' ? await world.ageing() : await world.expired();
  world.provider.script(...outcomes);
  const freshness = await world.request(session);
  return [world.provider.refreshes.length, freshness.kind === 'usable' ? freshness.session.accessToken : freshness.kind];
}

describe('one refresh asks the provider', () => {
  it.each([
    ['valid', 0, 2],
    ['over', 0, 2],
    ['valid', 5000, 2],
    ['over', 5000, 2],
  ] as const)('twice when nothing was sent (%s, leeway %i)', async (state, leeway, count) => {
    expect(await attempts(state, leeway, notSent)).toEqual([count, 'at:alice:2']);
  });

  it.each([
    ['over', 0],
    ['valid', 5000],
    ['over', 5000],
  ] as const)('twice when it is unknown what became of the first try (%s, leeway %i)', async (state, leeway) => {
    expect(await attempts(state, leeway, noAnswer)).toEqual([2, 'at:alice:2']);
  });

  it('once when that is unknown, a repeat would be a reuse, and the token still works', async () => {
    expect(await attempts('valid', 0, noAnswer)).toEqual([1, 'at:alice:1']);
  });

  it.each([
    ['nothing was sent', notSent, notSent],
    ['nobody answered', noAnswer, noAnswer],
    ['first nobody answered and then nothing was sent', noAnswer, notSent],
  ])('never a third time: %s', async (_, first, second) => {
    expect(await attempts('over', 5000, first, second)).toEqual([2, 'unavailable']);
  });

  it.each([
    ['an OAuth error', refused('invalid_request')],
    ['a wrong secret', refused('invalid_client', 401)],
    ['a 429', throttled(1)],
  ])('once when the answer is %s', async (_, outcome) => {
    expect((await attempts('over', 5000, outcome))[0]).toBe(1);
  });

  it('once more than it was told, when the repeat is refused', async () => {
    expect(await attempts('over', 0, noAnswer, refused('invalid_grant'))).toEqual([2, 'rejected']);
  });
});

describe('after a failed refresh', () => {
  it('requests are answered from memory for a second when the token is over', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(notSent, notSent);
    await world.request(session);
    await world.clock.advance(999);
    const answers = Array.from({ length: 100 }, () => world.refresher.fresh(world.present(session)));
    expect(answers).toEqual(Array(100).fill({ kind: 'unavailable', code: 'provider_unavailable', retryAfter: 5 }));
    expect([world.provider.refreshes.length, world.head.claims.length]).toEqual([2, 1]);
    await world.clock.advance(1);
    expect(await world.request(session)).toMatchObject({ kind: 'usable', session: { generation: 2 } });
  });

  it('stragglers with an older cookie are answered from memory as well', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    await world.request(session);
    await world.clock.advance(LIFETIME);
    world.provider.script(notSent, notSent);
    expect((await world.request(session)).kind).toBe('unavailable');
    expect((await world.refresher.fresh({ session })).kind).toBe('unavailable');
    expect(world.provider.refreshes.length).toBe(3);
  });

  it('100 requests a second with the provider down cost two tries a second', async () => {
    const world = new RefreshWorld({ breaker: { failures: 1000, pause: SECOND } });
    const session = await world.expired();
    world.provider.script(...Array<RefreshOutcome>(100).fill(notSent));
    for (let i = 0; i < 500; i++) {
      await world.request(session);
      await world.clock.advance(10);
    }
    expect(world.provider.refreshes.length).toBe(10);
  });

  it('an early refresh is tried again two to four seconds later, while the old token is used', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    world.provider.script(notSent, notSent);
    await world.request(session);
    await world.clock.advance(1999);
    expect(world.refresher.fresh(world.present(session))).toEqual({ kind: 'usable', session });
    await world.clock.advance(2001);
    expect(await world.request(session)).toMatchObject({ session: { generation: 2 } });
    expect(world.provider.refreshes.length).toBe(3);
  });

  it('sessions that failed in the same moment come back at different ones', async () => {
    const world = new RefreshWorld();
    const failures = new FailedRefreshes({ providerLeeway: 0 });
    const sessions = Array.from({ length: 40 }, (_, at) => world.login(`user-${String(at)}`));
    for (const session of sessions) failures.add(session, { code: 'provider_unavailable' }, world.clock.now());
    const paused = (ms: number): number =>
      sessions.filter((session) => failures.answerFor(session, world.clock.now() + ms) !== undefined).length;
    expect([paused(1999), paused(4000)]).toEqual([40, 0]);
    expect([paused(2500) < 40, paused(2500) > paused(3500), paused(3500) > 0]).toEqual([true, true, true]);
  });

  it('a refresh token that may be spent is not tried again before the access token ends', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    world.provider.script(noAnswer);
    await world.request(session);
    await world.clock.advance(9 * SECOND);
    expect(world.refresher.fresh(world.present(session))).toEqual({ kind: 'usable', session });
    expect(await world.refresher.refreshNow({ session })).toEqual({ kind: 'unavailable', code: 'provider_unavailable', retryAfter: 5 });
    expect(world.provider.refreshes.length).toBe(1);
    await world.clock.advance(SECOND);
    expect(await world.request(session)).toMatchObject({ session: { generation: 2 } });
  });

  it('a refresh token that may be spent is tried again early as long as the leeway lasts', async () => {
    const world = new RefreshWorld({ providerLeeway: 6 * SECOND });
    const session = world.login();
    await world.clock.advance(LIFETIME - 30 * SECOND);
    world.provider.script(...Array<RefreshOutcome>(4).fill(noAnswer));
    const counts = [];
    for (const wait of [4000, 1999, 2000, 2000]) {
      await world.request(session);
      counts.push(world.provider.refreshes.length);
      await world.clock.advance(wait);
    }
    expect(counts).toEqual([2, 4, 4, 4]);
  });

  it('a 429 keeps this session away from the provider as long as it says, whether the token is over or not', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    world.provider.script(throttled(30));
    await world.request(session);
    await world.clock.advance(9 * SECOND);
    expect(world.refresher.fresh(world.present(session))).toEqual({ kind: 'usable', session });
    await world.clock.advance(5 * SECOND);
    expect(world.refresher.fresh(world.present(session))).toEqual({ kind: 'unavailable', code: 'provider_unavailable', retryAfter: 16 });
    await world.clock.advance(16 * SECOND);
    expect(await world.request(session)).toMatchObject({ session: { generation: 2 } });
    expect(world.provider.refreshes.length).toBe(2);
  });

  it.each([
    ['a 429 is believed for a minute', throttled(1_000_000), 60],
    ['an outage is believed for ten seconds', { kind: 'failed', sent: true, cause: 'http_503', retryAfter: 1_000_000 } as const, 10],
  ])('a Retry-After without reason has an end: %s', async (_, outcome, seconds) => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(outcome, ...(outcome.kind === 'failed' ? [outcome] : []));
    await world.request(session);
    await world.clock.advance((seconds - 1) * SECOND);
    expect(world.refresher.fresh(world.present(session))).toMatchObject({ kind: 'unavailable', retryAfter: 1 });
    await world.clock.advance(SECOND);
    expect(await world.request(session)).toMatchObject({ kind: 'usable' });
  });

  it('a clock that is set back by ten minutes ends the pause and no session', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(throttled(30));
    await world.request(session);
    world.clock.set(world.clock.now() - 10 * MINUTE);
    expect(await world.request(session)).toMatchObject({ kind: 'usable' });
    expect(await world.refresher.refreshNow({ session })).toMatchObject({ kind: 'usable', session: { generation: 2 } });
  });
});

describe('a try that took too long', () => {
  async function triedFor(ms: number): Promise<RefreshWorld> {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(noAnswer);
    world.provider.hold();
    void world.refresher.fresh({ session });
    await settled();
    await world.clock.advance(ms);
    world.provider.answer();
    await world.refresher.idle();
    return world;
  }

  it('is repeated while the lease is still held, which begins anew with the repeat', async () => {
    expect((await triedFor(6 * SECOND)).provider.refreshes.length).toBe(2);
  });

  it('is not repeated when somebody else may have the lease meanwhile', async () => {
    const world = await triedFor(8 * SECOND);
    expect([world.provider.refreshes.length, world.head.released]).toEqual([1, 1]);
  });
});
