import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserContext } from 'playwright-core';
import { DemoPage } from './demo-page.ts';
import { useStage } from './stage.ts';

const stage = useStage();
let context: BrowserContext;

const SESSION_COOKIE = '__Host-Http-cloakroom';

beforeEach(async () => {
  context = await stage.browser.newContext();
  stage.demo.house.provider.control.recover();
  stage.demo.house.provider.stats.reset();
});

afterEach(() => context.close());

/** What a page does that wants to know without asking its user: a navigation of the whole window. */
async function trySilently(tab: DemoPage): Promise<void> {
  const landed = tab.page.waitForURL((url) => url.origin === stage.demo.origin && !url.pathname.startsWith('/bff/'));
  await tab.page.evaluate(() => {
    const here = location.pathname + location.search + location.hash;
    location.assign(`/bff/login?prompt=none&returnTo=${encodeURIComponent(here)}`);
  });
  await landed;
  await tab.page.waitForLoadState();
}

const sessionCookie = async (): Promise<string | undefined> =>
  (await context.cookies(stage.demo.origin)).find(({ name }) => name === SESSION_COOKIE)?.value;

describe('a silent login in a browser', () => {
  it('signs in again whom the provider still knows, without a click and without another page', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin, '/orders/42?tab=notes');
    await tab.signIn();
    await context.clearCookies({ name: SESSION_COOKIE });
    await tab.page.reload();
    await tab.signedOut();
    const before = tab.hops.length;
    await trySilently(tab);
    await tab.signedIn();
    expect(tab.path).toBe('/orders/42?tab=notes');
    const hops = tab.hops.slice(before).map(({ pathname }) => pathname);
    expect(hops).toEqual(['/bff/login', '/oauth2/default/v1/authorize', '/bff/callback', '/bff/continue', '/orders/42']);
    expect(tab.errors).toEqual([]);
  });

  it('comes back with login_required when the provider knows nobody, and stays there', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin, '/orders/42?tab=notes#row');
    await tab.signedOut();
    for (let round = 0; round < 2; round++) {
      const before = tab.hops.length;
      await trySilently(tab);
      await tab.signedOut();
      expect(tab.page.url()).toBe(`${stage.demo.origin}/orders/42?tab=notes&login_error=login_required#row`);
      const hops = tab.hops.slice(before).map(({ pathname }) => pathname);
      expect(hops).toEqual(['/bff/login', '/oauth2/default/v1/authorize', '/bff/callback', '/orders/42']);
    }
    expect(await context.cookies(stage.demo.origin)).toEqual([]);
  });

  it('leaves the session alone when the provider wants to see the user', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin);
    await tab.signIn();
    const before = await sessionCookie();
    stage.demo.house.provider.control.fail('authorization', { kind: 'login-error', error: 'interaction_required' }, 1);
    await trySilently(tab);
    await tab.signedIn();
    expect(tab.path).toBe('/?login_error=interaction_required');
    expect([typeof before, await sessionCookie()]).toEqual(['string', before]);
  });
});
