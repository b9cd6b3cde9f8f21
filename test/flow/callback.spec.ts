import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { authorizationResponse, changed } from '../support/callback-hop.ts';
import { openHouse, type House } from '../support/house.ts';
import { shapesOf } from '../support/set-cookie.ts';
import type { Trail, UserAgent } from '../support/user-agent.ts';
import { jsonOf, verdictOf } from '../support/wire.ts';

const ATTEMPT_GONE = '__Host-Http-cloakroom-login.<id>=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax';
const MINUTE = 60_000;

let house: House;

beforeAll(async () => {
  house = await openHouse();
});

beforeEach(() => {
  house.provider.stats.reset();
  house.provider.control.recover();
  house.log.lines.length = 0;
});

afterAll(() => house.close());

const paths = ({ urls }: Trail): string[] => urls.map((url) => new URL(url).pathname);
const loud = (): unknown[] => house.log.lines.filter(({ level }) => level === 'warn' || level === 'error');

describe('an authorization response that nobody waits for', () => {
  const expectCalm = (callback: Trail['page'] | undefined): void => {
    expect(callback?.status).toBe(200);
    expect(callback?.headers.get('refresh')).toBe('0;url=/bff/continue?returnTo=%2F');
    expect(callback?.setCookies).toEqual([]);
    expect(house.provider.stats.hits.token).toBeUndefined();
    expect(loud()).toEqual([]);
  };

  it('reloaded after the login leads home, still signed in, without asking the provider', async () => {
    const agent = house.newAgent();
    const url = await authorizationResponse(agent, 'alice');
    await agent.navigate(url.href);
    house.provider.stats.reset();
    const reload = await agent.navigate(url.href);
    expectCalm(reload.at('/bff/callback'));
    expect(paths(reload)).toEqual(['/bff/callback', '/bff/continue', '/']);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
  });

  it('reached by the back button after a logout ends on a page with a button, and starts no login', async () => {
    const agent = house.newAgent();
    const url = await authorizationResponse(agent, 'alice');
    await agent.navigate(url.href);
    await agent.fetch('/bff/logout', { method: 'POST' });
    house.provider.stats.reset();
    const back = await agent.navigate(url.href, { initiator: 'page' });
    expectCalm(back.at('/bff/callback'));
    expect(paths(back)).toEqual(['/bff/callback', '/bff/continue']);
    expect([back.page.status, back.page.headers.get('cloakroom-error')]).toEqual([200, null]);
    expect(back.page.body).toContain('<a class="go" href="/bff/login?returnTo=%2F">Sign in</a>');
    expect(house.provider.stats.authorizations).toEqual([]);
  });

  it.each(['', '?', '?utm_source=mail'])('as a bookmark without parameters (%j) is no error', async (query) => {
    const trail = await house.newAgent().navigate(`/bff/callback${query}`);
    expectCalm(trail.at('/bff/callback'));
    expect(trail.page.status).toBe(200);
  });

  it('in another browser than the one that began ends on a page, and the code is not spent', async () => {
    const owner = house.newAgent();
    const url = await authorizationResponse(owner, 'alice');
    house.provider.stats.reset();
    const other = await house.newAgent().navigate(url.href, { initiator: new URL('https://mail.example/') });
    expectCalm(other.at('/bff/callback'));
    const { page } = await owner.navigate(url.href);
    expect([page.url, page.status]).toEqual([`${house.origin}/pages/page`, 200]);
  });

  it('with a state of nobody is calm as well', async () => {
    const trail = await house.newAgent().navigate('/bff/callback?code=x&state=forged');
    expectCalm(trail.at('/bff/callback'));
  });
});

