import { describe, expect, it } from '@jest/globals';

import { CookieSessionStore } from '../../src/session/cookie-session-store.ts';
import { codec, cookieKey } from '../unit/cookie/key-rings.ts';
import { sampleSession } from '../unit/session/sample-session.ts';
import { describeSessionStore } from './session-store.contract.ts';

describeSessionStore('CookieSessionStore', () => ({
  store: new CookieSessionStore({ codec: codec() }),
  elsewhere: new CookieSessionStore({ codec: codec() }),
}));

describe('CookieSessionStore', () => {
  const store = new CookieSessionStore({ codec: codec() });

  it.each([{}, { v: 2 }, [], [1], { v: 1, i: 'sid' }])('calls an authentic seal of %j an unknown version', async (payload) => {
    expect(await store.load(await codec().seal('session', payload))).toEqual({ kind: 'unreadable', reason: 'unknown-version' });
  });

  it('does not know a login attempt or a hint as a session (A58)', async () => {
    for (const purpose of ['login', 'hint', 'logout'] as const) {
      expect(await store.load(await codec().seal(purpose, sampleSession()))).toEqual({ kind: 'unreadable', reason: 'unknown-key' });
    }
  });

  it('says why it cannot read', async () => {
    const { value } = await store.save(sampleSession());
    const rolled = new CookieSessionStore({ codec: codec({ keys: [cookieKey(2, 'z')], activeKey: 2 }) });
    expect(await rolled.load(value)).toEqual({ kind: 'unreadable', reason: 'unknown-key' });
    expect(await store.load(`${value}~2`)).toEqual({ kind: 'unreadable', reason: 'foreign' });
    const changed = value.replace(/\*([^*])([^*]*)\*\*/, (_, first: string, rest: string) => `*${first === 'A' ? 'B' : 'A'}${rest}**`);
    expect(await store.load(changed)).toEqual({ kind: 'unreadable', reason: 'tampered' });
  });
});
