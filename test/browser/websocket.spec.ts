import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserContext } from 'playwright-core';
import { DemoPage } from './demo-page.ts';
import { IssuedTokens } from './issued-tokens.ts';
import { startOtherSite, type OtherSite } from './other-site.ts';
import { PageSocket } from './page-socket.ts';
import { placesOf, seenInPage, type Seen } from './script-sight.ts';
import { useStage } from './stage.ts';

const stage = useStage();
let context: BrowserContext;
let tab: DemoPage;

beforeEach(async () => {
  context = await stage.browser.newContext();
  tab = await DemoPage.open(context, stage.demo.origin);
});

afterEach(() => context.close());

const handshakes = (): number => stage.demo.house.api.requests.filter(({ url }) => url.startsWith('/socket')).length;
const grants = (): number => stage.demo.house.provider.stats.tokenRequests.filter(({ grantType }) => grantType === 'refresh_token').length;

async function sessionCookie(): Promise<string> {
  const cookies = await context.cookies(stage.demo.origin);
  return cookies.find(({ name }) => name === '__Host-Http-cloakroom')?.value ?? '';
}

describe('a WebSocket of a signed-in page', () => {
  beforeEach(async () => {
    await tab.signIn();
    stage.demo.house.api.reset();
  });

  it('reaches the API with the bearer and without a cookie, and carries messages both ways', async () => {
    const socket = await PageSocket.begin(tab.page, '/api/socket');
    expect(await socket.greeting()).toMatchObject({ url: '/socket', bearer: { expiresIn: null }, cookie: false });
    expect(await socket.ask('hello')).toBe('hello');
    const long = 'abc '.repeat(100_000);
    expect(await socket.ask(long)).toBe(long);
    expect(stage.demo.house.api.sockets).toBe(1);
  });

  it('agrees on a subprotocol with the API', async () => {
    const socket = await PageSocket.begin(tab.page, '/api/socket', ['chat.v2', 'chat.v1']);
    expect(await socket.greeting()).toMatchObject({ protocol: 'chat.v2' });
    expect(await socket.protocol()).toBe('chat.v2');
  });

  it('is given a newer token before it opens, and the cookie that came with it is the one used from then on', async () => {
    const before = await sessionCookie();
    const asked = grants();
    stage.demo.house.expireAccessToken();
    await (await PageSocket.begin(tab.page, '/api/socket')).greeting();
    expect(grants() - asked).toBe(1);
    const renewed = await sessionCookie();
    expect(renewed).not.toBe(before);
    const sent = tab.page.waitForRequest('**/api/orders');
    expect(await tab.fetchStatus('/api/orders')).toBe('200');
    expect((await (await sent).allHeaders())['cookie']).toBe(`__Host-Http-cloakroom=${renewed}`);
    expect(grants() - asked).toBe(1);
  });

  it('is closed with 4401 and the reason when the user signs out in another tab', async () => {
    const socket = await PageSocket.begin(tab.page, '/api/socket');
    await socket.greeting();
    const other = await DemoPage.open(context, stage.demo.origin);
    await other.button('Sign out').click();
    expect(await socket.closed()).toEqual({ opened: true, code: 4401, reason: 'session_revoked' });
    await other.signedOut();
    const again = await PageSocket.begin(tab.page, '/api/socket');
    expect(await again.closed()).toEqual({ opened: false, code: 1006, reason: '' });
    expect(handshakes()).toBe(1);
  });

  it('is closed with the API’s own code and reason', async () => {
    const socket = await PageSocket.begin(tab.page, '/api/socket?close=4000');
    await socket.greeting();
    await socket.ask('last words');
    expect(await socket.closed()).toEqual({ opened: true, code: 4000, reason: 'as asked for' });
  });

  it('is closed with 1011 when the API goes without a word, and with 1012 when Cloakroom is restarted; then it opens again', async () => {
    const { house } = stage.demo;
    const first = await PageSocket.begin(tab.page, '/api/socket');
    await first.greeting();
    await house.api.down();
    expect(await first.closed()).toEqual({ opened: true, code: 1011, reason: 'upstream_lost' });
    await house.api.up();
    const second = await PageSocket.begin(tab.page, '/api/socket');
    await second.greeting();
    await house.reopen({});
    expect(await second.closed()).toEqual({ opened: true, code: 1012, reason: 'shutdown' });
    const third = await PageSocket.begin(tab.page, '/api/socket');
    expect(await third.greeting()).toMatchObject({ bearer: { expiresIn: null } });
  });

  it('is refused by the API: the page sees that it did not open', async () => {
    const error = tab.page.waitForEvent('websocket').then((socket) => socket.waitForEvent('socketerror'));
    await PageSocket.begin(tab.page, '/api/socket?refuse=403');
    expect(await error).toContain('403');
    expect(handshakes()).toBe(1);
  });
});

describe('a WebSocket of a signed-out page', () => {
  it('does not open, and the API hears nothing of it', async () => {
    stage.demo.house.api.reset();
    const error = tab.page.waitForEvent('websocket').then((socket) => socket.waitForEvent('socketerror'));
    const socket = await PageSocket.begin(tab.page, '/api/socket');
    expect(await error).toContain('HTTP Authentication failed');
    expect(await socket.closed()).toEqual({ opened: false, code: 1006, reason: '' });
    expect(handshakes()).toBe(0);
  });
});

