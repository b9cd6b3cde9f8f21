import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../../../src/session/session.ts';
import type { Freshness } from '../../../src/tokens/freshness.ts';
import { routeTokenPolicy, type RouteTokenOptions, type RouteTokenPolicy } from '../../../src/tokens/route-policy.ts';
import { RouteTokens } from '../../../src/tokens/route-tokens.ts';
import { noAnswer, POLICY, refused, RouteWorld, SECOND } from './route-world.ts';

const policyOf = (options: RouteTokenOptions): RouteTokenPolicy => {
  const policy = routeTokenPolicy(options);
  if (policy === undefined) throw new Error('no policy');
  return policy;
};
const CLIENT = policyOf({ token: 'client', audience: 'machine' });
const EXCHANGE = policyOf({ token: 'exchange', audience: 'orders' });
const SCOPED = policyOf({ token: 'user', scope: ['openid', 'orders.read'] });
const AWAY: Freshness = { kind: 'unavailable', code: 'provider_unavailable', retryAfter: 7 };
const ENDED: Freshness = { kind: 'rejected', reason: 'revoked', cause: 'logout' };

describe('the token of a route', () => {
  let world: RouteWorld;
  let session: Session;
  let tokens: RouteTokens;
  /** What the refresher says; by default the session as it is. */
  let fresh: Freshness | Promise<Freshness>;
  let refreshed: Freshness | { readonly kind: 'no-refresh-token' };
  let activities: boolean[];

  const newest = (more: Partial<Session> = {}): Extract<Freshness, { kind: 'usable' }> => {
    const next = { ...session, generation: 2, accessToken: 'at-alice-2', ...more };
    return { kind: 'usable', session: next, taken: { ticket: { value: 'ticket', session: next }, takenAt: world.clock.now() } };
  };

  beforeEach(() => {
    world = new RouteWorld();
    session = world.session();
    fresh = { kind: 'usable', session };
    refreshed = newest();
    activities = [];
    const { issuer: provider, revocations, clock, logger } = world;
    const refresher = {
      fresh: (_: unknown, activity = true) => {
        activities.push(activity);
        return fresh;
      },
      refreshNow: (_: unknown, activity = true) => {
        activities.push(activity);
        return Promise.resolve(refreshed);
      },
      flightFor: () => Promise.reject(new Error('no audience was asked for')),
    };
    tokens = new RouteTokens({ provider, refresher, revocations, policy: POLICY, clock, logger, timer: clock });
  });

  const ask = (policy: RouteTokenPolicy, activity = true) => tokens.token(policy, { session }, activity);

  it('is a plain value when everything is at hand', async () => {
    await ask(CLIENT);
    await ask(EXCHANGE);
    expect(ask(CLIENT)).toEqual({ kind: 'usable', session, accessToken: 'client>machine#1' });
    expect(ask(EXCHANGE)).toEqual({ kind: 'usable', session, accessToken: 'at-alice>orders#2' });
    session = world.session('alice', { scope: ['orders.read', 'openid'] });
    fresh = { kind: 'usable', session };
    expect(ask(SCOPED)).toEqual({ kind: 'usable', session });
  });

  it('is exchanged for the fresh token of the session, whose new cookie goes along', async () => {
    fresh = Promise.resolve(newest());
    expect(await ask(EXCHANGE)).toEqual({ ...newest(), accessToken: 'at-alice-2>orders#1' });
    fresh = newest({ accessToken: 'at-alice-3' });
    expect(await ask(EXCHANGE)).toMatchObject({ accessToken: 'at-alice-3>orders#2' });
  });

  it('that is refused or not to be had lets a new cookie go along all the same', async () => {
    fresh = newest();
    world.issuer.script(refused('access_denied'));
    const { taken } = newest();
    expect(await ask(EXCHANGE)).toMatchObject({ kind: 'refused', taken });
    await world.clock.advance(5 * SECOND);
    fresh = newest();
    world.issuer.script(noAnswer);
    expect(await ask(EXCHANGE)).toMatchObject({ kind: 'unavailable', taken: fresh.taken });
    fresh = newest();
    expect(await ask(SCOPED)).toMatchObject({ kind: 'refused', taken: fresh.taken });
  });

  it.each([
    ['exchange', EXCHANGE],
    ['user', SCOPED],
  ])('with token: %s is what the session’s own is: not to be had now', async (_token, policy) => {
    fresh = AWAY;
    expect(await ask(policy)).toEqual(AWAY);
    expect(world.issuer.asked).toEqual([]);
  });

  it('of our own needs the session only for the access rules: not its token', async () => {
    fresh = AWAY;
    expect(await ask(CLIENT)).toEqual({ kind: 'usable', session, accessToken: 'client>machine#1' });
  });

  it.each([
    ['client', CLIENT],
    ['exchange', EXCHANGE],
    ['user', SCOPED],
  ])('with token: %s is none when the session turns out to be over', async (_token, policy) => {
    fresh = Promise.resolve(ENDED);
    expect(await ask(policy)).toEqual(ENDED);
    expect(world.issuer.asked).toEqual([]);
  });

  it('of the user is refused with the words that were not granted, also after a refresh that granted less', async () => {
    expect(ask(SCOPED)).toEqual({ kind: 'refused', detail: 'The session was not granted the scope that this route needs: orders.read.' });
    session = world.session('alice', { scope: ['openid', 'orders.read'] });
    fresh = Promise.resolve(newest({ scope: ['orders.read'] }));
    expect(await ask(SCOPED)).toMatchObject({ kind: 'refused', detail: expect.stringMatching(/needs: openid\.$/) });
  });

  it('counts as activity or not, as the route says', async () => {
    for (const policy of [CLIENT, EXCHANGE, SCOPED]) {
      await ask(policy, false);
      await ask(policy, true);
    }
    await tokens.renewed(SCOPED, { session }, session.accessToken, false);
    expect(activities).toEqual([false, true, false, true, false, true, false]);
  });

  it('without a session is our own and the same', async () => {
    if (CLIENT.kind !== 'client') throw new Error('not ours');
    expect(await tokens.own(CLIENT)).toEqual({ kind: 'granted', accessToken: 'client>machine#1' });
    expect(tokens.own(CLIENT)).toEqual({ kind: 'granted', accessToken: 'client>machine#1' });
    await world.clock.advance(3 * SECOND);
    expect(await tokens.ownRenewed(CLIENT, 'client>machine#1')).toEqual({ kind: 'granted', accessToken: 'client>machine#2' });
    expect(await ask(CLIENT)).toMatchObject({ accessToken: 'client>machine#2' });
  });

  describe('after a 401 of the upstream', () => {
    it('is a new one of its kind', async () => {
      await ask(CLIENT);
      await ask(EXCHANGE);
      await world.clock.advance(3 * SECOND);
      expect(await tokens.renewed(CLIENT, { session }, 'client>machine#1', true)).toMatchObject({ accessToken: 'client>machine#3' });
      expect(await tokens.renewed(EXCHANGE, { session }, 'at-alice>orders#2', true)).toMatchObject({ accessToken: 'at-alice>orders#4' });
      refreshed = newest({ scope: ['openid', 'orders.read'] });
      expect(await tokens.renewed(SCOPED, { session }, session.accessToken, true)).toEqual(refreshed);
    });

    it('is none where nothing can be renewed', async () => {
      refreshed = { kind: 'no-refresh-token' };
      expect(await tokens.renewed(SCOPED, { session }, session.accessToken, true)).toEqual({ kind: 'no-refresh-token' });
    });
  });

  it('waits at a shutdown for what is under way', async () => {
    world.issuer.hold();
    const waiting = Promise.resolve(ask(EXCHANGE));
    let closed = false;
    const closing = tokens.close().then(() => {
      closed = true;
    });
    await world.clock.advance(SECOND);
    expect(closed).toBe(false);
    world.issuer.answer();
    await closing;
    expect(await waiting).toMatchObject({ kind: 'usable' });
  });
});
