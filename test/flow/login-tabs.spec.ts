import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import type { UserAgent } from '../support/user-agent.ts';

let house: House;

beforeAll(async () => {
  house = await openHouse();
});

beforeEach(() => house.provider.stats.reset());

afterAll(() => house.close());

const isCallback = (url: URL): boolean => url.pathname === '/bff/callback';

async function twoTabs(): Promise<{ first: UserAgent; second: UserAgent }> {
  const first = house.newAgent();
  const second = first.openTab();
  await first.navigate('/bff/login?returnTo=/pages/page?tab=1');
  await second.navigate('/bff/login?returnTo=/pages/page?tab=2');
  return { first, second };
}

describe('two tabs that log in at once', () => {
  it.each([
    ['the first first', (tabs: { first: UserAgent; second: UserAgent }) => [tabs.first, tabs.second] as const],
    ['the second first', (tabs: { first: UserAgent; second: UserAgent }) => [tabs.second, tabs.first] as const],
  ])('each end on their own deep link, %s', async (_order, order) => {
    const tabs = await twoTabs();
    for (const tab of order(tabs)) {
      const { page, hops } = await tab.signIn('alice');
      expect(page.status).toBe(200);
      expect(hops.length).toBeLessThanOrEqual(6);
    }
    expect([tabs.first.page.url, tabs.second.page.url]).toEqual([`${house.origin}/pages/page?tab=1`, `${house.origin}/pages/page?tab=2`]);
    expect((await tabs.first.fetch('/api/orders')).status).toBe(200);
    expect(house.provider.stats.tokenRequests.map(({ status }) => status)).toEqual([200, 200]);
  });

  it('each end on their own deep link when both callbacks come in the other order than they were made', async () => {
    const { first, second } = await twoTabs();
    const one = await first.signIn('alice', { until: isCallback });
    const two = await second.signIn('alice', { until: isCallback });
    const pages = [await second.navigate(two.stoppedAt ?? ''), await first.navigate(one.stoppedAt ?? '')];
    expect(pages.map(({ page }) => [page.url, page.status])).toEqual([
      [`${house.origin}/pages/page?tab=2`, 200],
      [`${house.origin}/pages/page?tab=1`, 200],
    ]);
  });

  it('each end on their own deep link when both callbacks come at the same moment', async () => {
    const { first, second } = await twoTabs();
    const one = await first.signIn('alice', { until: isCallback });
    const two = await second.signIn('alice', { until: isCallback });
    const gate = house.provider.control.hold('token');
    const going = [first.navigate(one.stoppedAt ?? ''), second.navigate(two.stoppedAt ?? '')];
    await gate.waitFor(2);
    gate.open();
    house.provider.control.recover('token');
    const pages = await Promise.all(going);
    expect(pages.map(({ page }) => [page.url, page.status])).toEqual([
      [`${house.origin}/pages/page?tab=1`, 200],
      [`${house.origin}/pages/page?tab=2`, 200],
    ]);
    expect((await first.fetch('/api/orders')).status).toBe(200);
    expect(first.cookies().filter(({ name }) => name.includes('-login.'))).toEqual([]);
  });

  it('keep the session of the other tab when one of them is given up', async () => {
    const { first } = await twoTabs();
    await first.signIn('alice');
    expect((await first.fetch('/api/orders')).status).toBe(200);
  });
});