describe('a page of another origin', () => {
  let site: OtherSite | undefined;
  afterEach(() => site?.close());

  it.each([
    ['another site, to which the session cookie does not go', '127.0.0.1', false],
    ['another port, which is the same site to the cookie', 'localhost', true],
  ])('cannot open a WebSocket in the user’s name: %s', async (_, host, withCookie) => {
    await tab.signIn();
    site = await startOtherSite('Hello');
    await tab.page.goto(site.origin.replace('127.0.0.1', host));
    // The API itself, asked directly: cookies know no ports.
    const direct = await PageSocket.begin(tab.page, `ws://localhost:${String(stage.demo.house.api.port)}/socket`);
    expect(await direct.greeting()).toMatchObject({ cookie: withCookie });
    stage.demo.house.api.reset();
    const error = tab.page.waitForEvent('websocket').then((socket) => socket.waitForEvent('socketerror'));
    const socket = await PageSocket.begin(tab.page, `${stage.demo.origin.replace('http', 'ws')}/api/socket`);
    expect(await error).toContain('403');
    expect(await socket.closed()).toMatchObject({ opened: false, code: 1006 });
    expect(handshakes()).toBe(0);
  });
});

describe('an event stream of a signed-in page', () => {
  it('ends at the logout in another tab, and is not taken up again', async () => {
    await tab.signIn();
    const stream = await tab.page.evaluateHandle(async () => {
      const events = new EventSource('/api/sse?every=20&retry=10');
      const states: number[] = [];
      events.addEventListener('error', () => states.push(events.readyState));
      await new Promise((resolve) => events.addEventListener('tick', resolve));
      return states;
    });
    const other = await DemoPage.open(context, stage.demo.origin);
    stage.demo.house.api.reset();
    await other.button('Sign out').click();
    await tab.page.waitForFunction((states) => states.includes(EventSource.CLOSED), stream);
    expect(await stream.jsonValue()).toEqual([0, 2]); // it comes back by itself once, and is told 401
    expect(stage.demo.house.api.requests).toEqual([]);
    await other.signedOut(); // Chromium does not close a context whose page is on its way to another
  });
});

describe('the page’s live connection', () => {
  beforeEach(() => tab.signIn());

  it('shows what the API received, echoes, and is closed by the user', async () => {
    expect(await tab.openLive()).toMatch(/^The API received a bearer token: yes, [0-9a-f]{8}… · a cookie: no$/);
    expect(await tab.say('<b>hello</b>')).toBe('The API <b>hello</b>');
    await tab.button('Close it').click();
    expect(await tab.liveStatus('Closed')).toBe('Closed by you.');
    expect(await tab.button('Open a connection').isEnabled()).toBe(true);
    expect(tab.errors).toEqual([]);
  });

  it('can be worked with the keyboard alone', async () => {
    await tab.button('Open a connection').focus();
    await tab.page.keyboard.press('Enter');
    await tab.page.locator('#live-messages li').first().waitFor();
    await tab.page.keyboard.type('typed'); // the focus is in the field
    await tab.page.keyboard.press('Enter');
    await tab.page.getByText('The API typed').waitFor();
    await tab.button('Close it').focus();
    await tab.page.keyboard.press('Enter');
    await tab.liveStatus('Closed');
    expect(await tab.page.evaluate(() => document.activeElement?.id)).toBe('live-status');
  });

  it('says in plain words why it was closed when the user signs out in another tab', async () => {
    await tab.openLive();
    const other = await DemoPage.open(context, stage.demo.origin);
    await other.button('Sign out').click();
    expect(await tab.liveStatus('Closed')).toMatch(/^Closed with 4401, session_revoked\. You were signed out, here or in another tab/);
    await Promise.all([tab.signedOut(), other.signedOut()]);
    expect(await tab.page.locator('#signed-out-reason').innerText()).toContain('Your session was ended');
    expect(await tab.button('Open a connection').isEnabled()).toBe(false);
    await tab.signIn();
    expect(await tab.page.locator('#live-status').innerText()).toBe('');
  });

  it('says it too on the page to which a sign-out in this tab leads back, and leaves nothing behind', async () => {
    await tab.openLive();
    await tab.button('Sign out').click();
    await tab.page.waitForURL(`${stage.demo.origin}/`, { waitUntil: 'load' });
    expect(await tab.liveStatus('Closed')).toContain('4401, session_revoked');
    await tab.page.waitForFunction(() => performance.getEntriesByName(`${location.origin}/bff/session`).length > 0);
    expect(await tab.page.evaluate(() => sessionStorage.length)).toBe(0);
    expect(tab.errors).toEqual([]);
  });
});

describe('what scripts can see of a live connection', () => {
  it('is no token: neither in its frames nor in the page', async () => {
    const issued = new IssuedTokens(stage.demo.house.provider);
    const seen: Seen[] = [];
    tab.page.on('websocket', (socket) => {
      seen.push({ place: 'address', text: socket.url() });
      socket.on('framereceived', ({ payload }) => seen.push({ place: 'framereceived', text: payload.toString() }));
      socket.on('framesent', ({ payload }) => seen.push({ place: 'framesent', text: payload.toString() }));
    });
    await tab.signIn();
    await tab.openLive();
    stage.demo.house.expireAccessToken();
    await (await PageSocket.begin(tab.page, '/api/socket')).greeting();
    await tab.say('hello');
    const planted = issued.all[0] ?? '';
    await tab.say(planted);
    expect(placesOf(issued.all, seen)).toEqual(['framesent', 'framereceived']); // it finds one that is there
    const others = seen.filter(({ text }) => text !== planted);
    expect(others.map(({ place }) => place)).toEqual(expect.arrayContaining(['address', 'framereceived', 'framesent']));
    expect(placesOf(issued.all, others)).toEqual([]);
    await tab.page.locator('#live-messages').evaluate((list) => list.replaceChildren());
    expect(placesOf(issued.all, await seenInPage(tab.page))).toEqual([]);
    expect(issued.count('access_token')).toBeGreaterThanOrEqual(2);
  });
});
