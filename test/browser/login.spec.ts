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

const SESSION_COOKIE = '__Host-Http-cloakroom';
const exchanges = (): number => stage.demo.house.provider.stats.grants['authorization_code'] ?? 0;

describe('signing in from the page', () => {
  it('greets the user, with one exchange and three hops at Cloakroom', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin);
    await tab.signIn();
    expect(await tab.page.locator('#user-name').innerText()).toBe('Alice Ordinary');
    expect(tab.ownHops).toEqual(['/', '/bff/login', '/bff/callback', '/bff/continue', '/']);
    expect(exchanges()).toBe(1);
    expect(tab.errors).toEqual([]);
  });

  it('stores one cookie at http://localhost that no script can read and no other site can send', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin);
    await tab.signIn();
    const cookies = await context.cookies(stage.demo.origin);
    expect(cookies.map(({ name }) => name)).toEqual([SESSION_COOKIE]);
    expect(cookies[0]).toMatchObject({ domain: 'localhost', path: '/', httpOnly: true, secure: true, sameSite: 'Strict' });
    expect(await tab.page.evaluate(async () => [document.cookie, await cookieStore.getAll()])).toEqual(['', []]);
  });

  it('comes back to the deep link it began at, query included', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin, '/orders/42?tab=notes');
    await tab.signedOut();
    await tab.signIn();
    expect(tab.path).toBe('/orders/42?tab=notes');
    expect(await tab.page.locator('#path').innerText()).toBe('/orders/42?tab=notes');
  });

  it('lets the page call its API, which gets a bearer token and no cookie', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin);
    const calling = tab.page.locator('#call-status');
    expect(await calling.innerText()).toBe('Sign in to try this.');
    await tab.signIn();
    expect(await calling.innerText()).toBe('');
    expect(await tab.callApi()).toEqual(['Cookie yes no', expect.stringMatching(/^Bearer token no yes, [0-9a-f]{8}…$/)]);
    expect(stage.demo.house.api.requests.at(-1)).toMatchObject({ url: '/orders', cookie: false });
  });

  it('outlives a reload', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin, '/orders/42');
    await tab.signIn();
    await tab.page.reload();
    await tab.signedIn();
    expect(tab.path).toBe('/orders/42');
    expect(exchanges()).toBe(1);
  });

  it('shows why it failed, when the user refuses at the provider', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin);
    await tab.toProvider();
    await tab.pick('Carol');
    await tab.page.getByText('The identity provider answered: access_denied.').waitFor();
    expect(tab.ownHops).toEqual(['/', '/bff/login', '/bff/callback']);
    expect(await context.cookies(stage.demo.origin)).toEqual([]);
  });
});

describe('what users do besides', () => {
  it('going back after the login meets the provider’s finished sign-in, then the page as it is now: signed in', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin);
    await tab.signIn();
    const before = tab.hops.length;
    await tab.page.goBack();
    expect(await tab.page.innerText('main')).toContain('This sign-in is over.');
    await tab.page.goBack();
    await tab.signedIn();
    expect(tab.hops.slice(before).map(({ pathname }) => pathname)).toEqual([expect.stringContaining('/interaction/'), '/']);
    expect(exchanges()).toBe(1);
  });

  it('opening the callback URL again ends signed in, and the provider is not asked', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin);
    await tab.signIn();
    const callback = tab.hops.find(({ pathname }) => pathname === '/bff/callback');
    const before = tab.hops.length;
    await tab.page.goto(String(callback));
    await tab.signedIn();
    expect(tab.hops.slice(before).map(({ pathname }) => pathname)).toEqual(['/bff/callback', '/bff/continue', '/']);
    expect(exchanges()).toBe(1);
  });

  it('opening the callback URL in another browser ends signed out, with a way to sign in', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin);
    await tab.signIn();
    const callback = tab.hops.find(({ pathname }) => pathname === '/bff/callback');
    const other = await stage.browser.newContext();
    const stranger = await DemoPage.open(other, stage.demo.origin);
    await stranger.page.goto(String(callback));
    await stranger.page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    expect(stranger.ownHops).toEqual(['/', '/bff/callback', '/bff/continue']);
    expect(await other.cookies(stage.demo.origin)).toEqual([]);
    await other.close();
  });

  it('F5 on the callback page, while the next hop does not answer, ends signed in', async () => {
    const tab = await DemoPage.open(context, stage.demo.origin);
    // 204 leaves the browser where it is, as a user does who presses Stop.
    await tab.page.route('**/bff/continue?**', (route) => route.fulfill({ status: 204 }));
    await tab.toProvider();
    const stopped = tab.page.waitForResponse(/[/]bff[/]continue/);
    await tab.pick('Alice');
    await stopped;
    expect(new URL(tab.page.url()).pathname).toBe('/bff/callback');
    await tab.page.unroute('**/bff/continue?**');
    await tab.page.reload();
    await tab.signedIn();
    expect(tab.hops.slice(-3).map(({ pathname }) => pathname)).toEqual(['/bff/callback', '/bff/continue', '/']);
    expect(exchanges()).toBe(1);
  });

  it('two tabs that sign in at once both come back to their own page, signed in', async () => {
    const tabs = [
      await DemoPage.open(context, stage.demo.origin, '/first'),
      await DemoPage.open(context, stage.demo.origin, '/second'),
    ] as const;
    await Promise.all(tabs.map((tab) => tab.toProvider()));
    await Promise.all(tabs.map((tab) => tab.pick('Alice')));
    await Promise.all(tabs.map((tab) => tab.signedIn()));
    expect(tabs.map(({ path }) => path)).toEqual(['/first', '/second']);
    for (const tab of tabs) expect(await tab.callApi()).toHaveLength(2);
    expect((await context.cookies(stage.demo.origin)).map(({ name }) => name)).toEqual([SESSION_COOKIE]);
    expect(exchanges()).toBe(2);
  });
});
