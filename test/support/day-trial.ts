import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from './house.ts';
import { SeededRandom } from './random.ts';
import { MINUTE, SimulatedDay } from './simulated-day.ts';

export interface DayTrialOptions {
  readonly seed: number;
  readonly hours: number;
  /** Seconds for which the provider takes a spent refresh token again. */
  readonly leeway: number;
  /** The longest time between two ordinary polls. Minutes. */
  readonly longestStep: number;
}

/** The whole product on a clock of its own, with the provider in this process. */
export function dayTrial({ seed, hours, leeway, longestStep }: DayTrialOptions): void {
  describe(`${String(hours)} hours of one user, at a provider with ${String(leeway)} s of leeway (seed ${String(seed)})`, () => {
    let house: House;

    beforeEach(async () => {
      house = await openHouse({
        provider: { leeway },
        config: {
          session: { idle: '8h', absolute: `${String(hours + 24)}h` },
          refresh: { providerLeeway: `${String(leeway)}s` },
        },
      });
    });

    afterEach(() => house.close());

    it('force nobody to log in again', async () => {
      const browser = house.newAgent();
      await browser.login('alice');
      house.provider.stats.reset();
      const day = new SimulatedDay(house, browser, { random: new SeededRandom(seed), leeway, longestStep: longestStep * MINUTE });
      await day.run(hours);

      const { forcedLogins, surprises, requests, handovers, healed, repeated, retried, aborted } = day.diary;
      const grants = house.provider.stats.refreshes;
      process.stdout.write(`${JSON.stringify({ requests, grants, handovers, healed, repeated, retried, aborted })}\n`);
      expect([forcedLogins, surprises]).toEqual([[], []]);
      for (const count of [requests, grants, handovers, healed, repeated, retried, aborted]) expect(count).toBeGreaterThan(0);
      // One user, one line of refresh tokens: no spent one was ever sent, except where the provider allows it.
      expect(house.provider.stats.tokenRequests.filter(({ error }) => error === 'invalid_grant')).toEqual([]);
      expect(house.provider.stats.serverErrors).toEqual([]);
      if (leeway === 0) expect(house.provider.control.liveRefreshTokens('alice')).toBe(1);
      const session = await browser.fetch('/bff/session');
      expect(await session.json()).toMatchObject({ authenticated: true, user: { sub: 'alice' } });
    });
  });
}
