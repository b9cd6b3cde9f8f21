import { describe, expect, it } from '@jest/globals';

import { CookieSessionStore } from '../../../src/session/cookie-session-store.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { LocalRevocations } from '../../../src/session/local-revocations.ts';
import { MemorySessionHead } from '../../../src/session/memory-session-head.ts';
import type { Head } from '../../../src/session/session-head.ts';
import { SessionResolver } from '../../../src/session/session-resolver.ts';
import type { Loaded } from '../../../src/session/session-store.ts';
import type { Session } from '../../../src/session/session.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { codec } from '../cookie/key-rings.ts';
import { IDLE, NOW, sampleSession } from './sample-session.ts';

const CONFIRM_AFTER = 45_000;
const HANDOVER = 60_000;
const LEASE = 5000;
const presenting = (...candidates: string[]) => ({ candidates, names: ['__Host-Http-cloakroom'] });

function stand() {
  const clock = new ManualClock(NOW);
  const store = new CookieSessionStore({ codec: codec() });
  const heads = new MemorySessionHead({ clock, handover: HANDOVER, confirmAfter: CONFIRM_AFTER, idle: IDLE, memory: 1_000_000 });
  const revocations = new LocalRevocations({ clock });
  const log = new RecordingLogger();
  const resolver = new SessionResolver({ store, heads, revocations, clock, logger: log, idle: IDLE, confirmAfter: CONFIRM_AFTER });
  const seal = async (changes: Partial<Session> = {}) => (await store.save(sampleSession(changes))).value;
  /** A refresh by somebody: the older and the newer cookie. */
  const refreshed = async () => {
    const [older, newer] = [await seal(), await seal({ generation: 2, accessToken: 'newer' })];
    await heads.publish(sampleSession().sid, 2, newer, sampleSession().endsAt);
    return { older, newer };
  };
  return { clock, store, heads, revocations, log, resolver, seal, refreshed };
}

/** A resolver over results that a test makes up. */
function resolverOf(results: Readonly<Record<string, Loaded | Promise<Loaded>>>, head?: Head) {
  const confirmed: string[] = [];
  const store = {
    load: (value: string) => results[value] ?? { kind: 'missing' as const },
    save: (session: Session) => Promise.resolve({ value: '', session }),
    remove: () => Promise.resolve(),
  };
  const heads = {
    newest: () => head,
    current: (_sid: string, known: Head) => known,
    outrun: () => undefined,
    confirm: (sid: string, generation: number) => {
      confirmed.push(`${sid} ${generation}`);
      return Promise.reject(new Error('unreachable'));
    },
  };
  const clock = new ManualClock(NOW);
  const resolver = new SessionResolver({
    store,
    heads,
    revocations: new LocalRevocations({ clock }),
    clock,
    logger: silentLogger,
    idle: IDLE,
    confirmAfter: CONFIRM_AFTER,
  });
  return { resolver, confirmed, clock };
}

const loaded = (session: Session): Loaded => ({ kind: 'loaded', session });

describe('one session', () => {
  it('is none without cookies of ours', () => {
    expect(stand().resolver.resolve({ candidates: [], names: [] })).toEqual({ kind: 'none' });
  });

  it('is active, with the ticket as presented, and without a promise once it is cached', async () => {
    const { resolver, seal } = stand();
    const value = await seal();
    expect(resolver.resolve(presenting(value))).toEqual({
      kind: 'active',
      session: sampleSession(),
      ticket: { value, session: sampleSession() },
    });
  });

  it('is unsealed on the way when it is not', async () => {
    const { resolver } = stand();
    const { value } = await new CookieSessionStore({ codec: codec() }).save(sampleSession());
    const lookup = resolver.resolve(presenting(value));
    expect(lookup).toBeInstanceOf(Promise);
    expect(await lookup).toMatchObject({ kind: 'active', session: { sid: sampleSession().sid } });
  });

  it('expires at the idle limit, by what the seal says (A58)', async () => {
    const { resolver, seal, clock } = stand();
    const value = await seal();
    clock.set(NOW + IDLE - 1);
    expect(resolver.resolve(presenting(value))).toMatchObject({ kind: 'active' });
    clock.set(NOW + IDLE);
    expect(resolver.resolve(presenting(value))).toEqual({ kind: 'expired', session: sampleSession() });
  });

  it('expires at the absolute limit however busy it is', async () => {
    const { resolver, seal, clock } = stand();
    const { endsAt } = sampleSession();
    const value = await seal({ lastSeenAt: endsAt });
    clock.set(endsAt - 1);
    expect(resolver.resolve(presenting(value))).toMatchObject({ kind: 'active' });
    clock.set(endsAt);
    expect(resolver.resolve(presenting(value))).toMatchObject({ kind: 'expired' });
  });

  it.each([-600_000, -60_000, 60_000, 600_000])('survives a clock that jumps by %d ms and back', async (jump) => {
    const { resolver, seal, clock } = stand();
    const value = await seal();
    clock.set(NOW + jump);
    expect(resolver.resolve(presenting(value))).toMatchObject({ kind: 'active' });
    const sealedThen = await seal({ lastSeenAt: clock.now(), createdAt: clock.now(), refreshedAt: clock.now() });
    clock.set(NOW);
    expect(resolver.resolve(presenting(sealedThen))).toMatchObject({ kind: 'active' });
  });

  it('is revoked with its cause', async () => {
    const { resolver, seal, revocations } = stand();
    const value = await seal();
    await revocations.add({ cause: 'back_channel', sub: 'alice', issuedAt: NOW / 1000, until: sampleSession().endsAt });
    expect(resolver.resolve(presenting(value))).toEqual({ kind: 'revoked', session: sampleSession(), cause: 'back_channel' });
  });
});

