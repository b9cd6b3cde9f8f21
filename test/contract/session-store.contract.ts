import { beforeEach, describe, expect, it } from '@jest/globals';

import type { SessionStore } from '../../src/session/session-store.ts';
import { bareSession, sampleSession } from '../unit/session/sample-session.ts';

export interface StoreUnderTest {
  readonly store: SessionStore;
  /** The same store in another process, which has seen nothing yet. */
  readonly elsewhere: SessionStore;
}

/** The suite that every implementation of `SessionStore` passes. */
export function describeSessionStore(name: string, makeStore: () => StoreUnderTest | Promise<StoreUnderTest>): void {
  describe(name, () => {
    let { store, elsewhere }: StoreUnderTest = {} as StoreUnderTest;

    beforeEach(async () => {
      ({ store, elsewhere } = await makeStore());
    });

    it.each([
      ['with everything', sampleSession()],
      ['without the optional parts', bareSession({ scope: [], claims: {} })],
      ['with odd claims', sampleSession({ claims: { sub: 'ü€😀', groups: ['a "b"', ''], nested: { list: [1, 2.5, null, false] }, n: 0 } })],
      ['with 150 groups', sampleSession({ claims: { groups: Array.from({ length: 150 }, (_, at) => `group-${at}`) } })],
    ])('gives back a session %s, here and elsewhere', async (_, session) => {
      const ticket = await store.save(session);
      expect(ticket.session).toEqual(session);
      expect(await store.load(ticket.value)).toEqual({ kind: 'loaded', session });
      expect(await elsewhere.load(ticket.value)).toEqual({ kind: 'loaded', session });
    });

    it('loads without a promise once the session is at hand, and then always the same object', async () => {
      const { value } = await store.save(sampleSession());
      const first = await elsewhere.load(value);
      const second = elsewhere.load(value);
      expect(second).not.toBeInstanceOf(Promise);
      expect(second).toEqual(first);
      expect(elsewhere.load(value)).toBe(second);
    });

    it('hands out sessions that nobody can change for others', async () => {
      const { value } = await store.save(sampleSession());
      const loaded = await elsewhere.load(value);
      if (loaded.kind !== 'loaded') throw new Error('not loaded');
      expect(() => Object.assign(loaded.session, { sub: 'mallory' })).toThrow(TypeError);
      expect(() => Object.assign(loaded.session.claims, { sub: 'mallory' })).toThrow(TypeError);
    });

    it('keeps two generations of one session apart', async () => {
      const older = await store.save(sampleSession({ generation: 1 }));
      const newer = await store.save(sampleSession({ generation: 2 }));
      expect(await store.load(older.value)).toMatchObject({ kind: 'loaded', session: { generation: 1 } });
      expect(await store.load(newer.value)).toMatchObject({ kind: 'loaded', session: { generation: 2 } });
    });

    it.each(['', 'x', '*'.repeat(1000), 'x'.repeat(70_000), '__proto__', '\u0000'])(
      'loads nothing for garbage (%#), and does not throw',
      async (value) => {
        expect(['unreadable', 'missing']).toContain((await store.load(value)).kind);
      },
    );

    it('removes a session twice without a word', async () => {
      const { session } = await store.save(sampleSession());
      await expect(store.remove(session.sid)).resolves.toBeUndefined();
      await expect(store.remove(session.sid)).resolves.toBeUndefined();
    });
  });
}
