import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserContext } from 'playwright-core';
import { DemoPage } from './demo-page.ts';
import { useStage } from './stage.ts';

const stage = useStage();
let context: BrowserContext;
let tab: DemoPage;

beforeEach(async () => {
  stage.demo.house.provider.stats.reset();
  context = await stage.browser.newContext();
  tab = await DemoPage.open(context, stage.demo.origin);
});

afterEach(() => context.close());

const ONE_REFRESH = { answers: '50 of 50', refreshes: '1', words: 'One request renewed the token, and the others waited for it.' };

/** The page learns the new state of its token when it asks next. */
async function expireToken(): Promise<void> {
  stage.demo.house.expireAccessToken();
  await tab.page.reload();
  await tab.signedIn();
}

describe('fifty calls with an expired access token', () => {
  it('all get 200 and cost one refresh, time after time, although each refresh token works once', async () => {
    await tab.signIn();
    for (const refreshes of [1, 2]) {
      await expireToken();
      expect(await tab.storm()).toEqual(ONE_REFRESH);
      expect(await tab.page.locator('#calls .done').count()).toBe(50);
      expect(stage.demo.house.provider.stats.refreshes).toBe(refreshes);
    }
    expect(stage.demo.house.provider.stats.tokenRequests.filter(({ status }) => status !== 200)).toEqual([]);
    expect(stage.demo.house.api.requests.filter(({ bearer }) => bearer === false)).toEqual([]);
    expect(tab.errors).toEqual([]);
  });

  it('share one refresh with the calls of another tab', async () => {
    await tab.signIn();
    await expireToken();
    const other = await DemoPage.open(context, stage.demo.origin, '/orders/42');
    await other.signedIn();
    const gate = stage.demo.house.provider.control.hold('token');
    const statuses = [tab, other].flatMap((it) => Array.from({ length: 3 }, () => it.fetchStatus('/api/orders')));
    await gate.waitFor(1);
    gate.open();
    expect(new Set(await Promise.all(statuses))).toEqual(new Set(['200']));
    expect(stage.demo.house.provider.stats.refreshes).toBe(1);
  });

  it('end the session where the user has no refresh token, and the page says so', async () => {
    await tab.signIn('Dave');
    stage.demo.house.expireAccessToken();
    expect(await tab.callApi()).toEqual([expect.stringContaining('Status 401, session_expired')]);
    await tab.signedOut();
    expect(await tab.page.locator('#signed-out-reason').innerText()).toBe('Your session is over. Sign in for a new ticket.');
    expect(await context.cookies(stage.demo.origin)).toEqual([]);
  });
});
