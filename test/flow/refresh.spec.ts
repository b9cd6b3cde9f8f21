import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';

describe('refresh on demand', () => {
  let house: House;

  beforeEach(async () => {
    house = await openHouse();
  });

  afterEach(() => house.close());

  it('makes one grant for 100 parallel API calls with an expired token, and loses no session', async () => {
    const agent = house.newAgent();
    await agent.login('alice');
    house.expireAccessToken();
    house.provider.stats.reset();
    house.api.reset();

    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => agent.fetch(`/api/orders/${n}`)));

    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 100 }, () => 200));
    expect(house.provider.stats.tokenRequests.map(({ grantType, status }) => [grantType, status])).toEqual([['refresh_token', 200]]);
    const session = (await (await agent.fetch('/bff/session')).json()) as { authenticated: boolean };
    expect(session.authenticated).toBe(true);
  });
});
