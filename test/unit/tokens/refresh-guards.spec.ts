import { describe, expect, it } from '@jest/globals';

import type { RefreshOutcome } from '../../../src/oidc/identity-provider.ts';
import type { Session } from '../../../src/session/session.ts';
import { settled } from '../../support/manual-clock.ts';
import { inTurn, notSent, refused, RefreshWorld, SECOND, users } from './refresh-world.ts';

describe('a provider that is down', () => {
  async function down(): Promise<{ world: RefreshWorld; sessions: Session[] }> {
    const world = new RefreshWorld();
    const sessions = await users(world, 20);
    world.provider.script(...Array<RefreshOutcome>(10).fill(notSent));
    await inTurn(world, sessions.slice(0, 5));
    return { world, sessions };
  }

  it('is not asked any more after five failed refreshes in a row', async () => {
    const { world, sessions } = await down();
    expect(await world.refresher.fresh(world.present(sessions[5] ?? world.login()))).toEqual({
      ...{ kind: 'unavailable', code: 'provider_unavailable', retryAfter: 10 },
    });
    expect([world.provider.refreshes.length, world.head.claims.length, world.head.released]).toEqual([10, 5, 5]);
    expect(world.logger.of('provider_circuit_opened').length).toBe(1);
  });

  it('leaves sessions usable whose token is still good', async () => {
    const { world } = await down();
    const session = world.login('bob', { accessTokenExpiresAt: world.clock.now() + SECOND, refreshedAt: world.clock.now() - 60 * SECOND });
    expect(await world.request(session)).toEqual({ kind: 'usable', session });
    expect(world.provider.refreshes.length).toBe(10);
  });

  it('is asked by one session alone after the pause, and by all once that went well', async () => {
    const { world, sessions } = await down();
    await world.clock.advance(10 * SECOND);
    world.provider.hold();
    const answers = sessions.slice(6, 16).map((session) => world.request(session));
    await settled();
    expect(world.provider.refreshes.length).toBe(11);
    world.provider.answer();
    expect((await Promise.all(answers)).map(({ kind }) => kind)).toEqual(['usable', ...Array<string>(9).fill('unavailable')]);
    expect(world.logger.of('provider_circuit_closed').length).toBe(1);
    await world.clock.advance(SECOND);
    expect(await inTurn(world, sessions)).toEqual(Array(20).fill('usable'));
  });

  it('is left alone for another pause when that one failed', async () => {
    const { world, sessions } = await down();
    await world.clock.advance(10 * SECOND);
    world.provider.script(notSent, notSent);
    expect(await inTurn(world, sessions.slice(6, 12))).toEqual(Array(6).fill('unavailable'));
    expect(world.provider.refreshes.length).toBe(12);
  });

  it('counts as up when it only refuses', async () => {
    const world = new RefreshWorld();
    const sessions = await users(world, 12);
    world.provider.script(...Array<RefreshOutcome>(11).fill(refused('invalid_client', 401)));
    await inTurn(world, sessions);
    expect(world.provider.refreshes.length).toBe(12);
    expect(world.logger.of('provider_circuit_opened')).toEqual([]);
  });

  it('is tried again after a bug of its adapter', async () => {
    const world = new RefreshWorld({ breaker: { failures: 1, pause: SECOND } });
    const [first, second, third] = await users(world, 3);
    if (first === undefined || second === undefined || third === undefined) throw new Error('three users were made');
    world.provider.script(new TypeError('a bug'), new TypeError('a bug'));
    await world.refresher.fresh(world.present(first));
    await world.clock.advance(SECOND);
    await world.refresher.fresh(world.present(second));
    await world.clock.advance(SECOND);
    expect((await world.refresher.fresh(world.present(third))).kind).toBe('usable');
  });
});
