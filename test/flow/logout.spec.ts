import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { clearings, nameOf, shapesOf } from '../support/set-cookie.ts';
import type { Trail, UserAgent } from '../support/user-agent.ts';
import { headerOf, jsonOf, queryOf, verdictOf } from '../support/wire.ts';

const SESSION = '__Host-Http-cloakroom';
const HINT = '__Secure-cloakroom-hint';
const POST = { method: 'POST' } as const;
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const PAGE = 'http://page.invalid';

let house: House;

beforeAll(async () => {
  house = await openHouse();
});

beforeEach(() => {
  house.provider.control.recover();
  house.provider.stats.reset();
  house.log.lines.length = 0;
});

afterAll(() => house.close());

const signedIn = async (user = 'alice'): Promise<UserAgent> => {
  const agent = house.newAgent();
  await agent.login(user, { returnTo: '/pages/page' });
  house.provider.stats.reset();
  house.log.lines.length = 0;
  return agent;
};

const copyOf = (agent: UserAgent): string =>
  agent
    .cookies('/')
    .filter(({ name }) => name.startsWith(SESSION))
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ');

const replay = (cookie: string): Promise<Response> => house.newAgent().fetch('/api/orders', { headers: { cookie } });
const ours = (agent: UserAgent): string[] =>
  agent
    .cookies()
    .map(({ name }) => name)
    .filter((name) => name.includes('cloakroom'));
const paths = ({ urls }: Trail): string[] => urls.map((url) => new URL(url).pathname);
const logoutUrlOf = async (agent: UserAgent): Promise<string> => String((await jsonOf(await agent.fetch('/bff/session')))['logoutUrl']);
const FULL_WAY = ['/bff/logout/provider', '/oauth2/default/v1/logout', '/bff/logged-out'];

async function expectEnded(cookie: string): Promise<void> {
  const answer = await replay(cookie);
  expect(verdictOf(answer)).toEqual([401, 'session_revoked']);
  expect(clearings(answer.headers.getSetCookie())).toEqual([SESSION]);
}

