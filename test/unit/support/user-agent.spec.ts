import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { UserAgent } from '../../support/user-agent.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
}

let server: Server;
let seen: Seen[] = [];
let app: string;
let provider: string;

/** One server under two names: `localhost` and `127.0.0.1` are different sites. */
beforeAll(async () => {
  server = createServer((req, res) => {
    seen.push({ method: req.method, url: req.url, headers: req.headers });
    answer(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  app = `http://localhost:${port}`;
  provider = `http://127.0.0.1:${port}`;
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

beforeEach(() => {
  seen = [];
});

function answer(req: IncomingMessage, res: ServerResponse): void {
  const { pathname } = new URL(req.url ?? '/', app);
  const page = (html: string, headers: Record<string, string | string[]> = {}): void =>
    void res.writeHead(200, { 'content-type': 'text/html', ...headers }).end(html);
  const cookies = ['strict=1; Path=/; SameSite=Strict', 'lax=1; Path=/; SameSite=Lax', 'none=1; Path=/; SameSite=None; Secure'];
  if (pathname === '/set') page('', { 'set-cookie': cookies });
  else if (pathname === '/to-provider') res.writeHead(302, { location: `${provider}/form` }).end();
  else if (pathname === '/form') page(`<form method="post" action="${provider}/submit"><input name="hidden" value="a&amp;b"></form>`);
  else if (pathname === '/submit') res.writeHead(303, { location: `${app}/callback` }).end();
  else if (pathname === '/callback') page('', { refresh: '0;url=/continue' });
  else if (pathname === '/post-back')
    page(`<script>document.forms[0].submit()</script><form method="post" action="${app}/landing"></form>`);
  else if (pathname === '/no-referrer') page('<form method="post" action="/landing"></form>', { 'referrer-policy': 'no-referrer' });
  else if (pathname === '/loop') res.writeHead(302, { location: '/loop' }).end();
  else page('<p>page</p>');
}

describe('the test user agent', () => {
  it('follows redirects, a form of another site and a continuing page, as a browser would report them', async () => {
    const agent = new UserAgent({ origin: app });
    await agent.navigate('/set');
    await agent.navigate('/to-provider', { initiator: 'page' });
    const trail = await agent.submit({ user: 'alice' });
    expect(seen.map(({ method, url }) => `${method ?? ''} ${url ?? ''}`)).toEqual([
      'GET /set',
      'GET /to-provider',
      'GET /form',
      'POST /submit',
      'GET /callback',
      'GET /continue',
    ]);
    expect(seen.map(({ headers }) => headers['sec-fetch-site'])).toEqual([
      'none',
      'same-origin',
      'cross-site',
      'same-origin',
      'cross-site',
      'same-origin',
    ]);
    expect(seen.map(({ headers }) => headers.cookie)).toEqual([
      undefined,
      'strict=1; lax=1; none=1',
      undefined,
      undefined,
      'lax=1; none=1',
      'strict=1; lax=1; none=1',
    ]);
    expect(trail.hops.map(({ via }) => via)).toEqual(['form', 'redirect', 'refresh']);
    expect(agent.page.url).toBe(`${app}/continue`);
  });

  it('marks navigations and fetches with Fetch Metadata as Chromium does', async () => {
    const agent = new UserAgent({ origin: app });
    await agent.navigate('/x');
    await agent.fetch('/api', { method: 'POST' });
    await agent.fetch('/api', { initiator: new URL(provider) });
    expect(seen[0]?.headers).toMatchObject({ 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-user': '?1' });
    expect(seen[1]?.headers).toMatchObject({
      'sec-fetch-site': 'same-origin',
      'sec-fetch-mode': 'cors',
      'sec-fetch-dest': 'empty',
      origin: app,
    });
    expect(seen[2]?.headers).toMatchObject({ 'sec-fetch-site': 'cross-site', origin: provider });
  });

  it('sends neither Strict nor Lax cookies with a cross-site POST or fetch', async () => {
    const agent = new UserAgent({ origin: app });
    await agent.navigate('/set');
    await agent.navigate('/landing', { method: 'POST', initiator: new URL(provider) });
    await agent.fetch('/landing', { initiator: new URL(provider) });
    expect(seen.slice(1).map(({ headers }) => headers.cookie)).toEqual(['none=1', 'none=1']);
  });

  it('submits self-submitting forms, and leaves them to a click without JavaScript', async () => {
    const trail = await new UserAgent({ origin: app }).navigate(`${provider}/post-back`);
    expect(trail.page.url).toBe(`${app}/landing`);
    expect(seen.at(-1)).toMatchObject({ method: 'POST', headers: { origin: provider, 'sec-fetch-site': 'cross-site' } });
    const still = await new UserAgent({ origin: app, javascript: false }).navigate(`${provider}/post-back`);
    expect(still.page.url).toBe(`${provider}/post-back`);
  });

  it('posts the forms of a no-referrer page with Origin: null', async () => {
    const agent = new UserAgent({ origin: app });
    await agent.navigate('/no-referrer');
    await agent.submit();
    expect(seen.at(-1)?.headers).toMatchObject({ origin: 'null', 'sec-fetch-site': 'same-origin' });
  });

  it('can be stopped before a URL, shares cookies between tabs, and gives up on loops', async () => {
    const agent = new UserAgent({ origin: app });
    const trail = await agent.navigate('/to-provider', { until: (url) => url.origin === provider });
    expect(trail.stoppedAt).toBe(`${provider}/form`);
    await agent.openTab().navigate('/set');
    expect(agent.cookies()).toHaveLength(3);
    await expect(agent.navigate('/loop')).rejects.toThrow('More than 20 hops');
  });

  it('can do without Fetch Metadata, as old browsers', async () => {
    await new UserAgent({ origin: app, fetchMetadata: false }).navigate('/x');
    expect(Object.keys(seen[0]?.headers ?? {}).filter((name) => name.startsWith('sec-'))).toEqual([]);
  });
});
