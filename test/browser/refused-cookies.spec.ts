import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { BrowserContext } from 'playwright-core';
import { launchWithProfile } from './chromium.ts';
import { DemoPage } from './demo-page.ts';
import { Middlebox } from './middlebox.ts';
import { useStage } from './stage.ts';

const stage = useStage();

const NOT_KEPT = 'You are signed in at the identity provider, but this browser could not keep the session.';
const LOGIN_HOPS = ['/bff/login', '/bff/callback', '/bff/continue'];

async function throughMiddlebox(dropCookie: string, use: (context: BrowserContext) => Promise<void>): Promise<void> {
  const middlebox = new Middlebox({ dropCookie });
  const context = await stage.browser.newContext({ proxy: await middlebox.open() });
  try {
    await use(context);
  } finally {
    await context.close();
    await middlebox.close();
  }
}

/** A profile whose user has forbidden cookies for one site, as in the browser's settings. */
async function withBlockedSite(origin: string, use: (context: BrowserContext) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cloakroom-profile-'));
  await mkdir(join(folder, 'Default'));
  const exceptions = { cookies: { [`${origin},*`]: { setting: 2 } } };
  await writeFile(join(folder, 'Default', 'Preferences'), JSON.stringify({ profile: { content_settings: { exceptions } } }));
  const context = await launchWithProfile(folder);
  try {
    await use(context);
  } finally {
    await context.close();
    await rm(folder, { recursive: true, force: true });
  }
}

describe('a session cookie that does not arrive', () => {
  it('ends on a page that names the reason, and trying again ends there too: nothing loops', () =>
    throughMiddlebox('__Host-Http-cloakroom=', async (context) => {
      const tab = await DemoPage.open(context, stage.demo.origin, '/orders/42');
      await tab.toProvider();
      await tab.pick('Alice');
      await tab.page.getByText(NOT_KEPT).waitFor();
      expect(tab.ownHops).toEqual(['/orders/42', ...LOGIN_HOPS]);
      expect(await tab.page.innerText('main')).toMatch(/The browser did not send the cookie back.*cookie_not_stored/s);
      await tab.page.getByRole('link', { name: 'Try again' }).click();
      await tab.page.waitForURL('**/bff/continue?returnTo=%2Forders%2F42&fresh=1');
      await tab.page.getByText(NOT_KEPT).waitFor();
      expect(tab.ownHops).toEqual(['/orders/42', ...LOGIN_HOPS, ...LOGIN_HOPS]);
    }));
});

describe('a site whose cookies the user forbids', () => {
  it('ends a sign-in on a page that names the cookies, without a loop and without an exchange', () =>
    withBlockedSite(stage.demo.origin, async (context) => {
      stage.demo.house.provider.stats.reset();
      const tab = await DemoPage.open(context, stage.demo.origin, '/orders/42');
      await tab.toProvider();
      await tab.pick('Alice');
      await tab.page.getByRole('heading', { name: 'You are signed out' }).waitFor();
      expect(await tab.page.innerText('main')).toContain('it may block cookies for this site');
      expect(tab.ownHops).toEqual(['/orders/42', ...LOGIN_HOPS]);
      expect(await context.cookies(stage.demo.origin)).toEqual([]);
      expect(stage.demo.house.provider.stats.tokenRequests).toEqual([]);
    }));
});