describe('a session whose tokens can no longer be renewed', () => {
  it('is expired, for nobody revoked it', async () => {
    const { resolver, seal, revocations } = stand();
    const value = await seal();
    await revocations.add({ cause: 'refresh_expired', sid: sampleSession().sid, until: sampleSession().endsAt });
    expect(resolver.resolve(presenting(value))).toEqual({ kind: 'expired', session: sampleSession() });
  });
});

describe('an older generation', () => {
  it('takes the ticket of the head while the browser may not have it', async () => {
    const { resolver, refreshed, clock } = stand();
    const { older, newer } = await refreshed();
    clock.set(NOW + IDLE - 1);
    const ticket = { value: newer, session: sampleSession({ generation: 2, accessToken: 'newer' }) };
    expect(resolver.resolve(presenting(older))).toEqual({
      kind: 'active',
      session: ticket.session,
      ticket,
      taken: { ticket, takenAt: clock.now() },
    });
  });

  it('is superseded once the handover is over', async () => {
    const { resolver, refreshed, clock, heads } = stand();
    const { older, newer } = await refreshed();
    clock.set(NOW + CONFIRM_AFTER);
    expect(resolver.resolve(presenting(newer))).toMatchObject({ kind: 'active' });
    clock.set(clock.now() + HANDOVER - 1);
    expect(resolver.resolve(presenting(older))).toMatchObject({ kind: 'active', session: { generation: 2 } });
    clock.set(clock.now() + 1);
    expect(resolver.resolve(presenting(older))).toEqual({ kind: 'superseded', session: sampleSession() });
    expect(heads.newest(sampleSession().sid)).not.toHaveProperty('ticket');
  });

  it('is suspected of reuse once, in words for the audit and without a session id', async () => {
    const { resolver, refreshed, clock, log } = stand();
    const { older } = await refreshed();
    expect(resolver.resolve(presenting(older))).toMatchObject({ kind: 'active' });
    expect(log.lines).toEqual([]);
    clock.set(NOW + IDLE);
    for (let request = 0; request < 3; request += 1) expect(resolver.resolve(presenting(older))).toMatchObject({ kind: 'superseded' });
    expect(log.lines).toEqual([{ level: 'warn', event: 'refresh_reuse_suspected', fields: { sub: 'alice', generation: 1, newest: 2 } }]);
  });

  it('is revoked rather than superseded when its session was ended', async () => {
    const { resolver, refreshed, clock, revocations } = stand();
    const { older, newer } = await refreshed();
    await revocations.add({ cause: 'logout', sid: sampleSession().sid, until: sampleSession().endsAt });
    expect(resolver.resolve(presenting(older))).toMatchObject({ kind: 'revoked', cause: 'logout', session: { generation: 2 } });
    clock.set(NOW + IDLE);
    expect(resolver.resolve(presenting(older))).toMatchObject({ kind: 'revoked', cause: 'logout' });
    expect(resolver.resolve(presenting(newer))).toMatchObject({ kind: 'revoked', cause: 'logout' });
  });

  it('goes on by the limits of the newer one', async () => {
    const { resolver, seal, heads, clock } = stand();
    const older = await seal();
    const { sid, endsAt } = sampleSession();
    clock.set(NOW + IDLE - 1000);
    await heads.publish(sid, 2, await seal({ generation: 2, lastSeenAt: clock.now() }), endsAt);
    clock.set(NOW + IDLE + 1000);
    expect(resolver.resolve(presenting(older))).toMatchObject({ kind: 'active', session: { generation: 2 } });
  });

  it('never goes on when the ticket of the head cannot be read', () => {
    const session = sampleSession();
    const head = { generation: 2, ticket: 'gone', setAt: NOW };
    expect(resolverOf({ old: loaded(session) }, head).resolver.resolve(presenting('old'))).toEqual({ kind: 'superseded', session });
  });

  it('is unavailable, not superseded, when the store cannot be asked for the ticket', async () => {
    const results = { old: loaded(sampleSession()), ticket: Promise.resolve<Loaded>({ kind: 'unavailable', retryAfter: 2 }) };
    const { resolver } = resolverOf(results, { generation: 2, ticket: 'ticket', setAt: NOW });
    expect(await resolver.resolve(presenting('old'))).toEqual({ kind: 'unavailable', retryAfter: 2 });
  });

  it('presented when this process knows an older one is taken as it is', async () => {
    const { resolver, seal, heads } = stand();
    await heads.publish(sampleSession().sid, 2, await seal({ generation: 2 }), sampleSession().endsAt);
    const newest = await seal({ generation: 3 });
    const lookup = resolver.resolve(presenting(newest));
    expect(lookup).toMatchObject({ kind: 'active', session: { generation: 3 } });
    expect(lookup).not.toHaveProperty('taken');
  });
});

