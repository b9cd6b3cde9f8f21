import { beforeEach, describe, expect, it } from '@jest/globals';
import { ExchangedTokens } from '../../../src/tokens/exchanged-tokens.ts';
import { settled } from '../../support/manual-clock.ts';
import { LIFETIME, noAnswer, POLICY, refused, RouteWorld, SECOND, targetOf } from './route-world.ts';

const ORDERS = targetOf({ token: 'exchange', audience: 'orders' });
const BILLING = targetOf({ token: 'exchange', audience: 'billing' });
const granted = (accessToken: string) => ({ kind: 'granted', accessToken });

describe('exchanged tokens', () => {
  let world: RouteWorld;
  let tokens: ExchangedTokens;

  beforeEach(() => {
    world = new RouteWorld();
    tokens = tokensOf(world);
  });

  it('are asked for once by any number of requests of a session, and then at hand without a wait', async () => {
    world.issuer.hold();
    const waiting = Array.from({ length: 100 }, async () => tokens.of(world.session(), ORDERS));
    await settled();
    world.issuer.answer();
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 100 }, () => granted('at-alice>orders#1')));
    expect(world.issuer.asked.map(({ subject }) => subject)).toEqual(['at-alice']);
    expect(tokens.of(world.session(), ORDERS)).toEqual(granted('at-alice>orders#1'));
  });

  it('belong to one session each, even of one user, and to one target', async () => {
    const first = world.session('alice', { sid: 's1', accessToken: 'at-1' });
    const second = world.session('alice', { sid: 's2', accessToken: 'at-2' });
    const bob = world.session('bob', { sid: 's3', accessToken: 'at-3' });
    for (const session of [first, second, bob]) {
      const [orders, billing] = await Promise.all([tokens.of(session, ORDERS), tokens.of(session, BILLING)]);
      expect(orders).toMatchObject({ accessToken: expect.stringMatching(`^${session.accessToken}>orders`) });
      expect(billing).toMatchObject({ accessToken: expect.stringMatching(`^${session.accessToken}>billing`) });
    }
    expect(world.issuer.asked).toHaveLength(6);
  });

  it('never come to another session that holds the same access token', async () => {
    await tokens.of(world.session('alice', { accessToken: 'same' }), ORDERS);
    await tokens.of(world.session('bob', { accessToken: 'same' }), ORDERS);
    expect(world.issuer.asked).toHaveLength(2);
  });

  it('are exchanged anew when the session has another access token', async () => {
    await tokens.of(world.session(), ORDERS);
    const renewed = world.session('alice', { generation: 2, accessToken: 'at-alice-2' });
    expect(await tokens.of(renewed, ORDERS)).toEqual(granted('at-alice-2>orders#2'));
  });

  it('are exchanged anew when they are over', async () => {
    await tokens.of(world.session(), ORDERS);
    const session = world.session();
    await world.clock.advance(LIFETIME - 6 * SECOND);
    expect(tokens.of(session, ORDERS)).toEqual(granted('at-alice>orders#1'));
    await world.clock.advance(SECOND);
    expect(await tokens.of(session, ORDERS)).toEqual(granted('at-alice>orders#2'));
  });

  it.each(['invalid_target', 'invalid_grant', 'access_denied', 'invalid_scope', 'invalid_request'])(
    'refused with %s are a refusal to this user: told at once to all, logged, and not asked for again in the next seconds',
    async (error) => {
      world.issuer.script(refused(error));
      const answers = await Promise.all(Array.from({ length: 5 }, async () => tokens.of(world.session(), ORDERS)));
      expect(answers.map(({ kind }) => kind)).toEqual(Array.from({ length: 5 }, () => 'refused'));
      expect(await tokens.of(world.session(), ORDERS)).toEqual(answers[0]);
      expect(world.logger.of('token_exchange_refused').map(({ level, fields }) => [level, fields])).toEqual([
        ['warn', { sub: 'alice', error, status: 400 }],
      ]);
      expect((await tokens.of(world.session('bob'), ORDERS)).kind).toBe('granted');
      await world.clock.advance(5 * SECOND);
      expect((await tokens.of(world.session(), ORDERS)).kind).toBe('granted');
    },
  );

  it.each([
    ['a wrong secret', refused('invalid_client', 401)],
    ['a client without this grant', refused('unauthorized_client')],
    ['a provider without this grant', refused('unsupported_grant_type')],
  ])('are a fault of the configuration for %s: 503, one line a minute', async (_what, outcome) => {
    for (const sub of ['alice', 'bob', 'carol']) {
      world.issuer.script(outcome);
      expect(await tokens.of(world.session(sub), ORDERS)).toMatchObject({ kind: 'unavailable', code: 'provider_unavailable' });
    }
    expect(world.logger.of('token_exchange_misconfigured')).toHaveLength(1);
    expect(world.logger.of('token_exchange_refused')).toEqual([]);
  });

  it('are 503 while the provider is down, and nobody else is kept from theirs', async () => {
    world.issuer.script(noAnswer);
    expect(await tokens.of(world.session(), ORDERS)).toEqual({ kind: 'unavailable', code: 'provider_unavailable', retryAfter: 5 });
    expect((await tokens.of(world.session(), BILLING)).kind).toBe('granted');
  });

  it('that were granted after a logout are given to nobody and kept nowhere', async () => {
    world.issuer.hold();
    const session = world.session();
    const waiting = tokens.of(session, ORDERS);
    await settled();
    await world.revocations.add({ cause: 'logout', sid: session.sid, until: Infinity });
    world.issuer.answer();
    expect(await waiting).toEqual({ kind: 'rejected', reason: 'revoked', cause: 'logout' });
    expect(world.kept.size).toBe(0);
  });

  it('go with their session', async () => {
    await tokens.of(world.session(), ORDERS);
    await world.revocations.add({ cause: 'logout', sid: world.session().sid, until: Infinity });
    expect(world.kept.size).toBe(0);
  });

  it('ask the provider for no more than some at a time', async () => {
    world = new RouteWorld({ maxInFlight: 3 });
    tokens = tokensOf(world);
    world.issuer.hold();
    const waiting = Array.from({ length: 10 }, async (_, n) => tokens.of(world.session(`user-${String(n)}`), ORDERS));
    await settled();
    expect(world.issuer.asked).toHaveLength(3);
    world.issuer.answer();
    expect((await Promise.all(waiting)).map(({ kind }) => kind)).toEqual(Array.from({ length: 10 }, () => 'granted'));
  });

  describe('after a 401 of the upstream', () => {
    it('are replaced once for all who were refused', async () => {
      const session = world.session();
      await tokens.of(session, ORDERS);
      await world.clock.advance(3 * SECOND);
      const renewed = await Promise.all(Array.from({ length: 20 }, () => tokens.renewed(session, ORDERS, 'at-alice>orders#1')));
      expect(renewed).toEqual(Array.from({ length: 20 }, () => granted('at-alice>orders#2')));
      expect(tokens.of(session, ORDERS)).toEqual(granted('at-alice>orders#2'));
    });

    it('are the same again when they are new', async () => {
      await tokens.of(world.session(), ORDERS);
      expect(await tokens.renewed(world.session(), ORDERS, 'at-alice>orders#1')).toEqual(granted('at-alice>orders#1'));
      expect(world.issuer.asked).toHaveLength(1);
    });
  });
});

function tokensOf(world: RouteWorld): ExchangedTokens {
  const { issuer, grants, kept, revocations, clock, logger } = world;
  return new ExchangedTokens({ provider: issuer, grants, kept, revocations, clock, logger, cooldown: POLICY.cooldown });
}
