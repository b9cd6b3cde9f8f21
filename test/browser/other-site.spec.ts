import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserContext } from 'playwright-core';
import { DemoPage } from './demo-page.ts';
import { startOtherSite, type OtherSite } from './other-site.ts';
import { useStage } from './stage.ts';

const stage = useStage();
let site: OtherSite;
let context: BrowserContext;
let tab: DemoPage;

beforeAll(async () => {
  const link = (path: string): string => `<a href="${stage.demo.origin}${path}">Go to ${path}</a>`;
  const order = `<form method="post" action="${stage.demo.origin}/api/orders"><button>Order</button></form>`;
  site = await startOtherSite(['/', '/orders/42', '/api/report', '/bff/login?returnTo=/orders/42'].map(link).join(' ') + order);
});

afterAll(async () => {
  await site.close();
});

/** The user is signed in, and the tab shows another site. */
beforeEach(async () => {
  context = await stage.browser.newContext();
  tab = await DemoPage.open(context, stage.demo.origin);
  await tab.signIn();
  await tab.page.goto(site.origin);
  tab.hops.length = 0;
  stage.demo.house.api.reset();
});

afterEach(() => context.close());

/** Follows a link; tells whether the browser sent a cookie along. */
async function follow(path: string): Promise<boolean> {
  const arrival = tab.page.waitForRequest(stage.demo.origin + path);
  await tab.page.getByRole('link', { name: `Go to ${path}`, exact: true }).click();
  return 'cookie' in (await (await arrival).allHeaders());
}

describe('a link from another site', () => {
  it.each(['/', '/orders/42'])('to %s arrives without the Strict cookie, and the page ends signed in', async (path) => {
    expect(await follow(path)).toBe(false);
    await tab.signedIn();
    expect(tab.path).toBe(path);
    expect(await tab.callApi()).toHaveLength(2);
    expect(tab.ownHops).toEqual([path]);
  });

  it('still ends signed in after F5, which browsers treat as the same arrival', async () => {
    await follow('/');
    await tab.signedIn();
    await tab.page.reload();
    await tab.signedIn();
    expect(tab.ownHops).toEqual(['/', '/']);
  });

  it('to an API route gets a page with a way on, and the click reaches the API', async () => {
    expect(await follow('/api/report')).toBe(false);
    await tab.page.getByRole('heading').waitFor();
    expect(stage.demo.house.api.requests).toEqual([]);
    await tab.page.locator('a.go').click();
    await tab.page.getByText('"method":"GET"').waitFor();
    expect(tab.ownHops).toEqual(['/api/report', '/api/report']);
    expect(stage.demo.house.api.requests).toMatchObject([{ url: '/report', cookie: false, bearer: { expiresIn: null } }]);
  });

  it('to the login is a login like any other', async () => {
    await follow('/bff/login?returnTo=/orders/42');
    await tab.signedIn();
    expect(tab.ownHops).toEqual(['/bff/login', '/bff/callback', '/bff/continue', '/orders/42']);
  });
});

describe('another site', () => {
  it('cannot post to the API', async () => {
    await tab.page.getByRole('button', { name: 'Order' }).click();
    await tab.page.getByText('csrf_refused').waitFor();
    expect(stage.demo.house.api.requests).toEqual([]);
  });

  it('cannot reach the API or end the session from a script', async () => {
    const readable = await tab.page.evaluate(async (origin) => {
      const types: string[] = [];
      for (const [path, init] of [
        ['/api/orders', {}],
        ['/api/orders', { method: 'POST', mode: 'no-cors', body: 'x' }],
        ['/bff/logout', { method: 'POST', mode: 'no-cors' }],
        ['/bff/session', {}],
      ] as [string, RequestInit][]) {
        const answer = await fetch(origin + path, { credentials: 'include', ...init }).catch(() => undefined);
        types.push(answer?.type ?? 'refused');
      }
      return types;
    }, stage.demo.origin);
    expect(readable).toEqual(['refused', 'opaque', 'refused', 'refused']);
    expect(stage.demo.house.api.requests).toEqual([]);
    await tab.page.goto(stage.demo.origin);
    await tab.signedIn();
  });
});
