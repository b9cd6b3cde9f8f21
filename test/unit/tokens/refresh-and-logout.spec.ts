import { describe, expect, it } from '@jest/globals';

import type { RevokeOutcome } from '../../../src/oidc/identity-provider.ts';
import type { RevocationCause } from '../../../src/session/revocations.ts';
import type { Session } from '../../../src/session/session.ts';
import { settled } from '../../support/manual-clock.ts';
import { refused, RefreshWorld, SECOND } from './refresh-world.ts';

const revoke = (world: RefreshWorld, session: Session, cause: RevocationCause = 'logout'): Promise<void> =>
  world.revocations.add({ cause, sid: session.sid, until: session.endsAt });

describe('a session that ends during its refresh', () => {
  it.each(['logout', 'back_channel', 'operator', 'replaced'] as const)(
    'by %s: nothing is sealed or published, and the new refresh token is revoked',
    async (cause) => {
      const world = new RefreshWorld();
      const session = await world.expired();
      world.provider.hold();
      const answers = Array.from({ length: 3 }, () => world.request(session));
      await settled();
      await revoke(world, session, cause);
      world.provider.answer();
      expect(await Promise.all(answers)).toEqual(Array(3).fill({ kind: 'rejected', reason: 'revoked', cause }));
      await world.refresher.idle();
      expect([world.provider.revoked, world.store.saved, world.head.published]).toEqual([['rt:alice:2'], [], []]);
      expect([world.head.released, world.memory.newest(session.sid)]).toEqual([1, undefined]);
    },
  );

  it('leaves a static refresh token to whoever ended it', async () => {
    const world = new RefreshWorld();
    world.provider.rotates = false;
    const session = await world.expired();
    world.provider.hold();
    const answer = world.refresher.fresh(world.present(session));
    await settled();
    await revoke(world, session);
    world.provider.answer();
    expect((await answer).kind).toBe('rejected');
    await world.refresher.idle();
    expect(world.provider.revoked).toEqual([]);
  });

  it.each([
    ['says no, which the provider client logs', async () => 'failed' as const, 0],
    ['is not there', async () => 'no-endpoint' as const, 0],
    ['meets a bug', async () => Promise.reject(new TypeError('rt:alice:2')), 1],
  ])('is over even when the revocation endpoint %s', async (_, revokes, lines) => {
    const world = new RefreshWorld();
    world.provider.revokes = revokes;
    const session = await world.expired();
    world.provider.hold();
    const answer = world.refresher.fresh(world.present(session));
    await settled();
    await revoke(world, session);
    world.provider.answer();
    expect((await answer).kind).toBe('rejected');
    await world.refresher.idle();
    expect(world.logger.of('refresh_token_not_revoked').length).toBe(lines);
    expect(JSON.stringify(world.logger.lines)).not.toContain('rt:alice');
  });

  it('is never refreshed again', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    await revoke(world, session);
    expect(world.refresher.fresh({ session })).toEqual({ kind: 'rejected', reason: 'revoked', cause: 'logout' });
    expect([world.provider.refreshes.length, world.head.claims.length]).toEqual([0, 0]);
  });

  it('between the claim and the grant never reaches the provider', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    const answer = world.refresher.fresh({ session });
    await revoke(world, session);
    expect(await answer).toEqual({ kind: 'rejected', reason: 'revoked', cause: 'logout' });
    expect([world.provider.refreshes.length, world.head.released]).toEqual([0, 1]);
  });

  it('is not handed over by the head', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    await world.refresher.fresh({ session });
    const late = world.refresher.fresh({ session });
    await revoke(world, session);
    expect(await late).toEqual({ kind: 'rejected', reason: 'revoked', cause: 'logout' });
  });
});

describe('settling for a logout', () => {
  it('gives the session itself when nothing is under way', async () => {
    const world = new RefreshWorld();
    const session = world.login();
    expect(await world.refresher.settle({ session })).toBe(session);
  });

  it('waits for the refresh under way and gives the tokens that nobody else will see', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.hold();
    void world.refresher.fresh({ session });
    await settled();
    await revoke(world, session);
    const newest = world.refresher.settle({ session });
    await settled();
    world.provider.answer();
    expect((await newest).refreshToken).toBe('rt:alice:2');
    expect(world.head.published).toEqual([]);
  });

  it('gives the newest generation for an older cookie, through whatever is under way', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    await world.refresher.fresh({ session });
    await world.clock.advance(world.provider.lifetime);
    world.provider.hold();
    void world.refresher.fresh(world.present(session));
    await settled();
    const newest = world.refresher.settle({ session });
    await settled();
    world.provider.answer();
    expect((await newest).refreshToken).toBe('rt:alice:3');
  });

  it('gives the session itself when the refresh under way fails', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(refused('invalid_client'));
    void world.refresher.fresh({ session });
    expect(await world.refresher.settle({ session })).toBe(session);
  });

  it('does not wait for ever', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.hold();
    void world.refresher.fresh({ session });
    const newest = world.refresher.settle({ session });
    await world.clock.advance(10 * SECOND);
    expect(await newest).toBe(session);
    world.provider.answer();
    await world.refresher.idle();
  });

  it('goes on with what it has when the head holds something unreadable', async () => {
    const world = new RefreshWorld();
    const session = world.login();
    await world.memory.publish(session.sid, 2, 'not JSON', session.endsAt);
    expect(await world.refresher.settle({ session })).toBe(session);
    expect(world.logger.of('head_ticket_unusable').length).toBe(1);
  });
});

describe('idle', () => {
  it('resolves at once when nothing is under way', async () => {
    await expect(new RefreshWorld().refresher.idle()).resolves.toBeUndefined();
  });

  it('waits for grants and revocations that nobody else waits for', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    let revoked: (outcome: RevokeOutcome) => void = () => undefined;
    world.provider.revokes = () => new Promise((resolve) => (revoked = resolve));
    world.provider.hold();
    void world.refresher.fresh({ session });
    await settled();
    let idle = false;
    const waited = world.refresher.idle().then(() => (idle = true));
    await revoke(world, session);
    world.provider.answer();
    await settled();
    expect([idle, world.provider.revoked]).toEqual([false, ['rt:alice:2']]);
    revoked('revoked');
    await waited;
    expect(idle).toBe(true);
  });
});