describe('a ticket at the head', () => {
  const presented = sampleSession({ generation: 1 });
  const head = { generation: 2, ticket: 'new', setAt: NOW };

  it.each([
    ['of another session', sampleSession({ generation: 2, sid: 'of-mallory' })],
    ['of another generation', sampleSession({ generation: 3 })],
    ['that is older', sampleSession({ generation: 1 })],
  ])('%s is never handed over', async (_what, other) => {
    const { resolver } = resolverOf({ old: loaded(presented), new: loaded(other) }, head);
    expect(await resolver.resolve(presenting('old'))).toMatchObject({ kind: 'superseded', session: presented });
  });

  it('that was sealed with a key which is not here yet says nothing about the session', async () => {
    const { resolver } = resolverOf({ old: loaded(presented), new: { kind: 'unreadable', reason: 'unknown-key' } }, head);
    expect(await resolver.resolve(presenting('old'))).toEqual({ kind: 'unavailable', retryAfter: 1 });
  });

  it('which only others know, and cannot be asked for, says nothing about the session either', async () => {
    const { resolver } = resolverOf({ old: loaded(presented) }, { generation: 2, setAt: NOW, elsewhere: true });
    expect(await resolver.resolve(presenting('old'))).toEqual({ kind: 'unavailable', retryAfter: 1 });
  });
});

describe('confirmation', () => {
  const session = sampleSession({ generation: 2 });
  const head = { generation: 2, ticket: 'new', setAt: NOW };

  it('is told once for each generation, not before its time, and a failure of it harms nobody', async () => {
    const { resolver, confirmed, clock } = resolverOf({ new: loaded(session) }, head);
    clock.set(NOW + CONFIRM_AFTER - 1);
    expect(resolver.resolve(presenting('new'))).toMatchObject({ kind: 'active' });
    expect(confirmed).toEqual([]);
    clock.set(NOW + CONFIRM_AFTER);
    for (let request = 0; request < 10; request += 1) expect(resolver.resolve(presenting('new'))).toMatchObject({ kind: 'active' });
    await new Promise(setImmediate);
    expect(confirmed).toEqual([`${session.sid} 2`]);
  });

  it('is told as well for a generation that another process made, by its own time and while its ticket can be there', async () => {
    const made = { ...session, refreshedAt: NOW, lastSeenAt: NOW };
    for (const head of [undefined, { generation: 1, ticket: 'old', setAt: NOW }]) {
      const { resolver, confirmed, clock } = resolverOf({ new: loaded(made) }, head);
      clock.set(NOW + CONFIRM_AFTER + 4999);
      await resolver.resolve(presenting('new'));
      expect(confirmed).toEqual([]);
      clock.set(NOW + CONFIRM_AFTER + 5000);
      for (let request = 0; request < 3; request += 1) await resolver.resolve(presenting('new'));
      expect(confirmed).toEqual([`${session.sid} 2`]);
    }
    const late = resolverOf({ new: loaded({ ...made, lastSeenAt: NOW + IDLE + 5000 }) });
    late.clock.set(NOW + IDLE + 5000);
    expect(late.resolver.resolve(presenting('new'))).toMatchObject({ kind: 'active' });
    const first = resolverOf({ new: loaded({ ...made, generation: 1 }) });
    first.clock.set(NOW + CONFIRM_AFTER);
    await first.resolver.resolve(presenting('new'));
    expect([...late.confirmed, ...first.confirmed]).toEqual([]);
  });

  it('is not told for what is confirmed already, nor by an ended session', () => {
    const known = resolverOf({ new: loaded(session) }, { ...head, confirmedAt: NOW });
    known.clock.set(NOW + CONFIRM_AFTER);
    expect(known.resolver.resolve(presenting('new'))).toMatchObject({ kind: 'active' });
    const ended = resolverOf({ new: loaded({ ...session, endsAt: NOW }) }, head);
    ended.clock.set(NOW + CONFIRM_AFTER);
    expect(ended.resolver.resolve(presenting('new'))).toMatchObject({ kind: 'expired' });
    expect([...known.confirmed, ...ended.confirmed]).toEqual([]);
  });

  it('is not told by an older generation', async () => {
    const { resolver, refreshed, clock, heads } = stand();
    const { older } = await refreshed();
    clock.set(NOW + CONFIRM_AFTER);
    expect(resolver.resolve(presenting(older))).toMatchObject({ kind: 'active', session: { generation: 2 } });
    expect(heads.newest(sampleSession().sid)).not.toHaveProperty('confirmedAt');
    expect(await heads.claim({ ...sampleSession(), generation: 1 }, LEASE)).toMatchObject({ kind: 'newer' });
  });
});

