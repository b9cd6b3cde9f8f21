import { describe, expect, it } from '@jest/globals';
import type { RefreshOutcome } from '../../../src/oidc/identity-provider.ts';
import type { Claim } from '../../../src/session/session-head.ts';
import { inTurn, notSent, RefreshWorld, SECOND, users } from './refresh-world.ts';

/** The leases are nearly over when this process, which stood still, learns that it has them. */
function standStill(world: RefreshWorld, times: number): void {
  const claim: Claim = { kind: 'granted', until: world.clock.now() + SECOND };
  world.head.script.push(...Array<Claim>(times).fill(claim));
}

describe('a lease that would end before the grant', () => {
  it('is not used, and says nothing about the provider', async () => {
    const world = new RefreshWorld();
    const sessions = await users(world, 6);
    standStill(world, 5);
    expect(await inTurn(world, sessions.slice(0, 5))).toEqual(Array(5).fill('unavailable'));
    expect([world.provider.refreshes.length, world.logger.of('provider_circuit_opened').length]).toEqual([0, 0]);
    expect(await inTurn(world, sessions.slice(5))).toEqual(['usable']);
  });

  it('does not use up the one try after a pause', async () => {
    const world = new RefreshWorld();
    const sessions = await users(world, 7);
    world.provider.script(...Array<RefreshOutcome>(10).fill(notSent));
    await inTurn(world, sessions.slice(0, 5));
    await world.clock.advance(10 * SECOND);
    standStill(world, 1);
    expect(await inTurn(world, sessions.slice(5))).toEqual(['unavailable', 'usable']);
  });

  it('gives its turn to the next one, once', async () => {
    const world = new RefreshWorld({ maxInFlight: 1 });
    const sessions = await users(world, 3);
    standStill(world, 1);
    world.provider.hold();
    const answers = sessions.map((session) => world.request(session));
    await world.clock.advance(1);
    expect(world.provider.refreshes.length).toBe(1);
    world.provider.answer();
    await world.clock.advance(1);
    world.provider.answer();
    expect((await Promise.all(answers)).map(({ kind }) => kind)).toEqual(['unavailable', 'usable', 'usable']);
  });
});
