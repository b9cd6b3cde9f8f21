import { beforeEach, describe, expect, it } from '@jest/globals';
import { LiveConnections, type LiveEnd } from '../../../src/session/live-connections.ts';
import { LocalRevocations } from '../../../src/session/local-revocations.ts';
import type { RevocationCause } from '../../../src/session/revocations.ts';
import type { Session } from '../../../src/session/session.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { bareSession, NOW, sampleSession } from './sample-session.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const until = NOW + DAY;

describe('LiveConnections', () => {
  let clock: ManualClock;
  let revocations: LocalRevocations;
  let live: LiveConnections;
  let ends: (readonly [string, LiveEnd])[];

  beforeEach(() => {
    clock = new ManualClock(NOW);
    revocations = new LocalRevocations({ clock });
    live = new LiveConnections({ clock, timer: clock, revocations });
    ends = [];
  });

  const open = (name: string, session: Session | undefined, maxAge = 12 * HOUR): (() => void) =>
    live.open({ session, maxAge, end: (why) => ends.push([name, why]) });
  const endingAt = (endsAt: number, more: Partial<Session> = {}): Session => sampleSession({ endsAt, ...more });

  describe('a limit in time', () => {
    it('ends a connection at the absolute limit of its session, not a millisecond before', async () => {
      open('a', endingAt(NOW + HOUR));
      await clock.advance(HOUR - 1);
      expect(ends).toEqual([]);
      await clock.advance(1);
      expect(ends).toEqual([['a', 'session_expired']]);
    });

    it('ends a connection at its maximum age, not a millisecond before', async () => {
      open('a', endingAt(NOW + DAY), HOUR);
      await clock.advance(HOUR - 1);
      expect(ends).toEqual([]);
      await clock.advance(1);
      expect(ends).toEqual([['a', 'max_age']]);
    });

    it('says that the session is over when both limits fall together', async () => {
      open('a', endingAt(NOW + HOUR), HOUR);
      await clock.advance(HOUR);
      expect(ends).toEqual([['a', 'session_expired']]);
    });

    it('knows a maximum age without a session', async () => {
      open('a', undefined, HOUR);
      await clock.advance(HOUR);
      expect(ends).toEqual([['a', 'max_age']]);
    });

    it('counts the age from the opening of each connection', async () => {
      open('first', undefined, HOUR);
      await clock.advance(MINUTE);
      open('second', undefined, HOUR);
      await clock.advance(HOUR - MINUTE);
      expect(ends.map(([name]) => name)).toEqual(['first']);
      await clock.advance(MINUTE);
      expect(ends.map(([name]) => name)).toEqual(['first', 'second']);
    });

    it('never ends a connection for the idleness of its session', async () => {
      open('a', endingAt(NOW + DAY, { lastSeenAt: NOW - 11 * HOUR }), DAY);
      await clock.advance(DAY - 1);
      expect(ends).toEqual([]);
    });

    it('keeps a lifetime that is longer than the longest timer of Node', async () => {
      const delays: number[] = [];
      const timer = {
        after: (ms: number, run: () => void) => {
          delays.push(ms);
          return clock.after(ms, run);
        },
      };
      live = new LiveConnections({ clock, timer, revocations });
      open('a', endingAt(NOW + 60 * DAY), 90 * DAY);
      await clock.advance(60 * DAY - 1);
      expect(ends).toEqual([]);
      await clock.advance(1);
      expect(ends).toEqual([['a', 'session_expired']]);
      expect(delays).toEqual([2 ** 31 - 1, 2 ** 31 - 1, 60 * DAY - 2 * (2 ** 31 - 1)]);
    });

    it('that is over already ends a connection, after it was opened', async () => {
      open('a', endingAt(NOW - 1));
      expect([ends, live.size]).toEqual([[], 1]);
      await clock.advance(0);
      expect([ends, live.size]).toEqual([[['a', 'session_expired']], 0]);
    });
  });

  describe('a revocation', () => {
    it('ends every connection of the session it names, before it returns, and no other', () => {
      open('a', sampleSession());
      open('b', sampleSession());
      open('other', sampleSession({ sid: 'other' }));
      open('without', undefined);
      void revocations.add({ cause: 'logout', sid: sampleSession().sid, until });
      expect(ends).toEqual([
        ['a', 'session_revoked'],
        ['b', 'session_revoked'],
      ]);
      expect(live.size).toBe(2);
      live.close();
      expect(ends.slice(2)).toEqual([
        ['other', 'shutdown'],
        ['without', 'shutdown'],
      ]);
    });

    it.each(['providerSid', 'sub'] as const)('by %s ends the connections of every session that it means', (by) => {
      const { providerSid = '', sub, idTokenIssuedAt } = sampleSession();
      open('one', sampleSession({ sid: 'one' }));
      open('two', sampleSession({ sid: 'two' }));
      open('later', sampleSession({ sid: 'later', idTokenIssuedAt: idTokenIssuedAt + 1 }));
      open('bob', bareSession({ sid: 'bob', sub: 'bob' }));
      const named = by === 'sub' ? { sub } : { providerSid };
      void revocations.add({ cause: 'back_channel', ...named, issuedAt: idTokenIssuedAt, until });
      expect(ends).toEqual([
        ['one', 'session_revoked'],
        ['two', 'session_revoked'],
      ]);
    });

    it('with several names ends what any of them means', () => {
      open('by sid', bareSession({ sid: 'x' }));
      open('by provider', sampleSession({ sid: 'y' }));
      open('by neither', bareSession({ sid: 'z' }));
      void revocations.add({ cause: 'front_channel', sid: 'x', providerSid: 'provider-sid', until });
      expect(ends.map(([name]) => name)).toEqual(['by sid', 'by provider']);
    });

    it.each<[RevocationCause, LiveEnd]>([
      ['logout', 'session_revoked'],
      ['replaced', 'session_revoked'],
      ['back_channel', 'session_revoked'],
      ['operator', 'session_revoked'],
      ['refresh_refused', 'session_revoked'],
      ['refresh_expired', 'session_expired'],
    ])('for %s is told as %s', (cause, why) => {
      open('a', sampleSession());
      void revocations.add({ cause, sid: sampleSession().sid, until });
      expect(ends).toEqual([['a', why]]);
    });

    it('from before a connection was opened ends it, but only after the opening', async () => {
      void revocations.add({ cause: 'logout', sid: sampleSession().sid, until });
      open('a', sampleSession());
      expect([ends, live.size]).toEqual([[], 1]);
      await clock.advance(0);
      expect([ends, live.size]).toEqual([[['a', 'session_revoked']], 0]);
    });
  });

  describe('the end', () => {
    it('comes once, whatever else happens to the connection afterwards', async () => {
      const leave = open('a', endingAt(NOW + HOUR), HOUR);
      void revocations.add({ cause: 'logout', sid: sampleSession().sid, until });
      void revocations.add({ cause: 'operator', sub: 'alice', until });
      await clock.advance(DAY);
      live.close();
      leave();
      await clock.advance(DAY);
      expect([ends, clock.pending]).toEqual([[['a', 'session_revoked']], 0]);
    });

    it('comes once to a connection that was over when it was opened', async () => {
      void revocations.add({ cause: 'logout', sid: sampleSession().sid, until });
      open('a', sampleSession());
      void revocations.add({ cause: 'operator', sid: sampleSession().sid, until });
      live.close();
      await clock.advance(DAY);
      expect(ends).toHaveLength(1);
    });

    it('never comes to a connection that has left, which leaves no timer behind', async () => {
      open('a', sampleSession())();
      expect([live.size, clock.pending]).toEqual([0, 0]);
      void revocations.add({ cause: 'logout', sid: sampleSession().sid, until });
      live.close();
      await clock.advance(DAY);
      expect(ends).toEqual([]);
    });

    it('may make connections leave, itself and others', () => {
      const leaves: (() => void)[] = [];
      const together = (name: string): void => {
        const end = (why: LiveEnd): void => {
          ends.push([name, why]);
          for (const leave of leaves) leave();
        };
        leaves.push(live.open({ session: sampleSession(), maxAge: HOUR, end }));
      };
      together('a');
      together('b');
      live.close();
      expect([ends, live.size]).toEqual([[['a', 'shutdown']], 0]);
    });
  });

  it('knows how many live, and which of them a revocation still means', async () => {
    const leave = open('a', sampleSession());
    open('b', sampleSession(), HOUR);
    open('c', sampleSession(), 2 * HOUR);
    open('d', undefined);
    expect(live.size).toBe(4);
    leave();
    leave();
    expect(live.size).toBe(3);
    await clock.advance(HOUR);
    expect(live.size).toBe(2);
    void revocations.add({ cause: 'logout', sid: sampleSession().sid, until });
    expect([live.size, ends]).toEqual([
      1,
      [
        ['b', 'max_age'],
        ['c', 'session_revoked'],
      ],
    ]);
  });

  it('closes all at once, and what is opened later right after its opening', async () => {
    open('a', sampleSession());
    open('b', undefined);
    expect(live.isClosed).toBe(false);
    live.close();
    expect([live.isClosed, live.size, ends]).toEqual([
      true,
      0,
      [
        ['a', 'shutdown'],
        ['b', 'shutdown'],
      ],
    ]);
    open('late', sampleSession());
    expect(ends).toHaveLength(2);
    await clock.advance(0);
    expect(ends.slice(2)).toEqual([['late', 'shutdown']]);
  });
});
