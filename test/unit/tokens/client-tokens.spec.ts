import { beforeEach, describe, expect, it } from '@jest/globals';
import { ClientTokens } from '../../../src/tokens/client-tokens.ts';
import { settled } from '../../support/manual-clock.ts';
import { LIFETIME, MINUTE, noAnswer, POLICY, refused, RouteWorld, SECOND, targetOf } from './route-world.ts';

const ORDERS = targetOf({ audience: 'orders' });
const granted = (number: number) => ({ kind: 'granted', accessToken: `client>orders#${String(number)}` });
const unavailable = (retryAfter: number) => ({ kind: 'unavailable', code: 'provider_unavailable', retryAfter });

describe('our own tokens', () => {
  let world: RouteWorld;
  let tokens: ClientTokens;
  const grants = (): number => world.issuer.asked.length;

  beforeEach(() => {
    world = new RouteWorld();
    tokens = new ClientTokens({ ...POLICY, provider: world.issuer, grants: world.grants, clock: world.clock });
  });

  it('are asked for once by any number of requests, and then at hand without a wait', async () => {
    world.issuer.hold();
    const waiting = Array.from({ length: 100 }, async () => tokens.of(ORDERS));
    await settled();
    world.issuer.answer();
    expect(new Set((await Promise.all(waiting)).map((it) => JSON.stringify(it)))).toEqual(new Set([JSON.stringify(granted(1))]));
    expect(grants()).toBe(1);
    expect(tokens.of(ORDERS)).toEqual(granted(1));
  });

  it('are one for each target: the order of the scope makes no other', async () => {
    const targets = [
      targetOf({ audience: 'orders', scope: ['a', 'b'] }),
      targetOf({ audience: 'orders', scope: ['b', 'a'] }),
      targetOf({ audience: 'orders', scope: ['a'] }),
      targetOf({ resource: 'orders', scope: ['a'] }),
      targetOf({}),
    ];
    for (const target of targets) await tokens.of(target);
    expect(world.issuer.asked.map(({ target }) => [target.audience, target.resource, target.scope])).toEqual([
      ['orders', undefined, ['a', 'b']],
      ['orders', undefined, ['a']],
      [undefined, 'orders', ['a']],
      [undefined, undefined, []],
    ]);
  });

  it('are renewed before their end, while requests go on with the old one', async () => {
    await tokens.of(ORDERS);
    await world.clock.advance(LIFETIME - 66 * SECOND);
    expect([tokens.of(ORDERS), grants()]).toEqual([granted(1), 1]);
    await world.clock.advance(2 * SECOND);
    world.issuer.hold();
    expect(Array.from({ length: 50 }, () => tokens.of(ORDERS))).toEqual(Array.from({ length: 50 }, () => granted(1)));
    await settled();
    expect(grants()).toBe(2);
    world.issuer.answer();
    await settled();
    expect(tokens.of(ORDERS)).toEqual(granted(2));
  });

  it('are used as long as they are good while none can be renewed, and then it is 503', async () => {
    await tokens.of(ORDERS);
    world.issuer.script(...Array.from({ length: 4 }, () => noAnswer));
    await world.clock.advance(LIFETIME - 30 * SECOND);
    expect(tokens.of(ORDERS)).toEqual(granted(1));
    await settled();
    expect(tokens.of(ORDERS)).toEqual(granted(1));
    await settled();
    expect(grants()).toBe(2);
    await world.clock.advance(24 * SECOND);
    expect(tokens.of(ORDERS)).toEqual(granted(1));
    await world.clock.advance(2 * SECOND);
    expect(await tokens.of(ORDERS)).toEqual(unavailable(5));
    await world.clock.advance(SECOND);
    expect(await tokens.of(ORDERS)).toEqual(unavailable(5));
    await world.clock.advance(SECOND);
    expect(await tokens.of(ORDERS)).toMatchObject({ kind: 'granted' });
  });

  it('of a short life are not used in their last tenth, and renewed in the third before', async () => {
    world.issuer.lifetime = 10 * SECOND;
    await tokens.of(ORDERS);
    await world.clock.advance(5 * SECOND);
    expect([tokens.of(ORDERS), grants()]).toEqual([granted(1), 1]);
    await world.clock.advance(2 * SECOND);
    expect(tokens.of(ORDERS)).toEqual(granted(1));
    await settled();
    expect(grants()).toBe(2);
    await world.clock.advance(9 * SECOND);
    expect(await tokens.of(ORDERS)).toEqual(granted(3));
  });

  it('are not asked for by every request of a failing second', async () => {
    world.issuer.script(noAnswer);
    expect(await Promise.all(Array.from({ length: 20 }, async () => tokens.of(ORDERS)))).toEqual(
      Array.from({ length: 20 }, () => unavailable(5)),
    );
    expect(await tokens.of(ORDERS)).toEqual(unavailable(5));
    expect(grants()).toBe(1);
    await world.clock.advance(SECOND);
    expect(await tokens.of(ORDERS)).toEqual(granted(2));
  });

  it('leave a provider alone that says for how long', async () => {
    world.issuer.script({ kind: 'throttled', retryAfter: 7 });
    expect(await tokens.of(ORDERS)).toEqual(unavailable(7));
    await world.clock.advance(3 * SECOND);
    expect(await tokens.of(ORDERS)).toEqual(unavailable(4));
    expect(grants()).toBe(1);
    await world.clock.advance(4 * SECOND);
    expect(await tokens.of(ORDERS)).toEqual(granted(2));
  });

  it('leave one alone for a second that does not say for how long', async () => {
    world.issuer.script({ kind: 'throttled', retryAfter: 5, assumed: true });
    expect(await tokens.of(ORDERS)).toEqual(unavailable(5));
    expect(await tokens.of(ORDERS)).toEqual(unavailable(5));
    await world.clock.advance(SECOND);
    expect(await tokens.of(ORDERS)).toEqual(granted(2));
  });

  it('stop asking a provider that is down, whatever the target', async () => {
    world.issuer.script(...Array.from({ length: 5 }, () => noAnswer));
    for (let n = 0; n < 5; n++) await tokens.of(targetOf({ audience: `a${String(n)}` }));
    expect(await tokens.of(ORDERS)).toEqual(unavailable(10));
    expect(grants()).toBe(5);
    expect(world.logger.of('provider_circuit_opened')).toHaveLength(1);
  });

  it.each(['invalid_client', 'unauthorized_client', 'invalid_scope', 'invalid_target', 'invalid_request'])(
    'refused with %s are a fault of the configuration: 503, and one line a minute',
    async (error) => {
      for (let second = 0; second < 70; second += 5) {
        world.issuer.script(refused(error, error === 'invalid_client' ? 401 : 400));
        expect(await tokens.of(ORDERS)).toEqual(unavailable(5));
        await world.clock.advance(5 * SECOND);
      }
      expect(world.logger.of('client_credentials_misconfigured').map(({ level, fields }) => [level, fields['error']])).toEqual([
        ['error', error],
        ['error', error],
      ]);
    },
  );

  it('never tell the log what a provider quotes', async () => {
    world.issuer.script(refused('token-at-42-is-bad'), new Error('secret in a message'));
    await tokens.of(ORDERS);
    await world.clock.advance(MINUTE);
    expect(await tokens.of(ORDERS)).toEqual(unavailable(5));
    expect(JSON.stringify(world.logger.lines)).not.toMatch(/at-42|secret/);
    expect(world.logger.of('route_token_failed_unexpectedly')).toHaveLength(1);
  });

  it('do not let a request wait for ever', async () => {
    world.issuer.hold();
    const answer = Promise.resolve(tokens.of(ORDERS));
    await world.clock.advance(10 * SECOND);
    expect(await answer).toEqual(unavailable(5));
    world.issuer.answer();
    await settled();
    expect(tokens.of(ORDERS)).toEqual(granted(1));
  });

  describe('after a 401 of the upstream', () => {
    it('are replaced once for all who were refused', async () => {
      await tokens.of(ORDERS);
      await world.clock.advance(3 * SECOND);
      const renewed = await Promise.all(Array.from({ length: 20 }, () => tokens.renewed(ORDERS, 'client>orders#1')));
      expect(new Set(renewed.map((it) => JSON.stringify(it)))).toEqual(new Set([JSON.stringify(granted(2))]));
      expect(await tokens.renewed(ORDERS, 'client>orders#1')).toEqual(granted(2));
      expect([tokens.of(ORDERS), grants()]).toEqual([granted(2), 2]);
    });

    it('are the same again when they are new: it is the upstream that does not want them', async () => {
      await tokens.of(ORDERS);
      await world.clock.advance(SECOND);
      expect(await tokens.renewed(ORDERS, 'client>orders#1')).toEqual(granted(1));
      expect(grants()).toBe(1);
    });

    it('stay in use when no other is to be had', async () => {
      await tokens.of(ORDERS);
      await world.clock.advance(3 * SECOND);
      world.issuer.script(noAnswer);
      expect(await tokens.renewed(ORDERS, 'client>orders#1')).toEqual(unavailable(5));
      expect(tokens.of(ORDERS)).toEqual(granted(1));
    });
  });
});