describe('an authorization response that comes twice', () => {
  const sessionLine = (hop: Trail['page'] | undefined): string | undefined =>
    hop?.setCookies.find((line) => line.startsWith('__Host-Http-cloakroom='));

  it('at the same moment is one exchange, and both answers carry the same cookie bytes', async () => {
    const agent = house.newAgent();
    const url = await authorizationResponse(agent, 'alice');
    const gate = house.provider.control.hold('token');
    const stop = (to: URL): boolean => to.pathname === '/bff/continue';
    const both = [agent.openTab().navigate(url.href, { until: stop }), agent.openTab().navigate(url.href, { until: stop })];
    await gate.waitFor(1);
    gate.open();
    const [one, two] = await Promise.all(both);
    expect(house.provider.stats.tokenRequests.map(({ status }) => status)).toEqual([200]);
    expect(sessionLine(one?.page)).toBeDefined();
    expect(one?.page.setCookies).toEqual(two?.page.setCookies);
    expect(house.log.of('login_succeeded')).toHaveLength(1);
  });

  it('from a browser that never saw the first answer gets the same answer for a minute', async () => {
    const agent = house.newAgent();
    const url = await authorizationResponse(agent, 'alice');
    const before = agent.cookies();
    const first = await agent.navigate(url.href);
    agent.jar.restore(before);
    house.clock.skip(MINUTE - 1000);
    const second = await agent.navigate(url.href);
    expect(sessionLine(second.at('/bff/callback'))).toBe(sessionLine(first.at('/bff/callback')));
    expect(second.page.url).toBe(`${house.origin}/pages/page`);
    expect(house.provider.stats.tokenRequests).toHaveLength(1);
  });

  it('later than a minute is refused by the provider, with a page', async () => {
    const agent = house.newAgent();
    const url = await authorizationResponse(agent, 'alice');
    const before = agent.cookies();
    await agent.navigate(url.href);
    agent.jar.restore(before);
    house.clock.skip(MINUTE);
    const { page } = await agent.navigate(url.href);
    expect(verdictOf(page)).toEqual([400, 'login_failed']);
    expect(page.body).toContain('exchange_refused');
    expect(shapesOf(page.setCookies)).toEqual([ATTEMPT_GONE]);
    expect(house.provider.stats.tokenRequests.map(({ error }) => error)).toEqual([undefined, 'invalid_grant']);
  });

  it('brings no ended session back', async () => {
    const agent = house.newAgent();
    const url = await authorizationResponse(agent, 'alice');
    const before = agent.cookies();
    await agent.navigate(url.href);
    await agent.fetch('/bff/logout', { method: 'POST' });
    agent.jar.restore(before);
    const again = await agent.navigate(url.href);
    expect(sessionLine(again.at('/bff/callback'))).toBeUndefined();
    expect(again.page.body).toContain('Sign in');
    expect(await jsonOf(await agent.fetch('/bff/session'))).toMatchObject({ authenticated: false });
  });
});

describe('an authorization response that is wrong', () => {
  const ask = async (change: (url: URL) => string): Promise<Trail['page'] & { readonly agent: UserAgent }> => {
    const agent = house.newAgent();
    const url = await authorizationResponse(agent, 'alice');
    house.provider.stats.reset();
    const { page } = await agent.navigate(change(url));
    return { ...page, agent };
  };

  const twice = (url: URL, name: string): string => `${url.href}&${name}=${encodeURIComponent(url.searchParams.get(name) ?? 'x')}`;
  // The id stays, so that the attempt is found; the rest of the state is forged.
  const forged = (url: URL): string =>
    changed(url, { state: `${(url.searchParams.get('state') ?? '').split('.')[0] ?? ''}.${'A'.repeat(43)}` });

  it.each([
    ['a forged state', 'state_mismatch', forged],
    ['no state', 'state_mismatch', (url: URL) => changed(url, { state: undefined })],
    ['two states', 'state_mismatch', (url: URL) => twice(url, 'state')],
    ['the issuer of somebody else', 'issuer_mismatch', (url: URL) => changed(url, { iss: 'https://other.example' })],
    ['our issuer with a slash more', 'issuer_mismatch', (url: URL) => changed(url, { iss: `${url.searchParams.get('iss') ?? ''}/` })],
    ['no issuer, which this provider promises', 'issuer_mismatch', (url: URL) => changed(url, { iss: undefined })],
    ['two issuers', 'issuer_mismatch', (url: URL) => twice(url, 'iss')],
    ['no code', 'exchange_refused', (url: URL) => changed(url, { code: undefined })],
    ['two codes', 'exchange_refused', (url: URL) => twice(url, 'code')],
    [
      'an error beside another',
      'provider_error',
      (url: URL) => `${changed(url, { error: 'access_denied', code: undefined })}&error=server_error`,
    ],
  ])('with %s is login_failed %s, asks nothing of the provider and sets no session', async (_what, reason, change) => {
    const { agent, ...page } = await ask(change);
    expect(verdictOf(page)).toEqual([400, 'login_failed']);
    expect(page.body).toContain(`login_failed (${reason})`);
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(house.provider.stats.hits.token).toBeUndefined();
    expect(page.setCookies.filter((line) => !line.includes('-login.'))).toEqual([]);
    expect(agent.jar.get('__Host-Http-cloakroom')).toBeUndefined();
    expect(house.log.of('login_failed').map(({ fields }) => fields['reason'])).toEqual([reason]);
  });

  it.each([
    ['the issuer of somebody else', (url: URL) => changed(url, { iss: 'https://other.example' })],
    ['no code', (url: URL) => changed(url, { code: undefined })],
    ['a forged state', forged],
  ])('with %s ends the attempt', async (_what, change) => {
    const { agent, ...page } = await ask(change);
    expect(shapesOf(page.setCookies)).toEqual([ATTEMPT_GONE]);
    expect(agent.cookies().filter(({ name }) => name.includes('-login.'))).toEqual([]);
  });

  it('with a code the provider does not know is exchange_refused', async () => {
    const page = await ask((url) => changed(url, { code: 'guessed' }));
    expect([...verdictOf(page), page.body.includes('login_failed (exchange_refused)')]).toEqual([400, 'login_failed', true]);
    expect(house.provider.stats.tokenRequests.map(({ error }) => error)).toEqual(['invalid_grant']);
  });

  it('with the code of another login is stopped by PKCE', async () => {
    const attacker = house.newAgent();
    const stolen = await authorizationResponse(attacker, 'erin');
    const page = await ask((url) => changed(url, { code: stolen.searchParams.get('code') ?? '' }));
    expect([...verdictOf(page), page.body.includes('login_failed (exchange_refused)')]).toEqual([400, 'login_failed', true]);
    expect(page.setCookies.map((line) => line.includes('-login.'))).toEqual([true]);
  });

  it('with its state in another attempt of the same browser is not taken', async () => {
    const agent = house.newAgent();
    const first = await authorizationResponse(agent, 'alice', '/pages/page?one');
    await agent.navigate('/bff/login?returnTo=/pages/page?two', { until: (url) => url.pathname === '/bff/callback' });
    const other = house.provider.stats.authorizations.at(-1)?.['state'] ?? '';
    house.provider.stats.reset();
    const { page } = await agent.navigate(changed(first, { state: other }));
    expect(verdictOf(page)).toEqual([400, 'login_failed']);
    expect(page.body).toContain('exchange_refused');
  });

  it('after ten minutes is attempt_expired when the browser still sends the cookie', async () => {
    const agent = house.newAgent();
    const url = await authorizationResponse(agent, 'alice');
    const kept = agent.cookies().map((cookie) => ({ ...cookie, expiresAt: undefined }));
    house.clock.skip(10 * MINUTE);
    agent.jar.restore(kept);
    house.provider.stats.reset();
    const { page } = await agent.navigate(url.href);
    expect(verdictOf(page)).toEqual([400, 'login_failed']);
    expect(page.body).toContain('login_failed (attempt_expired)');
    expect(page.body).toContain('<a class="go" href="/bff/login');
    expect(shapesOf(page.setCookies)).toEqual([ATTEMPT_GONE]);
    expect(house.provider.stats.hits.token).toBeUndefined();
  });

  it('after ten minutes is a calm page when the browser has dropped the cookie', async () => {
    const agent = house.newAgent();
    const url = await authorizationResponse(agent, 'alice');
    house.clock.skip(10 * MINUTE);
    const trail = await agent.navigate(url.href);
    expect(paths(trail)).toEqual(['/bff/callback', '/bff/continue']);
    expect([trail.page.status, loud()]).toEqual([200, []]);
  });
});

