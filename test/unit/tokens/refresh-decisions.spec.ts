import { describe, expect, it } from '@jest/globals';

import type { RefreshOutcome } from '../../../src/oidc/identity-provider.ts';
import { MINUTE, noAnswer, notSent, refused, RefreshWorld, SECOND } from './refresh-world.ts';

const unavailable = (retryAfter = 5) => ({ kind: 'unavailable', code: 'provider_unavailable', retryAfter });
const REVOKED = { kind: 'rejected', reason: 'revoked', cause: 'refresh_refused' };

/** Every answer that leaves the session as it is. */
const KEEPS: readonly (readonly [string, RefreshOutcome, number])[] = [
  ['invalid_client', refused('invalid_client'), 5],
  ['a 401', refused('invalid_client', 401), 5],
  ['unauthorized_client', refused('unauthorized_client'), 5],
  ['unsupported_grant_type', refused('unsupported_grant_type'), 5],
  ['another 400', refused('invalid_request'), 5],
  ['a 403 with an unknown error', refused('other', 403), 5],
  ['a 429', { kind: 'throttled', retryAfter: 17 }, 17],
  ['a 5xx', { kind: 'failed', sent: true, cause: 'http_502' }, 5],
  ['a 503 with Retry-After', { kind: 'failed', sent: true, cause: 'http_503', retryAfter: 9 }, 9],
  ['a timeout', noAnswer, 5],
  ['unreadable JSON', { kind: 'failed', sent: true, cause: 'malformed' }, 5],
  ['a refused connection', notSent, 5],
  ['an unknown host', { kind: 'failed', sent: false, cause: 'ENOTFOUND' }, 5],
  ['a TLS failure', { kind: 'failed', sent: false, cause: 'tls' }, 5],
];

describe('with the access token still valid', () => {
  it.each(KEEPS)('%s leaves the session usable', async (_, outcome) => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    world.provider.script(outcome, outcome);
    expect(await world.request(session)).toEqual({ kind: 'usable', session });
    expect(world.revocations.causeOf(session)).toBeUndefined();
    expect([world.head.released, world.head.published.length]).toEqual([1, 0]);
  });

  it('invalid_grant ends the session', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    world.provider.script(refused('invalid_grant'));
    expect(await world.request(session)).toEqual(REVOKED);
    expect(world.revocations.causeOf(session)).toBe('refresh_refused');
  });
});

describe('with the access token over', () => {
  it.each(KEEPS)('%s means 503 for everybody, and the session is kept', async (_, outcome, retryAfter) => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(outcome, outcome);
    const answers = await Promise.all(Array.from({ length: 5 }, () => world.request(session)));
    expect(answers).toEqual(Array(5).fill(unavailable(retryAfter)));
    expect(world.revocations.causeOf(session)).toBeUndefined();
    expect([world.head.claims.length, world.head.released]).toEqual([1, 1]);
  });

  it.each(KEEPS)('a session that met %s is used again once the provider grants', async (_, outcome) => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(outcome, ...(outcome.kind === 'failed' ? [outcome] : []));
    await world.request(session);
    await world.clock.advance(20 * SECOND);
    expect(await world.request(session)).toMatchObject({ kind: 'usable', session: { generation: 2 } });
  });

  it('invalid_grant ends the session for everybody, after one grant', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(refused('invalid_grant'));
    const answers = await Promise.all(Array.from({ length: 5 }, () => world.request(session)));
    expect(answers).toEqual(Array(5).fill(REVOKED));
    expect(world.refresher.fresh(world.present(session))).toEqual(REVOKED);
    expect([world.provider.refreshes.length, world.provider.revoked, world.head.released]).toEqual([1, [], 1]);
    expect(world.logger.of('session_ended').map(({ fields }) => fields)).toEqual([{ cause: 'refresh_refused', sub: 'alice' }]);
  });

  it('what a preset calls fatal ends the session at once', async () => {
    const world = new RefreshWorld({ fatalErrors: ['invalid_grant', 'invalid_request'] });
    const session = await world.expired();
    world.provider.script(refused('invalid_request'));
    expect(await world.request(session)).toEqual(REVOKED);
  });

  it('a refreshed ID token of somebody else ends the session and revokes the new refresh token', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    const tokens = { accessToken: 'at:mallory', accessTokenExpiresAt: world.clock.now() + MINUTE, refreshToken: 'rt:mallory' };
    world.provider.script({ kind: 'subject-changed', tokens });
    expect(await world.request(session)).toEqual(REVOKED);
    await world.refresher.idle();
    expect([world.provider.revoked, world.head.published, world.store.saved]).toEqual([['rt:mallory'], [], []]);
    expect(world.logger.of('refresh_subject_changed').map(({ level }) => level)).toEqual(['error']);
  });
});

