import { afterEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House, type HouseOptions } from '../support/house.ts';

/** What nginx gives a whole response head by default (`proxy_buffer_size`, one page). */
const NGINX_BUFFER = 4_096;
const SMALL_HEAD = 1_000;

const bytesOf = (lines: readonly string[]): number => lines.reduce((sum, line) => sum + `Set-Cookie: ${line}\r\n`.length, 0);

describe('pain 6, oauth2-proxy#676, #2353: "upstream sent too big header"', () => {
  let house: House;
  afterEach(() => house.close());

  /** Bytes of our Set-Cookie lines on each answer that carries any, in the life of a session. */
  async function life(provider: HouseOptions['provider'], config: HouseOptions['config'] = {}): Promise<readonly number[]> {
    house = await openHouse({ ...(provider === undefined ? {} : { provider }), config });
    const agent = house.newAgent();
    const trail = await agent.login('alice', { returnTo: '/pages/page' });
    house.expireAccessToken();
    const refreshed = await agent.fetch('/api/x');
    const session = await agent.fetch('/bff/session');
    const out = await agent.fetch('/bff/logout', { method: 'POST' });
    const answers = [
      ...trail.hops.filter((it) => it.url.startsWith(house.origin)).map((it) => it.setCookies),
      ...[refreshed, session, out].map((it) => it.headers.getSetCookie()),
    ];
    return answers.map(bytesOf).filter((it) => it > 0);
  }

  it('no answer of the default profile comes near nginx’s buffer', async () => {
    const sizes = await life({});
    expect(sizes.length).toBeGreaterThanOrEqual(4); // attempt, session with its hint, refresh, logout
    expect(Math.max(...sizes)).toBeLessThan(NGINX_BUFFER - SMALL_HEAD);
  });

  it('the largest that the budget admits is the budget and the attributes', async () => {
    const sizes = await life({ accessTokenBytes: 3_000 });
    expect(Math.max(...sizes)).toBeLessThan(6 * 1_024 + SMALL_HEAD);
  });
});