describe('an error of the provider', () => {
  it('is a page with its code, and leaves the session of before alone', async () => {
    const agent = house.newAgent();
    await agent.login('alice');
    const before = agent.jar.get('__Host-Http-cloakroom')?.value;
    await agent.navigate('/bff/login?prompt=select_account&returnTo=/pages/page');
    const { page, hops } = await agent.signIn('carol');
    expect(verdictOf(page)).toEqual([400, 'login_failed']);
    expect(page.body).toContain('login_failed (provider_error)');
    expect(page.body).toContain('access_denied');
    expect(page.body).toContain('<a class="go" href="/bff/login?returnTo=%2Fpages%2Fpage">');
    expect(shapesOf(page.setCookies)).toEqual([ATTEMPT_GONE]);
    expect(hops.length).toBeLessThanOrEqual(6);
    expect(agent.jar.get('__Host-Http-cloakroom')?.value).toBe(before);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(house.log.of('login_failed').map(({ fields }) => [fields['reason'], fields['providerError']])).toEqual([
      ['provider_error', 'access_denied'],
    ]);
  });

  it('is told to a script as JSON', async () => {
    const agent = house.newAgent();
    const url = await authorizationResponse(agent, 'carol');
    const answer = await agent.fetch(url.href);
    expect(verdictOf(answer)).toEqual([400, 'login_failed']);
    expect(await jsonOf(answer)).toMatchObject({ code: 'login_failed', reason: 'provider_error', providerError: 'access_denied' });
  });

  it('that nobody registered is "other", and nothing of it is shown', async () => {
    const agent = house.newAgent();
    const url = await authorizationResponse(agent, 'carol');
    const hostile = '<script>alert(1)</script>';
    const { page } = await agent.navigate(changed(url, { error: hostile, error_description: `${hostile}\n"'` }));
    expect(verdictOf(page)).toEqual([400, 'login_failed']);
    expect(page.body).toContain('The identity provider answered: other.');
    expect(page.body).not.toContain('alert(1)');
    expect(JSON.stringify(house.log.lines)).not.toContain('alert(1)');
  });
});

