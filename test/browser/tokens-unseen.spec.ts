import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext } from 'playwright-core';
import { launchChromium } from './chromium.ts';
import { openDemoHouse, type DemoHouse } from './demo-house.ts';
import { DemoPage } from './demo-page.ts';
import { IssuedTokens } from './issued-tokens.ts';
import { Middlebox } from './middlebox.ts';
import { placesOf, seenInAnswers, seenInPage, type Seen } from './script-sight.ts';

let demo: DemoHouse;
let issued: IssuedTokens;
let browser: Browser;
let middlebox: Middlebox;
let context: BrowserContext;
let tab: DemoPage;
/** Addresses of every document that stood in the tab, at whatever site. */
let documents: string[];

beforeAll(async () => {
  demo = await openDemoHouse({ provider: { accessTokenFormat: 'jwt' } });
  issued = new IssuedTokens(demo.house.provider);
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
  await demo.close();
});

beforeEach(async () => {
  middlebox = new Middlebox();
  context = await browser.newContext({ proxy: await middlebox.open() });
  tab = new DemoPage(await context.newPage(), demo.origin);
  documents = [];
  tab.page.on('framenavigated', (frame) => documents.push(frame.url()));
  await tab.page.goto(demo.origin);
});

afterEach(async () => {
  await context.close();
  await middlebox.close();
});

async function everythingSeen(): Promise<readonly Seen[]> {
  const visited = { place: 'documents', text: documents.join('\n') };
  return [visited, ...seenInAnswers(middlebox.passed, demo.origin), ...(await seenInPage(tab.page))];
}

async function leaveByForm(): Promise<void> {
  await tab.page.evaluate(() => {
    const form = document.body.appendChild(Object.assign(document.createElement('form'), { method: 'post', action: '/bff/logout' }));
    form.submit();
  });
  await tab.signedOut();
}

describe('what the scripts of the page can see', () => {
  it('is no access token, refresh token or ID token, whatever the user does', async () => {
    const seen: Seen[] = [];
    await tab.signIn();
    await tab.callApi();
    await tab.button('Look for tokens').click();
    await tab.page.getByRole('cell', { name: 'nothing' }).nth(5).waitFor();
    demo.house.expireAccessToken();
    await tab.page.reload();
    expect(await tab.storm()).toMatchObject({ answers: '50 of 50' });
    demo.house.clock.skip(3000); // past refresh.cooldown
    expect(await tab.fetchStatus('/bff/refresh', { method: 'POST' })).toBe('200');
    seen.push(...(await everythingSeen()));
    await tab.button('Sign out').click();
    await tab.signedOut();
    await tab.signIn('Bob');
    seen.push(...(await everythingSeen()));
    await leaveByForm();
    seen.push(...(await everythingSeen()));
    expect((['access_token', 'refresh_token', 'id_token'] as const).map((kind) => issued.count(kind))).toEqual([4, 4, 4]);
    expect(demo.house.provider.stats.endSessions.map((query) => issued.all.includes(query['id_token_hint'] ?? ''))).toEqual([true, true]);
    expect(seen.filter(({ place }) => place === 'body').length).toBeGreaterThan(60);
    expect(placesOf(issued.all, seen)).toEqual([]);
  });
});

describe('the search', () => {
  const TOKEN = `eyJ.${'a-planted_token.'.repeat(4)}`;
  const plant: Readonly<Record<string, (token: string) => unknown>> = {
    'document.cookie': (token) => (document.cookie = `t=${token}`),
    localStorage: (token) => localStorage.setItem('t', token),
    sessionStorage: (token) => sessionStorage.setItem('t', token),
    indexedDB: (token) =>
      new Promise((resolve) => {
        const opening = indexedDB.open('db');
        opening.onupgradeneeded = () => opening.result.createObjectStore('s').put({ deep: [token] }, 'k');
        opening.onsuccess = () => {
          opening.result.close();
          resolve(undefined);
        };
      }),
    caches: async (token) => (await caches.open('c')).put('/cached', new Response(token)),
    'window.name': (token) => (window.name = token),
    'history.state': (token) => history.replaceState({ token }, ''),
    html: (token) => document.body.append(token),
    address: (token) => history.replaceState(undefined, '', `?t=${token}`),
    documents: (token) => (location.hash = token),
    body: async (token) => (await fetch('/api/echo', { headers: { 'x-probe': token } })).text(),
    url: (token) => fetch(`/nothing.js?t=${token}`),
  };

  it.each(Object.keys(plant))('finds a token planted in %s', async (place) => {
    if (place === 'body') await tab.signIn(); // the API answers what it was sent
    await tab.page.evaluate(plant[place] ?? String, TOKEN);
    expect(placesOf([TOKEN], await everythingSeen())).toContain(place);
  });

  it.each([
    ['percent-encoded', encodeURIComponent],
    ['in base64', (token: string) => Buffer.from(`${token}|more`).toString('base64')],
    ['in base64url', (token: string) => Buffer.from(token).toString('base64url')],
    ['in hexadecimal', (token: string) => Buffer.from(token).toString('hex')],
  ])('finds a token %s', (_how, spell) => {
    const token = '~planted/token+of~this=test~';
    expect(placesOf([token], [{ place: 'here', text: `x${spell(token)}y` }])).toEqual(['here']);
    expect(placesOf([token], [{ place: 'here', text: spell('~another/token+of~this=test~') }])).toEqual([]);
  });
});
