import { describe, expect, it } from '@jest/globals';

import { SessionCookie, type PresentedCookie } from '../../../src/cookie/session-cookie.ts';
import { silentLogger } from '../../../src/kernel/logger.ts';
import { CookieSessionStore } from '../../../src/session/cookie-session-store.ts';
import { LocalRevocations } from '../../../src/session/local-revocations.ts';
import { MemorySessionHead } from '../../../src/session/memory-session-head.ts';
import { SessionResolver } from '../../../src/session/session-resolver.ts';
import type { SessionLookup } from '../../../src/session/session-lookup.ts';
import { TicketDelivery } from '../../../src/session/ticket-delivery.ts';
import { CookieJar } from '../../support/cookie-jar.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codec, randomText, seededRandom } from '../cookie/key-rings.ts';
import { IDLE, NOW, sampleSession } from './sample-session.ts';

const HOST = new URL('https://app.example.com/');
const NAME = '__Host-Http-cloakroom';
/** Access tokens that make one cookie and two, three and four chunks. */
const SIZES = [100, 2000, 2550, 4500, 5200, 7500, 8000, 10_500] as const;

function browser(devCookies = false) {
  const clock = new ManualClock(NOW);
  const cookie = new SessionCookie({ name: 'cloakroom', devCookies, maxChunks: 4, budget: 17_000 });
  const store = new CookieSessionStore({ codec: codec() });
  const heads = new MemorySessionHead({ clock, handover: 60_000, confirmAfter: 45_000, idle: IDLE, memory: 1_000_000 });
  const revocations = new LocalRevocations({ clock });
  const resolver = new SessionResolver({ store, heads, revocations, clock, logger: silentLogger, idle: IDLE, confirmAfter: 45_000 });
  const delivery = new TicketDelivery({ cookie, heads, revocations, clock, handover: 60_000 });
  const jar = new CookieJar(clock);
  const pairs = (): string[] => jar.matching(HOST).map(({ name, value }) => `${name}=${value}`);
  return { clock, cookie, store, resolver, delivery, jar, pairs };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return [...items]
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

const pick = <T>(items: readonly T[], random: () => number): T | undefined => items[Math.floor(random() * items.length)];

describe('a browser and its cookies', () => {
  it.each([false, true])(
    'reads what was written last, whatever sizes follow each other and in whatever order cookies arrive (devCookies: %s)',
    async (devCookies) => {
      const { cookie, store, resolver, jar, pairs } = browser(devCookies);
      const random = seededRandom(42);
      const counts = new Set<number>();
      for (let generation = 1; generation < 150; generation += 1) {
        const presented = cookie.read(pairs().join('; '));
        const { value } = await store.save(sampleSession({ generation, accessToken: randomText(pick(SIZES, random) ?? 0, random) }));
        jar.store(cookie.write(value, 3600, presented), HOST);
        counts.add(pairs().length);
        const header = shuffled(['other=1', ...pairs()], random).join('; ');
        expect(await resolver.resolve(cookie.read(header))).toMatchObject({ kind: 'active', ticket: { value }, session: { generation } });
      }
      expect(jar.refused).toEqual([]);
      expect([...counts].sort()).toEqual([1, 2, 3, 4]);
    },
  );

  it('reads what was written last although the writer could not see the older cookies, as at a callback', async () => {
    const { cookie, store, resolver, jar, pairs } = browser();
    const random = seededRandom(7);
    for (let login = 1; login < 100; login += 1) {
      const session = sampleSession({
        sid: `login-${login}`,
        createdAt: NOW + login,
        accessToken: randomText(pick(SIZES, random) ?? 0, random),
      });
      const { value } = await store.save(session);
      jar.store(cookie.write(value, 3600, { candidates: [], names: [] }), HOST);
      expect(await resolver.resolve(cookie.read(pairs().join('; ')))).toMatchObject({ kind: 'active', session: { sid: `login-${login}` } });
    }
  });

  it('never gets stuck when two tabs mix, lose and repeat cookies: what is there is read, or cleanly nothing, and the next login works', async () => {
    const { cookie, store, resolver, delivery, jar, pairs } = browser();
    const random = seededRandom(1234);
    const kinds = new Set<SessionLookup['kind']>();
    let seenByTab: PresentedCookie[] = [];
    const written = new Set<string>();
    for (let round = 1; round < 300; round += 1) {
      const { value } = await store.save(sampleSession({ generation: round, accessToken: randomText(pick(SIZES, random) ?? 0, random) }));
      written.add(value);
      // One of the tabs answers with what it saw some time ago, and the browser keeps only a part of it now and then.
      const lines = cookie.write(value, 3600, pick(seenByTab, random) ?? { candidates: [], names: [] });
      jar.store(random() < 0.3 ? lines.filter(() => random() < 0.6) : lines, HOST);
      const presented = cookie.read(shuffled(pairs(), random).join('; '));
      seenByTab = [...seenByTab.slice(-1), presented];
      const lookup = await resolver.resolve(presented);
      kinds.add(lookup.kind);
      expect(['active', 'unreadable', 'none']).toContain(lookup.kind);
      if (lookup.kind === 'active') expect(written).toContain(lookup.ticket.value);
      else {
        jar.store(delivery.clearing(lookup, presented), HOST);
        const { value: fresh } = await store.save(sampleSession({ generation: round + 0.5 }));
        written.add(fresh);
        jar.store(cookie.write(fresh, 3600, cookie.read(pairs().join('; '))), HOST);
        expect(await resolver.resolve(cookie.read(pairs().join('; ')))).toMatchObject({ kind: 'active', ticket: { value: fresh } });
      }
    }
    expect(kinds).toContain('active');
    expect(kinds).toContain('unreadable');
  });

  it('makes no session out of the chunks of two users, nor of changed, missing or swapped ones (A55)', async () => {
    const { cookie, store, resolver } = browser();
    const random = seededRandom(77);
    const chunksOf = async (sub: string) => {
      const { value } = await store.save(sampleSession({ sub, accessToken: randomText(8000, random) }));
      const lines = cookie.write(value, 1, { candidates: [], names: [] });
      return lines.map((line) => line.slice(line.indexOf('=') + 1, line.indexOf(';')));
    };
    const [alice, bob] = [await chunksOf('alice'), await chunksOf('bob')];
    const [[a0 = '', a1 = '', a2 = '', a3 = ''], [b0 = '', b1 = '', b2 = '']] = [alice, bob];
    expect(a3).toBe('');
    const mixes = [[a0, b1, b2], [b0, a1, b2], [b0, b1, a2], [a1, a0, a2], [a0, a2, a1], [a0, a1], [a0, a2], [a1, a2], [a0, a0, a2], [a0, a1, a2.slice(1)], [a0, a1, `${a2}A`]]; // prettier-ignore
    for (const mix of mixes) {
      const header = mix.map((chunk, at) => `${NAME}.${at}=${chunk}`).join('; ');
      expect((await resolver.resolve(cookie.read(header))).kind).toBe('unreadable');
    }
    expect(await resolver.resolve(cookie.read([a0, a1, a2].map((chunk, at) => `${NAME}.${at}=${chunk}`).join('; ')))).toMatchObject({
      kind: 'active',
    });
  });

  it('takes a changed character anywhere for no session, and clears only what is surely ours', async () => {
    const { cookie, store, resolver, delivery } = browser();
    const { value } = await store.save(sampleSession());
    const random = seededRandom(8);
    for (let round = 0; round < 300; round += 1) {
      const at = Math.floor(random() * value.length);
      const changed = value.slice(0, at) + (value.charAt(at) === 'Q' ? 'g' : 'Q') + value.slice(at + 1);
      const presented = cookie.read(`${NAME}=${changed}`);
      const lookup = await resolver.resolve(presented);
      expect(lookup.kind).toBe('unreadable');
      expect(delivery.clearing(lookup, presented)).toHaveLength(lookup.kind === 'unreadable' && lookup.reason === 'tampered' ? 1 : 0);
    }
  });

  it('costs no cryptography for a thousand chunks or a huge value (A56)', async () => {
    const { cookie, resolver } = browser();
    const thousand = Array.from({ length: 1000 }, (_, at) => `${NAME}.${at}=${'x'.repeat(20)}`).join('; ');
    for (const header of [thousand, `${NAME}=${'x'.repeat(65_536)}`, `${NAME}=${'Fe26.2*'.repeat(9000)}`]) {
      const lookup = resolver.resolve(cookie.read(header));
      expect(lookup).not.toBeInstanceOf(Promise);
      expect(lookup).toEqual({ kind: 'unreadable', reason: 'foreign' });
    }
  });
});
