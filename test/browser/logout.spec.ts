import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserContext } from 'playwright-core';
import { DemoPage } from './demo-page.ts';
import { useStage } from './stage.ts';

const stage = useStage();
let context: BrowserContext;

beforeEach(async () => {
  context = await stage.browser.newContext();
  stage.demo.house.provider.stats.reset();
});

afterEach(() => context.close());

const FORM = `<!doctype html><title>Leave</title><form method="post" action="/bff/logout">
  <input type="hidden" name="returnTo" value="/orders/42"><button>Leave</button></form>`;

/** A page of the application with nothing but a form, under a strict policy. */
async function openFormPage(tab: DemoPage): Promise<void> {
  const headers = { 'content-type': 'text/html', 'content-security-policy': "default-src 'self'; form-action 'self'" };
  await context.route(`${stage.demo.origin}/form`, (route) => route.fulfill({ headers, body: FORM }));
  await tab.page.goto(`${stage.demo.origin}/form`);
}

describe('the page’s sign-out', () => {
  it('ends the session here and at the provider, and comes back to the page', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin);
    await tab.signIn();
    tab.hops.length = 0;
    await tab.button('Sign out').click();
    await tab.signedOut();
    expect(tab.ownHops).toEqual(['/bff/logout/provider', '/bff/logged-out', '/']);
    expect(await context.cookies(stage.demo.origin)).toEqual([]);
    expect(stage.demo.house.provider.stats.endSessions).toHaveLength(1);
    expect(stage.demo.house.provider.control.liveRefreshTokens('alice')).toBe(0);
    await tab.toProvider(); // asks who it is again
    expect(tab.errors).toEqual([]);
  });

  it('is a sign-out of every tab: the next call elsewhere gets 401 and that page says so', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin);
    await tab.signIn();
    const other = await DemoPage.open(context, stage.demo.origin, '/orders/42');
    await other.signedIn();
    await tab.button('Sign out').click();
    await tab.signedOut();
    stage.demo.house.api.reset();
    expect(await other.callApi()).toEqual([expect.stringContaining('Status 401, not_logged_in')]);
    await other.signedOut();
    expect(await other.page.locator('#storm').isEnabled()).toBe(false);
    expect(stage.demo.house.api.requests).toEqual([]);
  });

  it('makes a copied cookie worthless', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin);
    await tab.signIn();
    const copied = await context.cookies(stage.demo.origin);
    await tab.button('Sign out').click();
    await tab.signedOut();
    await context.addCookies(copied);
    expect(await tab.fetchStatus('/api/orders')).toBe('401 session_revoked');
    expect(await context.cookies(stage.demo.origin)).toEqual([]);
  });
});

describe('a sign-out without script', () => {
  it('is a plain form that Content-Security-Policy lets through to the provider and back to its returnTo', async () => {
    await context.close();
    context = await stage.browser.newContext({ javaScriptEnabled: false });
    const tab = new DemoPage(await context.newPage(), stage.demo.origin);
    await tab.page.goto(`${stage.demo.origin}/bff/login`);
    await tab.pick('Alice');
    await tab.page.waitForURL(`${stage.demo.origin}/`);
    expect(await context.cookies(stage.demo.origin)).toHaveLength(1);
    await openFormPage(tab);
    tab.hops.length = 0;
    await tab.button('Leave').click();
    await tab.page.waitForURL(`${stage.demo.origin}/orders/42`);
    expect(tab.ownHops).toEqual(['/bff/logout', '/bff/logout/provider', '/bff/logged-out', '/orders/42']);
    expect(await context.cookies(stage.demo.origin)).toEqual([]);
    expect(stage.demo.house.provider.stats.endSessions).toHaveLength(1);
  });
});
