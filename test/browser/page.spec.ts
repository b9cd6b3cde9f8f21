import { describe, expect, it } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { DemoPage } from './demo-page.ts';
import { paleTexts } from './contrast.ts';
import { useStage } from './stage.ts';

const stage = useStage();

const WIDTHS = [390, 1440];
const SCHEMES = ['light', 'dark'] as const;
const CASES = WIDTHS.flatMap((width) => SCHEMES.map((colorScheme) => ({ width, colorScheme })));

const open = (width: number, colorScheme: 'light' | 'dark'): Promise<BrowserContext> =>
  stage.browser.newContext({ viewport: { width, height: 850 }, colorScheme, reducedMotion: 'reduce' });

/** What a user at this width would stumble over; empty when all is well. */
async function flaws(page: Page): Promise<readonly string[]> {
  const width = page.viewportSize()?.width ?? 0;
  const found: string[] = [];
  const content = await page.evaluate(() => document.documentElement.scrollWidth);
  if (content > width) found.push(`scrolls sideways: ${content} px`);
  for (const button of await page.locator('button:visible, a:visible').all()) {
    const box = await button.boundingBox();
    const text = await button.innerText();
    if (box === null || box.x < 0 || box.x + box.width > width || box.height === 0) found.push(`is cut off: ${text}`);
  }
  const nameless = (await page.locator('body').ariaSnapshot()).split('\n').filter((line) => /^\s*- (button|link)(?! ")/.test(line));
  return [...found, ...nameless, ...(await paleTexts(page))];
}

const buttons = (page: Page): Promise<string[]> => page.locator('a.button:visible, button:visible').allInnerTexts();

describe.each(CASES)('the page at $width px, $colorScheme', ({ width, colorScheme }) => {
  it('fits, names its buttons and can be read, signed out and with everything on it', async () => {
    const context = await open(width, colorScheme);
    const tab = await DemoPage.open(context, stage.demo.origin);
    await tab.signedOut();
    expect(await buttons(tab.page)).toEqual([
      'Sign in',
      'Call it 50 times at once with an expired token',
      'Open a connection',
      'Call the API',
      'Look for tokens',
    ]);
    expect(await flaws(tab.page)).toEqual([]);
    await tab.toProvider();
    expect(await flaws(tab.page)).toEqual([]);
    await tab.pick('Bob');
    await tab.signedIn();
    await tab.callApi();
    await tab.button('Look for tokens').click();
    await tab.openLive();
    await tab.say('Hello there, '.repeat(8));
    await tab.button('Call it 50 times').click();
    await tab.button('Cancel').waitFor();
    expect(await buttons(tab.page)).toEqual([
      'Sign out',
      expect.stringMatching(/^Starts in \d+ s$/),
      'Cancel',
      'Open a connection',
      'Close it',
      'Send',
      'Call the API',
      'Look for tokens',
    ]);
    expect(await flaws(tab.page)).toEqual([]);
    await tab.button('Cancel').click();
    await tab.button('Call it 50 times').waitFor();
    await context.close();
  });
});

describe('the page', () => {
  it('has another colour scheme in the dark', async () => {
    const grounds = SCHEMES.map(async (colorScheme) => {
      const context = await open(390, colorScheme);
      const tab = await DemoPage.open(context, stage.demo.origin);
      const ground = await tab.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      await context.close();
      return ground;
    });
    expect(new Set(await Promise.all(grounds)).size).toBe(2);
  });

  it('says so when Cloakroom does not answer, and recovers on the user’s click', async () => {
    const context = await open(390, 'light');
    await context.route('**/bff/session', (route) => route.abort());
    const tab = await DemoPage.open(context, stage.demo.origin);
    await tab.button('Try again').waitFor();
    expect(await tab.page.locator('#unavailable-reason').innerText()).toBe('Cloakroom does not answer.');
    expect(await flaws(tab.page)).toEqual([]);
    await context.unroute('**/bff/session');
    await tab.button('Try again').click();
    await tab.signedOut();
    await context.close();
  });
});

describe('the search for flaws', () => {
  it('finds pale texts, wide contents, and buttons that are nameless or cut off', async () => {
    const context = await open(390, 'light');
    const tab = await DemoPage.open(context, stage.demo.origin);
    await tab.page.evaluate(() => {
      document.body.insertAdjacentHTML(
        'beforeend',
        '<p style="color:#999">Pale</p><button><img alt=""></button><button style="margin-left:380px">Away</button><p style="width:500px">Wide</p>',
      );
    });
    expect(await flaws(tab.page)).toEqual([
      expect.stringMatching(/^scrolls sideways: \d+ px$/),
      'is cut off: Away',
      '- button',
      expect.stringMatching(/^is pale \(2\.\d\): Pale$/),
    ]);
    await context.close();
  });
});