describe('invalid_grant for a refresh token that has a successor', () => {
  async function spentElsewhere(): Promise<{ world: RefreshWorld; answer: unknown }> {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(refused('invalid_grant'));
    world.provider.hold();
    const answer = world.refresher.fresh(world.present(session));
    await world.clock.advance(0);
    const next = { ...session, generation: 2, accessToken: 'at:elsewhere', accessTokenExpiresAt: world.clock.now() + MINUTE };
    await world.memory.publish(session.sid, 2, JSON.stringify({ session: next }), session.endsAt);
    world.provider.answer();
    return { world, answer: await answer };
  }

  it('uses the successor', async () => {
    const { answer } = await spentElsewhere();
    expect(answer).toMatchObject({ kind: 'usable', session: { accessToken: 'at:elsewhere' }, taken: {} });
  });

  it('ends nothing', async () => {
    const { world } = await spentElsewhere();
    expect(world.logger.of('session_ended')).toEqual([]);
    expect(world.revocations.size).toBe(0);
  });

  it('is kept when nobody can be asked whether it has one', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(refused('invalid_grant'));
    world.head.script.push({ kind: 'granted', until: world.clock.now() + MINUTE }, { kind: 'unavailable', retryAfter: 2 });
    expect(await world.refresher.fresh({ session })).toEqual({ kind: 'unavailable', code: 'store_unavailable', retryAfter: 2 });
    expect(world.revocations.causeOf(session)).toBeUndefined();
  });
});

describe('another 400, again and again', () => {
  async function twice(first: string, pauseMs: number, second: string): Promise<unknown> {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(refused(first), refused(second));
    expect(await world.request(session)).toEqual(unavailable());
    await world.clock.advance(pauseMs);
    const answer = await world.request(session);
    expect(world.provider.refreshes.length).toBe(2);
    expect(answer).toEqual(await world.request(session));
    return [answer, world.revocations.causeOf(session)];
  }

  it('expires the session when the same answer comes 30 s later', async () => {
    expect(await twice('invalid_request', 30 * SECOND, 'invalid_request')).toEqual([
      { kind: 'rejected', reason: 'expired' },
      'refresh_expired',
    ]);
  });

  it('does not when it comes sooner', async () => {
    expect(await twice('invalid_request', 29_999, 'invalid_request')).toEqual([unavailable(), undefined]);
  });

  it('does not when it is another answer', async () => {
    expect(await twice('invalid_request', 30 * SECOND, 'invalid_scope')).toEqual([unavailable(), undefined]);
  });

  it('counts from the first time, however often it was asked in between', async () => {
    const world = new RefreshWorld();
    const session = await world.expired();
    world.provider.script(...Array<RefreshOutcome>(4).fill(refused('invalid_request')));
    const kinds = [];
    for (let i = 0; i < 4; i++) {
      kinds.push((await world.request(session)).kind);
      await world.clock.advance(10 * SECOND);
    }
    expect(kinds).toEqual(['unavailable', 'unavailable', 'unavailable', 'rejected']);
  });

  it('does not count what was said while the token was still good', async () => {
    const world = new RefreshWorld();
    const session = await world.ageing();
    world.provider.script(refused('invalid_request'), refused('invalid_request'));
    expect(await world.request(session)).toEqual({ kind: 'usable', session });
    await world.clock.advance(40 * SECOND);
    expect(await world.request(session)).toEqual(unavailable());
  });

  it('starts anew after a success', async () => {
    const world = new RefreshWorld();
    let session = await world.expired();
    world.provider.script(refused('invalid_request'));
    await world.request(session);
    await world.clock.advance(10 * SECOND);
    const granted = await world.request(session);
    if (granted.kind === 'usable') session = granted.session;
    await world.clock.advance(5 * MINUTE);
    world.provider.script(refused('invalid_request'));
    expect(await world.request(session)).toEqual(unavailable());
  });
});

describe('a wrong client secret', () => {
  it('is one error a minute in the log, however many sessions meet it', async () => {
    const world = new RefreshWorld();
    const users = ['alice', 'bob', 'carol'].map((sub) => world.login(sub));
    await world.expired('dave');
    world.provider.script(...Array<RefreshOutcome>(4).fill(refused('invalid_client', 401)));
    await Promise.all(users.map((session) => world.request(session)));
    const lines = world.logger.of('refresh_refused_misconfigured');
    expect(lines.map(({ level, fields }) => [level, fields])).toEqual([['error', { error: 'invalid_client', status: 401 }]]);
    await world.clock.advance(MINUTE);
    await Promise.all(users.slice(0, 1).map((session) => world.request(session)));
    expect(world.logger.of('refresh_refused_misconfigured').length).toBe(2);
  });
});