describe('a logout by a script', () => {
  it('answers a path of ours, which leads through the provider to returnTo', async () => {
    const agent = await signedIn();
    const cookie = copyOf(agent);
    const answer = await agent.fetch('/bff/logout', {
      ...POST,
      headers: { 'content-type': 'application/json' },
      body: '{"returnTo":"/pages/page?bye"}',
    });
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([
      200,
      'application/json',
      'no-store',
    ]);
    const body = await jsonOf(answer);
    expect(body).toEqual({ redirectTo: expect.stringMatching(/^\/bff\/logout\/provider\?id=[\w-]{43}$/) });

    const trail = await agent.navigate(String(body['redirectTo']), { initiator: 'page' });
    // Twice: the provider led here, and the page that goes on by itself makes it our own site's step.
    expect(paths(trail)).toEqual([...FULL_WAY, '/pages/page', '/pages/page']);
    expect(trail.hops.slice(0, 3).map(({ status }) => status)).toEqual([303, 303, 303]);
    expect(trail.page.url).toBe(`${house.origin}/pages/page?bye`);
    await expectEnded(cookie);
  });

  it('clears the session on the wire, and keeps the hint for a minute', async () => {
    const agent = await signedIn();
    const answer = await agent.fetch('/bff/logout', POST);
    expect(shapesOf(answer.headers.getSetCookie())).toEqual([
      `${SESSION}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict`,
      `${HINT}=…; Path=/bff/logout; Max-Age=60; Secure; HttpOnly; SameSite=Strict`,
    ]);
    expect(ours(agent)).toEqual([HINT]);
  });

  it('shows the script neither the ID token nor where the provider lives', async () => {
    const agent = await signedIn();
    const text = await (await agent.fetch('/bff/logout', POST)).text();
    expect(text).not.toContain('eyJ');
    expect(text).not.toContain(house.provider.origin);
  });

  it('sends the provider its own ID token, our redirect and a sealed state, and spends the hint', async () => {
    const agent = await signedIn();
    const { redirectTo } = await jsonOf(await agent.fetch('/bff/logout', POST));
    const trail = await agent.navigate(String(redirectTo), { initiator: 'page' });
    expect(house.provider.stats.endSessions).toEqual([
      {
        id_token_hint: expect.stringMatching(/^eyJ/),
        post_logout_redirect_uri: `${house.origin}/bff/logged-out`,
        state: expect.stringMatching(/^Fe26\.2\*/),
      },
    ]);
    const hop = trail.at('/bff/logout/provider');
    expect(hop?.headers.get('referrer-policy')).toBe('no-referrer');
    expect(shapesOf(hop?.setCookies ?? [])).toEqual([`${HINT}=; Path=/bff/logout; Max-Age=0; Secure; HttpOnly; SameSite=Strict`]);
    expect(ours(agent)).toEqual([]);
  });

  it('gives the refresh token back before it answers, once', async () => {
    const agent = await signedIn();
    await agent.fetch('/bff/logout', POST);
    expect(house.provider.stats.revocations).toEqual([{ tokenTypeHint: 'refresh_token', clientAuth: 'client_secret_basic', status: 200 }]);
    expect(house.log.of('logout').map(({ fields }) => fields['session'])).toEqual(['active']);
    expect(JSON.stringify(house.log.lines)).not.toContain('eyJ');
  });

  it('gives the newest refresh token back after a refresh', async () => {
    const agent = await signedIn();
    house.expireAccessToken();
    await agent.fetch('/api/orders');
    await agent.fetch('/bff/logout', POST);
    expect(house.provider.stats.refreshes).toBe(1);
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(0);
  });

  it('asks for the sign-in page at the next login, because the session of the provider is over', async () => {
    const agent = await signedIn();
    const { redirectTo } = await jsonOf(await agent.fetch('/bff/logout', POST));
    await agent.navigate(String(redirectTo), { initiator: 'page' });
    const { page } = await agent.navigate('/bff/login');
    expect(page.body).toContain('name="user" value="alice"');
  });

  it('takes login attempts along', async () => {
    const agent = await signedIn();
    await agent.navigate('/bff/login?prompt=select_account');
    const answer = await agent.fetch('/bff/logout', POST);
    expect(
      answer.headers
        .getSetCookie()
        .map(nameOf)
        .filter((name) => name.includes('-login.')),
    ).toHaveLength(1);
    expect(ours(agent)).toEqual([HINT]);
  });

  it('twice is the same as once', async () => {
    const agent = await signedIn();
    await agent.fetch('/bff/logout', POST);
    const again = await agent.fetch('/bff/logout', POST);
    expect([again.status, Object.keys(await jsonOf(again))]).toEqual([200, ['redirectTo']]);
    expect(house.provider.stats.revocations).toHaveLength(1);
  });

  it.each(['//evil.example', 'https://evil.example/', '/\\evil.example', '/bff/login', ''])(
    'with returnTo %j leads home',
    async (returnTo) => {
      const agent = await signedIn();
      const body = new URLSearchParams({ returnTo }).toString();
      const { redirectTo } = await jsonOf(await agent.fetch('/bff/logout', { ...POST, headers: FORM, body }));
      const { page } = await agent.navigate(String(redirectTo), { initiator: 'page' });
      expect(page.url).toBe(`${house.origin}/`);
    },
  );

  it.each([
    ['text', { 'content-type': 'text/plain' }, 'x', 415, 'unsupported_media_type'],
    ['broken JSON', { 'content-type': 'application/json' }, '{', 400, 'bad_request'],
    ['an array', { 'content-type': 'application/json' }, '[]', 400, 'bad_request'],
    ['returnTo twice', FORM, 'returnTo=/a&returnTo=/b', 400, 'bad_request'],
    ['17 KiB', FORM, `x=${'y'.repeat(17 * 1024)}`, 413, 'payload_too_large'],
  ])('with a body of %s is refused and ends nothing', async (_what, headers, body, status, code) => {
    const agent = await signedIn();
    const answer = await agent.fetch('/bff/logout', { ...POST, headers, body });
    expect(verdictOf(answer)).toEqual([status, code]);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
  });
});