describe('a silent login', () => {
  it('that needs the user goes straight back to the page with the code of the provider', async () => {
    const agent = house.newAgent();
    const trail = await agent.navigate('/bff/login?prompt=none&returnTo=%2Fpages%2Fpage%3Fa%3D%252F%26login_error%3Dold%23x');
    expect(paths(trail)).toEqual(['/bff/login', '/oauth2/default/v1/authorize', '/bff/callback', '/pages/page']);
    expect(trail.at('/bff/callback')?.status).toBe(200);
    expect(trail.page.url).toBe(`${house.origin}/pages/page?a=%2F&login_error=login_required#x`);
    expect(shapesOf(trail.at('/bff/callback')?.setCookies ?? [])).toEqual([ATTEMPT_GONE]);
    expect(loud()).toEqual([]);
  });

  it('of somebody who is signed in at the provider is a login like any other', async () => {
    const agent = house.newAgent();
    await agent.login('alice');
    agent.jar.restore(agent.cookies().filter(({ name }) => !name.includes('cloakroom')));
    const { page } = await agent.navigate('/bff/login?prompt=none&returnTo=/pages/page');
    expect([page.url, page.status]).toEqual([`${house.origin}/pages/page`, 200]);
  });
});

describe('a provider that is down at the exchange', () => {
  it('before the code was sent, is a 503 page whose link tries the same URL again, and the attempt is kept', async () => {
    const agent = house.newAgent();
    const url = await authorizationResponse(agent, 'alice');
    await house.provider.control.down();
    const { page } = await agent.navigate(url.href);
    expect(verdictOf(page)).toEqual([503, 'provider_unavailable']);
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(page.setCookies).toEqual([]);
    const link = /href="([^"]+)"/.exec(page.body)?.[1]?.replaceAll('&#38;', '&');
    expect(link).toBe(url.pathname + url.search);

    await house.provider.control.up();
    const again = await agent.navigate(link ?? '', { initiator: 'page' });
    expect([again.page.url, again.page.status]).toEqual([`${house.origin}/pages/page`, 200]);
  });

  it.each([
    ['a reset', { kind: 'reset', when: 'before' } as const],
    ['an error of the server', { kind: 'status', status: 500 } as const],
    ['server_error', { kind: 'oauth-error', error: 'server_error', status: 500 } as const],
    ['temporarily_unavailable', { kind: 'oauth-error', error: 'temporarily_unavailable', status: 503 } as const],
    ['a page instead of JSON', { kind: 'garbage' } as const],
  ])('answering with %s may have spent the code: the attempt is over, and the page begins a new login', async (_what, fault) => {
    const agent = house.newAgent();
    const url = await authorizationResponse(agent, 'alice');
    house.provider.control.fail('token', fault, 1);
    const { page } = await agent.navigate(url.href);
    expect(verdictOf(page)).toEqual([503, 'provider_unavailable']);
    expect(page.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(shapesOf(page.setCookies)).toEqual([ATTEMPT_GONE]);
    expect(page.body).toContain('<a class="go" href="/bff/login?returnTo=%2Fpages%2Fpage">Try again</a>');
    const { hits } = house.provider.stats;
    const before = hits.token;
    expect((await agent.navigate(url.href)).page.body).toContain('You are signed out');
    expect(hits.token).toBe(before);
    const again = await agent.navigate('/bff/login?returnTo=/pages/page', { initiator: 'page' });
    expect([again.page.url, again.page.status]).toEqual([`${house.origin}/pages/page`, 200]);
  });

  it('answering "too many requests" has not spent the code', async () => {
    const agent = house.newAgent();
    const url = await authorizationResponse(agent, 'alice');
    house.provider.control.fail('token', { kind: 'status', status: 429, headers: { 'retry-after': '7' } }, 1);
    const { page } = await agent.navigate(url.href);
    expect([verdictOf(page), page.setCookies, page.headers.get('retry-after')]).toEqual([[503, 'provider_unavailable'], [], '7']);
    expect((await agent.navigate(url.href)).page.status).toBe(200);
  });

  it.each(['invalid_client', 'unauthorized_client', 'invalid_request'])(
    'answering %s is exchange_refused with that code',
    async (error) => {
      const agent = house.newAgent();
      const url = await authorizationResponse(agent, 'alice');
      house.provider.control.fail('token', { kind: 'oauth-error', error, status: error === 'invalid_client' ? 401 : 400 }, 1);
      const { page } = await agent.navigate(url.href);
      expect(verdictOf(page)).toEqual([400, 'login_failed']);
      expect(page.body).toContain('login_failed (exchange_refused)');
      expect(house.log.of('login_failed').map(({ fields }) => fields['providerError'])).toEqual([error]);
    },
  );
});
