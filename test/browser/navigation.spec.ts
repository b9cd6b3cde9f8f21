import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Response } from 'playwright-core';
import { openHouse, type House } from '../support/house.ts';
import { launchChromium } from './chromium.ts';
import { DemoPage } from './demo-page.ts';
import { startOtherSite, type OtherSite } from './other-site.ts';

/** `/api` asks with a button, `/pages` says `navigation: allow`. */
let house: House;
let browser: Browser;
let site: OtherSite;
let context: BrowserContext;
let tab: DemoPage;

beforeAll(async () => {
  house = await openHouse();
  browser = await launchChromium();
  const link = (path: string): string => `<a href="${house.origin}${path}">Go to ${path}</a>`;
  const form = `<form method="post" action="${house.origin}/pages/page"><button>Order</button></form>`;
  site = await startOtherSite(`${['/api/page', '/pages/page'].map(link).join(' ')} ${form} <div id="frame"></div>`);
});

afterAll(async () => {
  await browser.close();
  await site.close();
  await house.close();
});

beforeEach(async () => {
  context = await browser.newContext();
  tab = new DemoPage(await context.newPage(), house.origin);
  house.api.reset();
});

afterEach(() => context.close());

/** Signed in without any page of the application: the way back leads to an API's page. */
async function signIn(): Promise<void> {
  await tab.page.goto(`${house.origin}/bff/login?returnTo=/pages/page`);
  await tab.pick('Alice');
  await tab.page.getByText('Hello').waitFor();
  tab.hops.length = 0;
  house.api.reset();
}

/** Follows a link of the other site; the first answer. */
async function follow(path: string): Promise<Response> {
  await tab.page.goto(site.origin);
  const answer = tab.page.waitForResponse(house.origin + path);
  await tab.page.getByRole('link', { name: `Go to ${path}`, exact: true }).click();
  return answer;
}

const goOn = (): Promise<void> => tab.page.locator('a.go').click();
const answerOf = (path: string): Promise<Response> => tab.page.waitForResponse(house.origin + path);
const reached = (): readonly string[] => house.api.requests.map(({ method, url }) => `${method} ${url}`);

describe('a mailed link to a route', () => {
  it('gets a 403 page that has reached nothing, and its button leads to the API’s answer', async () => {
    await signIn();
    const first = await follow('/api/page');
    expect([first.status(), first.headers()['cloakroom-error']]).toEqual([403, 'csrf_refused']);
    await tab.page.getByText('A page of another site led you here.').waitFor();
    expect(reached()).toEqual([]);
    const second = answerOf('/api/page');
    await goOn();
    expect([(await second).status(), (await second).headers()['cloakroom-error']]).toEqual([200, undefined]);
    await tab.page.getByText('Hello').waitFor();
    expect(reached()).toEqual(['GET /page']);
    expect(tab.ownHops).toEqual(['/api/page', '/api/page']);
  });

  it('goes on by itself where the route says navigation: allow, and the API is asked once', async () => {
    await signIn();
    expect((await follow('/pages/page')).status()).toBe(200);
    await tab.page.getByText('Hello').waitFor();
    expect(tab.ownHops).toEqual(['/pages/page', '/pages/page']);
    expect(house.api.requests).toMatchObject([{ method: 'GET', url: '/page', cookie: false, bearer: { expiresIn: null } }]);
  });

  it('works from the keyboard', async () => {
    await signIn();
    await follow('/api/page');
    await tab.page.locator('a.go').waitFor();
    await tab.page.keyboard.press('Tab');
    await tab.page.keyboard.press('Enter');
    await tab.page.getByText('Hello').waitFor();
  });
});

describe('another site', () => {
  it.each(['/api/page', '/pages/page'])('cannot make %s be asked in a frame', async (path) => {
    await signIn();
    await tab.page.goto(site.origin);
    const answer = answerOf(path);
    await tab.page.evaluate((src) => {
      document.querySelector('#frame')?.append(Object.assign(document.createElement('iframe'), { src }));
    }, house.origin + path);
    expect((await answer).status()).toBe(403);
    expect(reached()).toEqual([]);
  });

  it('cannot post to a route, whatever it says of navigations, and the page offers no way on', async () => {
    await signIn();
    await tab.page.goto(site.origin);
    const answer = answerOf('/pages/page');
    await tab.button('Order').click();
    expect([(await answer).status(), (await answer).headers()['cloakroom-error']]).toEqual([403, 'csrf_refused']);
    await tab.page.getByText('csrf_refused').waitFor();
    expect(await tab.page.locator('a, button').count()).toBe(0);
    expect(reached()).toEqual([]);
  });
});

describe('a navigation of somebody who is signed out', () => {
  it('to a route gets a 401 page whose button leads through the login, and back', async () => {
    const answer = await tab.page.goto(`${house.origin}/api/page`);
    expect([answer?.status(), answer?.headers()['cloakroom-error']]).toEqual([401, 'not_logged_in']);
    expect(reached()).toEqual([]);
    await tab.page.getByRole('link', { name: 'Sign in' }).click();
    await tab.pick('Alice');
    await goOn(); // an automatic step to an API would be a request that another site may have begun
    await tab.page.getByText('Hello').waitFor();
    expect(tab.path).toBe('/api/page');
    expect(reached()).toEqual(['GET /page']);
    expect(tab.ownHops).toEqual(['/api/page', '/bff/login', '/bff/callback', '/bff/continue', '/api/page']);
  });

  it('comes back by itself where the route says navigation: allow', async () => {
    expect((await tab.page.goto(`${house.origin}/pages/page`))?.status()).toBe(401);
    await tab.page.getByRole('link', { name: 'Sign in' }).click();
    await tab.pick('Alice');
    await tab.page.getByText('Hello').waitFor();
    expect(tab.path).toBe('/pages/page');
  });

  it('from another site gets the page with the login after the button, and after the step that is automatic', async () => {
    await follow('/api/page');
    await goOn();
    await tab.page.getByRole('link', { name: 'Sign in' }).waitFor();
    await follow('/pages/page');
    await tab.page.getByRole('link', { name: 'Sign in' }).waitFor();
    expect(reached()).toEqual([]);
    expect(tab.ownHops).toEqual(['/api/page', '/api/page', '/pages/page', '/pages/page']);
  });
});