describe('the way on to the provider', () => {
  it('is open once, to the browser that logged out', async () => {
    const agent = await signedIn();
    const { redirectTo } = await jsonOf(await agent.fetch('/bff/logout', POST));
    await agent.navigate(String(redirectTo), { initiator: 'page' });
    const again = await agent.navigate(String(redirectTo));
    const stranger = await house.newAgent().navigate(String(redirectTo));
    expect([verdictOf(again.page), verdictOf(stranger.page)]).toEqual([
      [403, 'csrf_refused'],
      [403, 'csrf_refused'],
    ]);
    expect(house.provider.stats.endSessions).toHaveLength(1);
  });

  it('is closed to the hint of a session that was not logged out', async () => {
    const agent = await signedIn();
    const id = new URL(await logoutUrlOf(agent), PAGE).searchParams.get('id') ?? '';
    const { page } = await agent.navigate(`/bff/logout/provider?id=${id}`);
    expect(verdictOf(page)).toEqual([403, 'csrf_refused']);
    expect(house.provider.stats.endSessions).toEqual([]);
  });

  it('closes after a minute', async () => {
    const agent = await signedIn();
    const { redirectTo } = await jsonOf(await agent.fetch('/bff/logout', POST));
    house.clock.skip(61_000);
    const { page } = await agent.navigate(String(redirectTo), { initiator: 'page' });
    expect(verdictOf(page)).toEqual([403, 'csrf_refused']);
  });
});

describe('a logout by a form', () => {
  it('answers a page that goes on to the provider, and ends on returnTo', async () => {
    const agent = await signedIn();
    const cookie = copyOf(agent);
    const trail = await agent.navigate('/bff/logout', { initiator: 'page', form: { returnTo: '/pages/page?bye' } });
    expect(paths(trail)).toEqual([
      '/bff/logout',
      '/bff/logout/provider',
      '/oauth2/default/v1/logout',
      '/bff/logged-out',
      '/pages/page',
      '/pages/page',
    ]);
    const page = trail.at('/bff/logout');
    expect([page?.status, page?.method]).toEqual([200, 'POST']);
    expect(page?.headers.get('refresh')).toMatch(/^0;url=\/bff\/logout\/provider\?id=[\w-]{43}$/);
    expect(house.provider.stats.endSessions).toMatchObject([{ id_token_hint: expect.any(String) }]);
    expect(page?.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page?.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page?.body).not.toContain('<script');
    expect(clearings(page?.setCookies ?? [])).toEqual([SESSION]);
    expect(ours(agent)).toEqual([]);
    expect(house.provider.stats.revocations).toHaveLength(1);
    await expectEnded(cookie);
  });

  it('of another site is refused, and ends nothing', async () => {
    const agent = await signedIn();
    const { page } = await agent.navigate('/bff/logout', { initiator: new URL('https://evil.example/'), form: {} });
    expect(verdictOf(page)).toEqual([403, 'csrf_refused']);
    expect(page.setCookies).toEqual([]);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
  });
});

describe('a logout by a link', () => {
  it('with its proof ends the session and leads through the provider home', async () => {
    const agent = await signedIn();
    const cookie = copyOf(agent);
    const trail = await agent.navigate(await logoutUrlOf(agent), { initiator: 'page' });
    expect(paths(trail)).toEqual(['/bff/logout', '/oauth2/default/v1/logout', '/bff/logged-out', '/']);
    expect(trail.statuses.slice(0, 3)).toEqual([303, 303, 303]);
    expect(clearings(trail.at('/bff/logout')?.setCookies ?? [])).toEqual([SESSION, HINT]);
    expect(house.provider.stats.revocations).toHaveLength(1);
    await expectEnded(cookie);
  });

  it.each([
    ['no proof', ''],
    ['an empty proof', '?id='],
    ['a guessed proof', `?id=${'A'.repeat(43)}`],
  ])('with %s is a page with a button, and nothing is ended before the click', async (_what, query) => {
    const agent = await signedIn();
    const { page } = await agent.navigate(`/bff/logout${query}`, { initiator: new URL('https://evil.example/') });
    expect(verdictOf(page)).toEqual([403, 'csrf_refused']);
    expect(page.setCookies).toEqual([]);
    expect(page.body).toContain('<form method="post" action="/bff/logout"><button class="go">Sign out</button></form>');
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(house.provider.stats.revocations).toEqual([]);

    const trail = await agent.submit();
    expect(paths(trail)).toEqual(['/bff/logout', '/bff/logout/provider', '/oauth2/default/v1/logout', '/bff/logged-out', '/']);
    expect(verdictOf(await agent.fetch('/api/orders'))).toEqual([401, 'not_logged_in']);
  });

  it('with its proof leads to a returnTo of this site, and to no other', async () => {
    const ends: string[] = [];
    for (const returnTo of ['/pages/page?bye', '//evil.example', 'https://evil.example/']) {
      const agent = await signedIn();
      const url = `${await logoutUrlOf(agent)}&returnTo=${encodeURIComponent(returnTo)}`;
      ends.push((await agent.navigate(url, { initiator: 'page' })).page.url);
    }
    expect(ends).toEqual([`${house.origin}/pages/page?bye`, `${house.origin}/`, `${house.origin}/`]);
  });

  it('with the proof of another session ends neither', async () => {
    const [alice, erin] = [await signedIn('alice'), await signedIn('erin')];
    const { page } = await alice.navigate(await logoutUrlOf(erin), { initiator: 'page' });
    expect(verdictOf(page)).toEqual([403, 'csrf_refused']);
    expect([(await alice.fetch('/api/orders')).status, (await erin.fetch('/api/orders')).status]).toEqual([200, 200]);
  });

  it.each(['sec-purpose', 'purpose', 'x-moz'])('that is prefetched (%s) ends nothing', async (header) => {
    const agent = await signedIn();
    await agent.navigate(await logoutUrlOf(agent), { initiator: 'page', headers: { [header]: 'prefetch' } });
    expect((await agent.fetch('/api/orders')).status).toBe(200);
  });

  it('with the proof twice is refused', async () => {
    const agent = await signedIn();
    const url = await logoutUrlOf(agent);
    const { page } = await agent.navigate(`${url}&${url.split('?')[1] ?? ''}`, { initiator: 'page' });
    expect(verdictOf(page)).toEqual([400, 'bad_request']);
  });
});

