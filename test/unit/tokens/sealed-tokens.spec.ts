import { describe, expect, it } from '@jest/globals';
import type { HeldToken } from '../../../src/tokens/held-token.ts';
import { LIFETIME, RouteWorld, SECOND } from './route-world.ts';

const issued = (world: RouteWorld, accessToken = 'access-token-canary'): HeldToken => ({
  accessToken,
  grantedAt: world.clock.now(),
  usableUntil: world.clock.now() + LIFETIME,
});

describe('kept tokens', () => {
  it('come back for their session and name, and for no other', () => {
    const world = new RouteWorld();
    const token = issued(world);
    world.kept.set(world.session('alice'), 'orders', token);
    expect(world.kept.get(world.session('alice'), 'orders')).toEqual(token);
    expect(world.kept.get(world.session('alice'), 'billing')).toBeUndefined();
    expect(world.kept.get(world.session('bob'), 'orders')).toBeUndefined();
    expect(world.kept.get(world.session('alice', { sid: 'sid-alice\norders' }), '')).toBeUndefined();
  });

  it('are over at their end, and at that of their session', async () => {
    const world = new RouteWorld();
    world.kept.set(world.session('alice'), 'orders', issued(world));
    world.kept.set(world.session('bob', { endsAt: world.clock.now() + SECOND }), 'orders', issued(world));
    await world.clock.advance(SECOND);
    expect([world.kept.get(world.session('alice'), 'orders') !== undefined, world.kept.get(world.session('bob'), 'orders')]).toEqual([
      true,
      undefined,
    ]);
    await world.clock.advance(LIFETIME);
    expect(world.kept.get(world.session('alice'), 'orders')).toBeUndefined();
    expect([world.kept.size, world.kept.bytes]).toEqual([0, 0]);
  });

  it('that nobody asks for any more go as others come', async () => {
    const world = new RouteWorld();
    for (let n = 0; n < 100; n++) world.kept.set(world.session(`old-${String(n)}`), 'orders', issued(world));
    await world.clock.advance(LIFETIME);
    for (let n = 0; n < 100; n++) world.kept.set(world.session(`new-${String(n)}`), 'orders', issued(world));
    expect(world.kept.size).toBe(100);
  });

  it('are bounded in bytes, and the oldest go first', () => {
    const world = new RouteWorld({}, 10_000);
    for (let n = 0; n < 50; n++) world.kept.set(world.session(`user-${String(n)}`), 'orders', issued(world, 't'.repeat(400)));
    expect(world.kept.bytes).toBeLessThanOrEqual(10_000);
    expect(world.kept.size).toBe(Math.floor(10_000 / (600 + 28 + 400)));
    expect(world.kept.get(world.session('user-0'), 'orders')).toBeUndefined();
    expect(world.kept.get(world.session('user-49'), 'orders')).toBeDefined();
    world.kept.set(world.session('huge'), 'orders', issued(world, 't'.repeat(20_000)));
    expect([world.kept.size, world.kept.bytes]).toEqual([0, 0]);
  });

  it('replace each other without growing', () => {
    const world = new RouteWorld();
    world.kept.set(world.session(), 'orders', issued(world, 'one'));
    const { bytes } = world.kept;
    world.kept.set(world.session(), 'orders', issued(world, 'two'));
    expect([world.kept.size, world.kept.bytes]).toEqual([1, bytes]);
    expect(world.kept.get(world.session(), 'orders')?.accessToken).toBe('two');
  });

  it.each<[string, Parameters<RouteWorld['revocations']['add']>[0], readonly string[]]>([
    ['its id', { cause: 'logout', sid: 'sid-a1', until: Infinity }, ['a2', 'b1']],
    ['the provider session', { cause: 'back_channel', providerSid: 'p-a2', until: Infinity }, ['a1', 'b1']],
    ['its user', { cause: 'operator', sub: 'a', until: Infinity }, ['b1']],
    ['its user, up to a login', { cause: 'back_channel', sub: 'a', issuedAt: 1500, until: Infinity }, ['a2', 'b1']],
    ['nobody here', { cause: 'logout', sid: 'other', sub: 'other', providerSid: 'other', until: Infinity }, ['a1', 'a2', 'b1']],
  ])('go when their session is revoked by %s', async (_by, revocation, left) => {
    const world = new RouteWorld();
    const sessions = {
      a1: world.session('a', { sid: 'sid-a1', providerSid: 'p-a1', idTokenIssuedAt: 1000 }),
      a2: world.session('a', { sid: 'sid-a2', providerSid: 'p-a2', idTokenIssuedAt: 2000 }),
      b1: world.session('b', { sid: 'sid-b1', idTokenIssuedAt: 1000 }),
    };
    for (const session of Object.values(sessions)) {
      for (const name of ['orders', 'billing']) world.kept.set(session, name, issued(world));
    }
    await world.revocations.add(revocation);
    expect(world.kept.size).toBe(left.length * 2);
    for (const [name, session] of Object.entries(sessions)) {
      expect([name, world.kept.get(session, 'orders') !== undefined]).toEqual([name, left.includes(name)]);
    }
  });
});