describe('several candidates', () => {
  const results = {
    one: loaded(sampleSession({ generation: 1 })),
    two: loaded(sampleSession({ generation: 2 })),
    tampered: { kind: 'unreadable', reason: 'tampered' },
    foreign: { kind: 'unreadable', reason: 'foreign' },
    unknownKey: { kind: 'unreadable', reason: 'unknown-key' },
    unknownVersion: { kind: 'unreadable', reason: 'unknown-version' },
    down: { kind: 'unavailable', retryAfter: 3 },
  } as const satisfies Readonly<Record<string, Loaded>>;
  const resolve = async (...values: (keyof typeof results | 'missing')[]) => resolverOf(results).resolver.resolve(presenting(...values));

  it('the newest generation wins, wherever it stands', async () => {
    expect(await resolve('one', 'two')).toMatchObject({ kind: 'active', ticket: { value: 'two' } });
    expect(await resolve('two', 'one')).toMatchObject({ kind: 'active', ticket: { value: 'two' } });
  });

  it.each(['tampered', 'foreign', 'unknownKey', 'unknownVersion', 'down', 'missing'] as const)(
    'a readable one wins over %s (A60)',
    async (other) => {
      expect(await resolve(other, 'one')).toMatchObject({ kind: 'active', ticket: { value: 'one' } });
      expect(await resolve('one', other)).toMatchObject({ kind: 'active', ticket: { value: 'one' } });
    },
  );

  it('an unavailable store is never "not logged in"', async () => {
    expect(await resolve('tampered', 'down', 'foreign')).toEqual({ kind: 'unavailable', retryAfter: 3 });
  });

  it.each([
    [['foreign'], 'foreign'],
    [['tampered'], 'tampered'],
    [['foreign', 'tampered'], 'tampered'],
    [['tampered', 'unknownKey'], 'unknown-key'],
    [['unknownVersion', 'tampered'], 'unknown-version'],
  ] as const)('of %j the reason is %s: tampered clears cookies, so nothing readable elsewhere may be beside it', async (values, reason) => {
    expect(await resolve(...values)).toEqual({ kind: 'unreadable', reason });
  });

  it('is none when the store has never heard of any', async () => {
    expect(await resolve('missing')).toEqual({ kind: 'none' });
  });

  it('is foreign when nothing among the cookies of our name could be tried', () => {
    expect(resolverOf({}).resolver.resolve({ candidates: [], names: ['__Host-Http-cloakroom'] })).toEqual({
      kind: 'unreadable',
      reason: 'foreign',
    });
  });

  it('of two sessions the newer login wins, unless it has ended', async () => {
    const { resolver, seal, revocations } = stand();
    const before = await seal({ sid: 'before', generation: 9, refreshedAt: NOW + 5000 });
    const after = await seal({ sid: 'after', createdAt: NOW + 1000, refreshedAt: NOW + 1000 });
    expect(await resolver.resolve(presenting(before, after))).toMatchObject({ kind: 'active', session: { sid: 'after' } });
    await revocations.add({ cause: 'logout', sid: 'after', until: sampleSession().endsAt });
    expect(await resolver.resolve(presenting(before, after))).toMatchObject({ kind: 'active', session: { sid: 'before' } });
    await revocations.add({ cause: 'replaced', sid: 'before', until: sampleSession().endsAt });
    expect(await resolver.resolve(presenting(before, after))).toMatchObject({ kind: 'revoked', session: { sid: 'after' } });
  });

  it('waits for those that are not unsealed yet, and judges all together', async () => {
    const elsewhere = new CookieSessionStore({ codec: codec() });
    const values = await Promise.all([1, 3, 2].map(async (generation) => (await elsewhere.save(sampleSession({ generation }))).value));
    expect(await stand().resolver.resolve(presenting(...values))).toMatchObject({ kind: 'active', session: { generation: 3 } });
  });
});
