import { describe, expect, it } from '@jest/globals';

import { LocalRevocations } from '../../../src/session/local-revocations.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { bareSession, NOW, sampleSession } from './sample-session.ts';

const HOUR = 3_600_000;

function list() {
  const clock = new ManualClock(NOW);
  return { clock, revocations: new LocalRevocations({ clock }), until: NOW + 12 * HOUR };
}

describe('LocalRevocations', () => {
  it('ends the session it names, known before the promise settles', () => {
    const { revocations, until } = list();
    void revocations.add({ cause: 'logout', sid: sampleSession().sid, until });
    expect(revocations.causeOf(sampleSession())).toBe('logout');
    expect(revocations.causeOf(sampleSession({ sid: 'another' }))).toBeUndefined();
  });

  it.each(['providerSid', 'sub'] as const)('by %s ends sessions whose ID token was issued up to then, and no later ones', async (name) => {
    const { revocations, until } = list();
    const { providerSid = '', sub, idTokenIssuedAt } = sampleSession();
    const named = name === 'sub' ? { sub } : { providerSid };
    await revocations.add({ cause: 'back_channel', ...named, issuedAt: idTokenIssuedAt, until });
    expect(revocations.causeOf(sampleSession({ sid: 'any' }))).toBe('back_channel');
    expect(revocations.causeOf(sampleSession({ idTokenIssuedAt: idTokenIssuedAt - 1000 }))).toBe('back_channel');
    expect(revocations.causeOf(sampleSession({ idTokenIssuedAt: idTokenIssuedAt + 1 }))).toBeUndefined();
  });

  it('of one generation leaves newer ones alone, until the whole session ends', async () => {
    const { revocations, until } = list();
    const { sid } = sampleSession();
    await revocations.add({ cause: 'refresh_expired', sid, generation: 2, until });
    const causes = () => [1, 2, 3].map((generation) => revocations.causeOf(sampleSession({ generation })));
    expect(causes()).toEqual(['refresh_expired', 'refresh_expired', undefined]);
    await revocations.add({ cause: 'logout', sid, until });
    expect(causes()).toEqual(['logout', 'logout', 'logout']);
    await revocations.add({ cause: 'refresh_expired', sid, generation: 9, until });
    expect(causes()).toEqual(['logout', 'logout', 'logout']);
  });

  it('without a time ends all that it names', async () => {
    const { revocations, until } = list();
    await revocations.add({ cause: 'operator', sub: 'alice', until });
    expect(revocations.causeOf(sampleSession({ idTokenIssuedAt: NOW }))).toBe('operator');
    expect(revocations.causeOf(sampleSession({ sub: 'bob' }))).toBeUndefined();
  });

  it('keeps the names apart', async () => {
    const { revocations, until } = list();
    await revocations.add({ cause: 'logout', sid: 'alice', until });
    await revocations.add({ cause: 'back_channel', providerSid: sampleSession().sid, until });
    expect(revocations.causeOf(sampleSession())).toBeUndefined();
    expect(revocations.causeOf(bareSession())).toBeUndefined();
  });

  it('ends by any one of its names', async () => {
    const { revocations, until } = list();
    await revocations.add({ cause: 'front_channel', sid: 'x', providerSid: 'provider-sid', until });
    expect(revocations.causeOf(sampleSession())).toBe('front_channel');
    expect(revocations.causeOf(bareSession({ sid: 'x' }))).toBe('front_channel');
  });

  it('of two times for one name the later counts, whatever their order', async () => {
    for (const times of [
      [100, 200],
      [200, 100],
    ]) {
      const { revocations, until } = list();
      for (const issuedAt of times) await revocations.add({ cause: 'back_channel', sub: 'alice', issuedAt, until });
      expect(revocations.causeOf(sampleSession({ idTokenIssuedAt: 150 }))).toBe('back_channel');
      expect(revocations.causeOf(sampleSession({ idTokenIssuedAt: 201 }))).toBeUndefined();
    }
  });

  it('remembers that a login replaced a session, whatever else ended it before or after', async () => {
    for (const causes of [['logout', 'replaced'] as const, ['replaced', 'logout'] as const]) {
      const { revocations, until } = list();
      for (const cause of causes) await revocations.add({ cause, sid: sampleSession().sid, until });
      expect(revocations.causeOf(sampleSession())).toBe('replaced');
    }
  });

  it('keeps the first of other causes', async () => {
    const { revocations, until } = list();
    await revocations.add({ cause: 'logout', sid: sampleSession().sid, until });
    await revocations.add({ cause: 'operator', sid: sampleSession().sid, until });
    expect(revocations.causeOf(sampleSession())).toBe('logout');
  });

  it('forgets an entry when its time is over, and not before', async () => {
    const { revocations, clock } = list();
    await revocations.add({ cause: 'logout', sid: sampleSession().sid, until: NOW + 1000 });
    clock.set(NOW + 999);
    expect(revocations.causeOf(sampleSession())).toBe('logout');
    clock.set(NOW + 1000);
    expect(revocations.causeOf(sampleSession())).toBeUndefined();
  });

  it('does not grow with what is over', async () => {
    const { revocations, clock } = list();
    for (let at = 0; at < 5000; at += 1) {
      clock.set(NOW + at * 1000);
      await revocations.add({ cause: 'logout', sid: `s${at}`, until: clock.now() + 10_000 });
    }
    expect(revocations.size).toBeLessThan(40);
  });
});
