import { describe, expect, it } from '@jest/globals';

import { SessionCookie } from '../../../src/cookie/session-cookie.ts';
import { LocalRevocations } from '../../../src/session/local-revocations.ts';
import { MemorySessionHead } from '../../../src/session/memory-session-head.ts';
import type { SessionLookup } from '../../../src/session/session-lookup.ts';
import { TicketDelivery } from '../../../src/session/ticket-delivery.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { IDLE, NOW, sampleSession } from './sample-session.ts';

const NAME = '__Host-Http-cloakroom';
const PRESENTED = { candidates: ['old'], names: [NAME] };
const HANDOVER = 60_000;

function stand() {
  const clock = new ManualClock(NOW);
  const cookie = new SessionCookie({ name: 'cloakroom', devCookies: false, maxChunks: 4, budget: 6144 });
  const heads = new MemorySessionHead({ clock, handover: HANDOVER, confirmAfter: 45_000, idle: IDLE, memory: 100_000 });
  const revocations = new LocalRevocations({ clock });
  const session = sampleSession({ generation: 2 });
  const taken = { ticket: { value: 'new', session }, takenAt: NOW };
  return {
    clock,
    heads,
    revocations,
    session,
    taken,
    delivery: new TicketDelivery({ cookie, heads, revocations, clock, handover: HANDOVER }),
  };
}

describe('setCookies', () => {
  it('gives the ticket for as long as the session lasts, and an hour more', () => {
    const { delivery, taken, clock } = stand();
    clock.set(NOW + 10_500);
    const remaining = 12 * 3600 - 10;
    expect(delivery.setCookies(taken, PRESENTED)).toEqual([
      `${NAME}=new; Path=/; Max-Age=${remaining + 3600}; Secure; HttpOnly; SameSite=Strict`,
    ]);
  });

  it('clears presented cookies that the ticket leaves over', () => {
    const { delivery, taken } = stand();
    const lines = delivery.setCookies(taken, { candidates: [], names: [`${NAME}.0`, `${NAME}.1`] });
    expect(lines.map((line) => line.slice(0, line.indexOf(';')))).toEqual([`${NAME}=new`, `${NAME}.0=`, `${NAME}.1=`]);
  });

  it('is nothing without a ticket', () => expect(stand().delivery.setCookies(undefined, PRESENTED)).toEqual([]));

  it('keeps back a ticket taken half a handover ago', () => {
    const { delivery, taken, clock } = stand();
    clock.set(NOW + HANDOVER / 2 - 1);
    expect(delivery.setCookies(taken, PRESENTED)).toHaveLength(1);
    clock.set(NOW + HANDOVER / 2);
    expect(delivery.setCookies(taken, PRESENTED)).toEqual([]);
  });

  it('keeps back a ticket when a newer generation is known here, and only then', async () => {
    const { delivery, taken, heads, session } = stand();
    await heads.publish(session.sid, 2, 'new', session.endsAt);
    expect(delivery.setCookies(taken, PRESENTED)).toHaveLength(1);
    await heads.publish(session.sid, 3, 'newer', session.endsAt);
    expect(delivery.setCookies(taken, PRESENTED)).toEqual([]);
  });

  it('never brings back a session that was ended meanwhile, or is over', async () => {
    const { delivery, taken, revocations, session } = stand();
    await revocations.add({ cause: 'logout', sid: session.sid, until: session.endsAt });
    expect(delivery.setCookies(taken, PRESENTED)).toEqual([]);
    const late = stand();
    late.clock.set(session.endsAt);
    expect(late.delivery.setCookies({ ...taken, takenAt: session.endsAt }, PRESENTED)).toEqual([]);
  });

  it('still gives the ticket when the clock was set back', () => {
    const { delivery, taken, clock } = stand();
    clock.set(NOW - 600_000);
    expect(delivery.setCookies(taken, PRESENTED)).toHaveLength(1);
  });
});

describe('clearing', () => {
  const session = sampleSession();
  const CLEARED = [`${NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict`];

  it.each<SessionLookup>([
    { kind: 'expired', session },
    { kind: 'revoked', session, cause: 'logout' },
    { kind: 'revoked', session, cause: 'back_channel' },
    { kind: 'unreadable', reason: 'tampered' },
  ])('clears for %j', (lookup) => expect(stand().delivery.clearing(lookup, PRESENTED)).toEqual(CLEARED));

  it.each<SessionLookup>([
    { kind: 'none' },
    { kind: 'active', session, ticket: { value: 'v', session } },
    { kind: 'superseded', session },
    { kind: 'revoked', session, cause: 'replaced' },
    { kind: 'unreadable', reason: 'foreign' },
    { kind: 'unreadable', reason: 'unknown-key' },
    { kind: 'unreadable', reason: 'unknown-version' },
    { kind: 'unavailable', retryAfter: 1 },
  ])('leaves the browser alone for %j', (lookup) => expect(stand().delivery.clearing(lookup, PRESENTED)).toEqual([]));
});
