import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../../../src/session/session.ts';
import { AudienceTokens } from '../../../src/tokens/audience-tokens.ts';
import { routeTokenPolicy, type RouteTokenOptions, type RouteTokenPolicy } from '../../../src/tokens/route-policy.ts';
import type { RouteToken } from '../../../src/tokens/route-token.ts';
import { SealedTokens } from '../../../src/tokens/sealed-tokens.ts';
import type { TokenRefresher } from '../../../src/tokens/token-refresher.ts';
import { accessTokenOf, refreshTokenOf } from '../../support/fake-provider.ts';
import { settled } from '../../support/manual-clock.ts';
import { LIFETIME, noAnswer, refused, RefreshWorld, SECOND } from './refresh-world.ts';

type Policy = Extract<RouteTokenPolicy, { kind: 'audience' }>;
const policyOf = (options: Partial<RouteTokenOptions>): Policy => {
  const policy = routeTokenPolicy({ token: 'user', ...options });
  if (policy?.kind !== 'audience') throw new Error('no policy for an audience');
  return policy;
};
const ORDERS = policyOf({ resource: 'urn:orders' });
const BILLING = policyOf({ audience: 'billing' });

describe('tokens for other audiences', () => {
  let world: RefreshWorld;
  let kept: SealedTokens;
  let tokens: AudienceTokens;

  const tokensOf = (refresher: TokenRefresher): AudienceTokens => {
    kept = new SealedTokens({ clock: world.clock, revocations: world.revocations, memory: 1 << 20 });
    const { clock, logger, policy } = world;
    return new AudienceTokens({ ...policy, refresher, kept, clock, timer: clock, logger });
  };

  beforeEach(() => {
    world = new RefreshWorld();
    tokens = tokensOf(world.refresher);
  });

  /** A request of this session, whose cookie may be older than what the head has. */
  const ask = async (session: Session, policy = ORDERS): Promise<RouteToken> => tokens.of(policy, world.present(session), true);
  const tokenOf = (token: RouteToken): string | undefined => (token.kind === 'usable' ? token.accessToken : token.kind);
  const targets = () => world.provider.refreshes.map(({ target }) => target?.resource ?? target?.audience);

  it('cost one refresh for any number of requests, and are at hand then without a wait', async () => {
    const session = world.login();
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(session)));
    expect(new Set(answers.map(tokenOf))).toEqual(new Set([accessTokenOf('alice', 2)]));
    expect(world.provider.refreshes).toMatchObject([{ refreshToken: refreshTokenOf('alice', 1), target: { resource: 'urn:orders' } }]);
    expect(tokens.of(ORDERS, { session }, true)).toMatchObject({ kind: 'usable', accessToken: accessTokenOf('alice', 2) });
  });

  it('leave the session its own token, and bring it its next refresh token in a generation that everybody gets', async () => {
    const session = world.login();
    world.provider.script({
      kind: 'granted',
      tokens: {
        ...{ accessToken: 'for-orders', accessTokenExpiresAt: world.clock.now() + SECOND, refreshToken: 'next' },
        scope: ['narrow'],
      },
    });
    await world.clock.advance(SECOND);
    const [answer, ...others] = await Promise.all(Array.from({ length: 10 }, () => ask(session)));
    if (answer?.kind !== 'usable') throw new Error('no token');
    const { generation, accessToken, accessTokenExpiresAt, refreshToken, scope, refreshedAt } = answer.session;
    expect({ generation, refreshToken }).toEqual({ generation: 2, refreshToken: 'next' });
    expect({ accessToken, accessTokenExpiresAt, scope, refreshedAt }).toEqual({
      accessToken: session.accessToken,
      accessTokenExpiresAt: session.accessTokenExpiresAt,
      scope: session.scope,
      refreshedAt: session.refreshedAt,
    });
    expect(answer.taken?.ticket.value).toBe(world.head.published[0]);
    expect(others).toEqual(Array.from({ length: 9 }, () => answer));
    expect(world.head.published).toHaveLength(1);
  });

  it('never spend a refresh token twice: three targets and a session whose own token is over, all at once', async () => {
    const session = await world.expired();
    const third = policyOf({ audience: 'third' });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => [ask(session), ask(session, BILLING), ask(session, third), world.request(session)] as const).flat(),
    );
    expect(answers.map(({ kind }) => kind)).toEqual(Array.from({ length: 40 }, () => 'usable'));
    expect([world.provider.refreshes.length, world.provider.reuses]).toEqual([4, 0]);
    expect(targets().sort()).toEqual(['billing', 'third', 'urn:orders', undefined]);
    const own = answers.filter((_, at) => at % 4 === 3).map((it) => (it.kind === 'usable' ? it.session : undefined));
    expect(new Set(own.map((it) => it?.accessToken)).size).toBe(1);
    expect(own[0]?.accessTokenExpiresAt).toBe(world.clock.now() + LIFETIME);
    expect(world.head.published).toHaveLength(4);
  });

  it('never spend one twice in two processes either', async () => {
    const session = await world.expired();
    const other = tokensOf(world.replica());
    const both = [
      ...Array.from({ length: 5 }, () => ask(session)),
      ...Array.from({ length: 5 }, async () => other.of(ORDERS, world.present(session), true)),
    ];
    await world.clock.advance(SECOND);
    expect((await Promise.all(both)).map(({ kind }) => kind)).toEqual(Array.from({ length: 10 }, () => 'usable'));
    expect([world.provider.refreshes.length, world.provider.reuses]).toEqual([2, 0]);
  });

  it('do not pass on what another process has left of the session’s own token: that is renewed for who needs it', async () => {
    const session = await world.expired();
    await tokensOf(world.replica()).of(BILLING, { session }, true);
    tokens = tokensOf(world.refresher);
    const [orders, own] = await Promise.all([tokens.of(ORDERS, { session }, true), world.refresher.fresh({ session })]);
    expect(orders).toMatchObject({ kind: 'usable', accessToken: expect.stringMatching(/^at:alice:[34]$/) });
    expect(own).toMatchObject({ kind: 'usable', session: { accessTokenExpiresAt: world.clock.now() + LIFETIME } });
    expect([world.provider.refreshes.length, world.provider.reuses]).toEqual([3, 0]);
  });

  it('let a session whose own token is over go on: that is renewed only when somebody asks for it', async () => {
    const session = await world.expired();
    await ask(session);
    expect(world.provider.refreshes).toHaveLength(1);
    expect(await world.request(world.present(session).session)).toMatchObject({
      kind: 'usable',
      session: { generation: 3, accessToken: accessTokenOf('alice', 3) },
    });
    expect(world.provider.reuses).toBe(0);
  });

  it('are renewed when they are over, with the newest refresh token', async () => {
    const session = world.login();
    await ask(session);
    await world.clock.advance(LIFETIME - 5 * SECOND);
    const again = await ask(session);
    expect(tokenOf(again)).toBe(accessTokenOf('alice', 3));
    expect(world.provider.refreshes.map(({ refreshToken }) => refreshToken)).toEqual([
      refreshTokenOf('alice', 1),
      refreshTokenOf('alice', 2),
    ]);
  });

  it.each(['invalid_target', 'invalid_scope', 'access_denied', 'invalid_request'])(
    'refused with %s cost the session nothing, and are not asked for again at once',
    async (error) => {
      const session = await world.expired();
      world.provider.script(refused(error));
      const answers = await Promise.all([ask(session), ask(session), ask(session, BILLING), world.request(session)]);
      expect(answers.map(({ kind }) => kind)).toEqual(['refused', 'refused', 'usable', 'usable']);
      expect(await ask(session)).toMatchObject({ kind: 'refused' });
      expect(targets().sort()).toEqual(['billing', 'urn:orders', undefined]);
      expect(world.logger.of('audience_refused').map(({ level, fields }) => [level, fields])).toEqual([['warn', { sub: 'alice', error }]]);
      expect(world.revocations.size).toBe(0);
      await world.clock.advance(60 * SECOND);
      expect((await ask(session)).kind).toBe('usable');
    },
  );

  it('are not given by a refresh token that is dead: the session ends', async () => {
    const session = world.login();
    world.provider.script(refused('invalid_grant'));
    expect(await ask(session)).toEqual({ kind: 'rejected', reason: 'revoked', cause: 'refresh_refused' });
    expect(world.revocations.size).toBe(1);
  });

  it('are 503 while the provider gives no answer, and the session is kept', async () => {
    const session = world.login();
    world.provider.script(noAnswer);
    expect(await ask(session)).toMatchObject({ kind: 'unavailable', code: 'provider_unavailable' });
    expect(await ask(session)).toMatchObject({ kind: 'unavailable' });
    expect(world.provider.refreshes).toHaveLength(1);
    expect(await world.request(session)).toMatchObject({ kind: 'usable', session });
  });

  it('are 503 within the time that a request waits', async () => {
    const session = world.login();
    world.provider.hold();
    const waiting = ask(session);
    await world.clock.advance(10 * SECOND);
    expect(await waiting).toMatchObject({ kind: 'unavailable', code: 'provider_unavailable' });
    world.provider.answer();
    await settled();
    expect((await ask(session)).kind).toBe('usable');
    expect(world.provider.reuses).toBe(0);
  });

  it('wait for their turn like every refresh, and no longer than a request waits', async () => {
    world = new RefreshWorld({ maxInFlight: 1 });
    tokens = tokensOf(world.refresher);
    const [alice, bob] = [world.login('alice'), world.login('bob')];
    world.provider.hold();
    const first = ask(alice);
    await settled();
    const second = ask(bob);
    await world.clock.advance(10 * SECOND);
    expect(await first).toMatchObject({ kind: 'unavailable', code: 'provider_unavailable' });
    expect(await second).toMatchObject({ kind: 'unavailable', code: 'overloaded', retryAfter: 1 });
    world.provider.answer();
    await settled();
    expect([(await ask(alice)).kind, (await ask(bob)).kind]).toEqual(['usable', 'usable']);
    expect(world.provider.reuses).toBe(0);
  });

  it('need a refresh token', async () => {
    const { refreshToken: _, ...session } = world.login();
    expect(await ask(session)).toMatchObject({ kind: 'refused', detail: expect.stringMatching('no refresh token') });
    await world.clock.advance(LIFETIME);
    expect(await ask(session)).toEqual({ kind: 'rejected', reason: 'expired' });
  });

  it('need the scope of the route to be granted', async () => {
    const policy = policyOf({ resource: 'urn:orders', scope: ['openid', 'orders.read'] });
    expect(await ask(world.login(), policy)).toMatchObject({ kind: 'refused', detail: expect.stringMatching(/needs: orders.read\./) });
    expect(world.provider.refreshes).toEqual([]);
    const session = world.login('bob', { scope: ['openid', 'orders.read'] });
    expect((await ask(session, policy)).kind).toBe('usable');
    expect(world.provider.refreshes).toMatchObject([{ target: { resource: 'urn:orders', scope: ['openid', 'orders.read'] } }]);
  });

  it('go with their session, and one that is granted meanwhile is given to nobody', async () => {
    const session = world.login();
    await ask(session);
    expect(kept.size).toBe(1);
    world.provider.hold();
    const late = ask(session, BILLING);
    await settled();
    await world.revocations.add({ cause: 'logout', sid: session.sid, until: Infinity });
    world.provider.answer();
    expect(await late).toEqual({ kind: 'rejected', reason: 'revoked', cause: 'logout' });
    expect(kept.size).toBe(0);
    expect(world.provider.revoked).toEqual([refreshTokenOf('alice', 3)]);
    expect(await ask(session)).toMatchObject({ kind: 'rejected', reason: 'revoked' });
    expect(world.provider.refreshes).toHaveLength(2);
  });

  it('are one for each user', async () => {
    const answers = await Promise.all(['alice', 'bob'].map((sub) => ask(world.login(sub))));
    expect(answers.map(tokenOf)).toEqual([accessTokenOf('alice', 2), accessTokenOf('bob', 2)]);
  });

  describe('after a 401 of the upstream', () => {
    it('are replaced once for all who were refused', async () => {
      const session = world.login();
      await ask(session);
      await world.clock.advance(3 * SECOND);
      const renewed = await Promise.all(
        Array.from({ length: 10 }, () => tokens.renewed(ORDERS, world.present(session), accessTokenOf('alice', 2), true)),
      );
      expect(new Set(renewed.map(tokenOf))).toEqual(new Set([accessTokenOf('alice', 3)]));
      expect(tokenOf(await ask(session))).toBe(accessTokenOf('alice', 3));
      expect(world.provider.reuses).toBe(0);
    });

    it('are the same again when they are new', async () => {
      const session = world.login();
      await ask(session);
      expect(tokenOf(await tokens.renewed(ORDERS, world.present(session), accessTokenOf('alice', 2), true))).toBe(
        accessTokenOf('alice', 2),
      );
    });
  });
});