describe('a logout from another site', () => {
  const evil = new URL('https://evil.example/');

  it.each([
    ['a fetch', { ...POST, initiator: evil }],
    ['a fetch with a form', { ...POST, initiator: evil, headers: FORM, body: 'returnTo=/' }],
    ['a fetch with X-CSRF', { ...POST, initiator: evil, headers: { 'x-csrf': '1' } }],
    ['a fetch of another port', { ...POST, initiator: new URL('http://localhost:1') }],
  ])('by %s is refused, and ends nothing', async (_how, options) => {
    const agent = await signedIn();
    const answer = await agent.fetch('/bff/logout', options);
    expect(verdictOf(answer)).toEqual([403, 'csrf_refused']);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(house.provider.stats.revocations).toEqual([]);
  });

  it('never shows a script where it leads: a GET by fetch is refused, with the right id too, and ends nothing', async () => {
    const agent = await signedIn();
    const { logoutUrl } = (await (await agent.fetch('/bff/session')).json()) as { logoutUrl: string };
    for (const path of [logoutUrl, logoutUrl.replace('/logout', '/logout/provider')]) {
      const answer = await agent.fetch(path);
      expect([answer.status, answer.headers.get('cloakroom-error'), answer.headers.get('location')]).toEqual([
        400,
        'navigation_required',
        null,
      ]);
    }
    expect((await agent.fetch('/api/orders')).status).toBe(200);
  });

  it('by an image is refused, and ends nothing', async () => {
    const agent = await signedIn();
    const headers = { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', 'sec-fetch-site': 'cross-site' };
    const answer = await agent.fetch('/bff/logout', { headers });
    expect([answer.status, answer.headers.get('cloakroom-error')]).toEqual([400, 'navigation_required']);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
  });
});

describe('a logout without a session', () => {
  it('that is expired clears the cookie, gives the token back and tells the provider the client id', async () => {
    const agent = await signedIn();
    house.clock.skip(31 * 60_000);
    const trail = await agent.navigate('/bff/logout', {
      initiator: 'page',
      form: {},
      until: (url) => url.origin === house.provider.origin,
    });
    expect(trail.hops.flatMap(({ setCookies }) => clearings(setCookies))).toEqual([SESSION, HINT]);
    expect(queryOf(trail.stoppedAt ?? '')).toEqual({
      client_id: 'cloakroom',
      post_logout_redirect_uri: `${house.origin}/bff/logged-out`,
      state: expect.any(String),
    });
    expect(house.provider.stats.revocations).toHaveLength(1);
    expect(house.log.of('logout').map(({ fields }) => fields['session'])).toEqual(['expired']);
  });

  it.each([
    ['none', undefined],
    ['an unreadable one', 'planted'],
  ])('(%s) is a logout at the provider all the same', async (_what, value) => {
    const agent = house.newAgent();
    await agent.navigate('/');
    const cookie = value === undefined ? {} : { cookie: `${SESSION}=${value}` };
    const answer = await agent.fetch('/bff/logout', { ...POST, headers: cookie });
    expect(answer.status).toBe(200);
    expect(clearings(answer.headers.getSetCookie())).toEqual(value === undefined ? [] : [SESSION]);
    const { redirectTo } = await jsonOf(answer);
    const { stoppedAt = '' } = await agent.navigate(String(redirectTo), {
      initiator: 'page',
      until: (url) => url.origin === house.provider.origin,
    });
    expect(queryOf(stoppedAt)).toEqual({
      client_id: 'cloakroom',
      post_logout_redirect_uri: `${house.origin}/bff/logged-out`,
      state: expect.any(String),
    });
    expect(house.provider.stats.revocations).toEqual([]);
  });
});

describe('a user whose ID token is too large for a cookie', () => {
  let crowd: House;

  beforeAll(async () => {
    // Random names, or compression would make a small hint of them.
    const groups = Array.from({ length: 150 }, () => randomBytes(18).toString('base64url'));
    const many = { id: 'many', name: 'Many Groups', email: 'many@example.com', emailVerified: true, groups, situation: 'Many groups' };
    crowd = await openHouse({ provider: { users: [many] } });
  });

  afterAll(() => crowd.close());

  const leave = async (agent: UserAgent): Promise<Record<string, string>> => {
    const { redirectTo } = await jsonOf(await agent.fetch('/bff/logout', POST));
    const { page } = await agent.navigate(String(redirectTo), { initiator: 'page', until: (url) => url.origin === crowd.provider.origin });
    return queryOf(headerOf(page, 'location'));
  };

  it('has no hint cookie, and is named to the provider by client id and e-mail address', async () => {
    const agent = crowd.newAgent();
    await agent.login('many');
    expect(ours(agent)).toEqual([SESSION]);
    expect(await leave(agent)).toEqual({
      client_id: 'cloakroom',
      logout_hint: 'many@example.com',
      post_logout_redirect_uri: `${crowd.origin}/bff/logged-out`,
      state: expect.any(String),
    });
  });

  it('loses the hint of a smaller user of before', async () => {
    const agent = crowd.newAgent();
    await agent.navigate('/bff/login');
    const { hops } = await agent.signIn('many');
    const lines = hops.flatMap(({ setCookies }) => setCookies).filter((line) => nameOf(line) === HINT);
    expect(shapesOf(lines)).toEqual([`${HINT}=; Path=/bff/logout; Max-Age=0; Secure; HttpOnly; SameSite=Strict`]);
  });
});

describe('GET /bff/logged-out', () => {
  it.each([
    ['no state', ''],
    ['a forged state', '?state=Fe26.2*forged'],
    ['two states', '?state=a&state=b'],
    ['a returnTo', '?returnTo=/pages/page'],
  ])('with %s leads home', async (_what, query) => {
    const { page } = await house.newAgent().navigate(`/bff/logged-out${query}`, { until: (url) => url.pathname === '/' });
    expect([page.status, page.headers.get('location'), page.setCookies]).toEqual([303, '/', []]);
  });

  it('takes a state for ten minutes', async () => {
    const agent = await signedIn();
    const isBack = (url: URL): boolean => url.pathname === '/bff/logged-out';
    const { stoppedAt = '' } = await agent.navigate('/bff/logout', { initiator: 'page', form: { returnTo: '/pages/page' }, until: isBack });
    const inTime = await agent.navigate(stoppedAt, { until: (url) => !isBack(url) });
    house.clock.skip(10 * 60_000 + 1000);
    const late = await agent.navigate(stoppedAt, { until: (url) => !isBack(url) });
    expect([inTime.page.headers.get('location'), late.page.headers.get('location')]).toEqual(['/pages/page', '/']);
  });

  it('takes no session cookie for a state', async () => {
    const agent = await signedIn();
    const value = agent.jar.get(SESSION)?.value ?? '';
    const { page } = await agent.navigate(`/bff/logged-out?state=${encodeURIComponent(value)}`, { until: (url) => url.pathname === '/' });
    expect(page.headers.get('location')).toBe('/');
  });
});
