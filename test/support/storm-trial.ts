import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DemoUser } from '../../demo/provider/users.ts';
import { told, type Told } from './answers.ts';
import { openHouse, type House } from './house.ts';
import { SessionMint, type MintedSession } from './minted-sessions.ts';
import { SeededRandom } from './random.ts';
import { UpstreamStub } from './upstream-stub.ts';

export interface StormOptions {
  readonly sessions: number;
  /** Over how long their first requests are spread. Milliseconds. */
  readonly within: number;
  /** What the provider grants. */
  readonly grantsASecond: number;
  /** For how long nothing comes out of the provider at the beginning, while others look on. */
  readonly looks: number;
}

const userOf = (n: number): DemoUser => ({
  ...{ id: `user-${String(n)}`, name: `User ${String(n)}`, email: `user-${String(n)}@example.com` },
  ...{ emailVerified: true, groups: [], situation: 'One of many' },
});

/** Whose access token this is: a minted one names its user, one of the provider's is a JWT. */
function subjectOf(authorization = ''): string {
  const token = authorization.replace('Bearer ', '');
  if (token.startsWith('minted-for-')) return token;
  return (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string }).sub;
}

const LOOK_AGAIN_MS = 10;
const MOST_ASKED = 100;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A page that is told to come again does so, until it is served. */
class Page {
  readonly session: MintedSession;
  readonly answers: Told[] = [];
  subject: string | undefined;
  readonly #house: House;

  constructor(house: House, session: MintedSession) {
    this.#house = house;
    this.session = session;
  }

  get served(): boolean {
    return this.answers.length >= MOST_ASKED || this.answers.at(-1)?.status === 200;
  }

  get cookie(): string {
    return this.answers.at(-1)?.set.join('; ') ?? '';
  }

  async run(after: number): Promise<void> {
    await pause(after);
    while (this.answers.length < MOST_ASKED) {
      const answer = await this.#house.call('/api/x', { cookie: this.session.cookie });
      const text = await answer.text();
      const last = told(answer);
      this.answers.push(last);
      if (last.status === 200) this.subject = text;
      if (last.status !== 503) return;
      await pause(Number(last.retryAfter) * 1000);
    }
  }
}

/** Many sessions whose tokens end at the same time, over real sockets, at a provider that limits how often it may be asked. */
export function stormTrial({ sessions, within, grantsASecond, looks }: StormOptions): void {
  describe(`${String(sessions)} sessions that expire together, at a provider that grants ${String(grantsASecond)} a second`, () => {
    let house: House;
    let upstream: UpstreamStub;

    beforeEach(async () => {
      upstream = await UpstreamStub.start((request, response) => response.end(subjectOf(request.headers.authorization)));
      house = await openHouse({
        routes: () => [{ path: '/api', upstream: upstream.origin, stripPrefix: true }],
        provider: { accessTokenFormat: 'jwt', users: Array.from({ length: sessions + 2 }, (_, n) => userOf(n)) },
      });
    });

    afterEach(async () => {
      await house.close();
      await upstream.close();
    });

    it('are all renewed, and nobody whose token is good waits for them', async () => {
      const mint = new SessionMint(house);
      const random = new SeededRandom(13);
      const pages: Page[] = [];
      for (let n = 0; n < sessions; n++) pages.push(new Page(house, await mint.mint(`user-${String(n)}`, -1000)));
      const [good, early] = [await mint.mint(`user-${String(sessions)}`, 600_000), await mint.mint(`user-${String(sessions + 1)}`, 30_000)];

      // At first no grant ends at all: whoever has a good token does not notice.
      const gate = house.provider.control.hold('token');
      const runs = pages.map((page) => page.run(random.integer(within)));
      await gate.waitFor(Math.min(50, sessions));
      for (let n = 0; n < looks; n++) {
        for (const { sub, cookie } of [good, early]) {
          const answer = await house.call('/api/x', { cookie });
          expect([told(answer).status, told(answer).set, await answer.text()]).toEqual([200, [], `minted-for-${sub}`]);
        }
      }
      expect(house.provider.stats.refreshes).toBe(0);
      house.provider.control.recover('token');
      house.provider.control.limit('token', grantsASecond, { 'retry-after': '1' });
      gate.open();

      // Nor while the others come in their turn.
      let seen = 0;
      const all = Promise.all(runs);
      while (house.provider.stats.refreshes < sessions * 0.8 && pages.some(({ served }) => !served)) {
        seen++;
        const answer = await house.call('/api/x', { cookie: good.cookie });
        expect([answer.status, await answer.text()]).toEqual([200, `minted-for-${good.sub}`]);
        await pause(LOOK_AGAIN_MS);
      }
      await all;
      expect(seen).toBeGreaterThan(20);

      // Nobody was lost: each page has a token of its own user and one new cookie, made by one grant.
      expect(pages.map(({ subject }) => subject)).toEqual(pages.map(({ session }) => session.sub));
      expect(pages.filter(({ answers }) => answers.some(({ status }) => status !== 200 && status !== 503))).toEqual([]);
      expect(new Set(pages.map(({ cookie }) => cookie)).size).toBe(sessions);
      expect(house.provider.stats.refreshes).toBe(sessions);
      const refused = house.provider.stats.tokenRequests.filter(({ status }) => status !== 200);
      expect(refused.filter(({ status }) => status !== 429)).toEqual([]);
      // The limit was met, and then respected: without that, most of them would have met it.
      expect(refused.length).toBeGreaterThan(0);
      expect(refused.length).toBeLessThan(sessions / 2);
      for (const { cookie } of pages.slice(0, 20)) expect((await house.call('/api/x', { cookie })).status).toBe(200);
      expect(house.provider.stats.refreshes).toBe(sessions);
    });
  });
}
