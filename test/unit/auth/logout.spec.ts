import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AuthApp, NAVIGATION, randomText, type Answer, type AuthAppOptions } from '../../support/auth-app.ts';
import { ID_TOKEN, ISSUER } from '../../support/auth-provider.ts';
import { refreshTokenOf } from '../../support/fake-provider.ts';
import { settled } from '../../support/manual-clock.ts';

const SESSION = '__Host-Http-cloakroom';
const CLEARED = [
  `${SESSION}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict`,
  '__Secure-cloakroom-hint=; Path=/bff/logout; Max-Age=0; Secure; HttpOnly; SameSite=Strict',
];

const query = (location: unknown): Readonly<Record<string, string>> => Object.fromEntries(new URL(String(location)).searchParams);
const refreshTarget = (answer: Answer): string => String(answer.headers['refresh']).replace('0;url=', '');
/** The cookies that an answer takes away, in short. */
const clearedBy = ({ setCookies }: Answer): readonly string[] => setCookies.filter((line) => line.includes('Max-Age=0'));

describe('logout', () => {
  let app: AuthApp;
  beforeEach(async () => {
    app = await AuthApp.start();
  });
  afterEach(() => app.stop());

  const restart = async (options: AuthAppOptions): Promise<void> => {
    await app.stop();
    app = await AuthApp.start(options);
  };
  const post = (body?: object): Promise<Answer> =>
    app.fetch('/bff/logout', {
      method: 'POST',
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });

  /** What the provider is told after a form: by the redirect behind the page, never by the page. */
  const toldProvider = async (answer: Answer): Promise<Readonly<Record<string, string>>> =>
    query((await app.navigate(refreshTarget(answer), 'same-origin')).headers['location']);

  describe('by script', () => {
    it('ends the session, gives the refresh token back, and answers with a path of ours', async () => {
      await app.login();
      const answer = await post({ returnTo: '/bye' });
      expect(answer.status).toBe(200);
      expect(answer.json()).toEqual({ redirectTo: expect.stringMatching(/^\/bff\/logout\/provider\?id=[\w-]{43}$/) });
      expect(answer.body).not.toContain(ID_TOKEN);
      expect(app.provider.revoked).toEqual([refreshTokenOf('alice', 1)]);
      expect(await app.session()).toMatchObject({ authenticated: false, reason: 'none' });
    });

    it('leaves the hint only, for a minute, and clears every cookie it saw', async () => {
      await app.login();
      await app.begin();
      await app.navigate('/bff/continue', 'same-origin');
      const answer = await app.fetch('/bff/logout', {
        method: 'POST',
        cookie: `${app.cookieHeader('/bff/logout')}; ${SESSION}.0=a; ${SESSION}.1=b`,
      });
      const names = answer.setCookies.map(
        (line) => `${line.slice(0, line.indexOf('=')).replace(/login\..+/, 'login.x')} ${/Max-Age=\d+/.exec(line)?.[0] ?? ''}`,
      );
      expect(names.sort()).toEqual(
        [
          `${SESSION} Max-Age=0`,
          `${SESSION}-login.x Max-Age=0`,
          `${SESSION}.0 Max-Age=0`,
          `${SESSION}.1 Max-Age=0`,
          '__Secure-cloakroom-hint Max-Age=60',
        ].sort(),
      );
      expect(app.jar.all().map(({ name }) => name)).toEqual(['__Secure-cloakroom-hint']);
    });

    it('goes on to the provider with the ID token, and comes back to returnTo', async () => {
      await app.login();
      const { redirectTo } = (await post({ returnTo: '/bye?x=1' })).json();
      const hop = await app.navigate(String(redirectTo), 'same-origin');
      expect(hop).toMatchObject({ status: 303, setCookies: [CLEARED[1]], headers: { 'referrer-policy': 'no-referrer' } });
      expect(String(hop.headers['location'])).toMatch(new RegExp(`^${ISSUER}/end\\?`));
      const { id_token_hint, post_logout_redirect_uri, state } = query(hop.headers['location']);
      expect({ id_token_hint, post_logout_redirect_uri }).toEqual({
        id_token_hint: ID_TOKEN,
        post_logout_redirect_uri: 'https://app.example.com/bff/logged-out',
      });
      const back = await app.navigate(`/bff/logged-out?state=${String(state)}`, 'cross-site');
      expect(back).toMatchObject({ status: 303, headers: { location: '/bye?x=1' } });
    });

    it('spends the hint once, and only with its id', async () => {
      await app.login();
      const { redirectTo } = (await post()).json();
      const wrong = await app.navigate('/bff/logout/provider?id=wrong', 'same-origin');
      expect(wrong).toMatchObject({ status: 403, setCookies: [] });
      expect((await app.navigate(String(redirectTo), 'same-origin')).status).toBe(303);
      expect((await app.navigate(String(redirectTo), 'same-origin')).status).toBe(403);
    });

    it('does not spend the hint of a living session', async () => {
      await app.login();
      const id = String((await app.session())['logoutUrl']).split('id=')[1];
      const answer = await app.navigate(`/bff/logout/provider?id=${String(id)}`, 'same-origin');
      expect(answer).toMatchObject({ status: 403, setCookies: [] });
      expect(await app.session()).toMatchObject({ authenticated: true });
    });

    it.each(['//evil.com', 'https://evil.com/', '/bff/login'])('takes returnTo=%s for the start page (A13)', async (returnTo) => {
      await app.login();
      const { redirectTo } = (await post({ returnTo })).json();
      const { state } = query((await app.navigate(String(redirectTo), 'same-origin')).headers['location']);
      expect((await app.navigate(`/bff/logged-out?state=${String(state)}`)).headers['location']).toBe('/');
    });

    it.each([
      ['text/plain', 'returnTo=/bye', 415],
      ['multipart/form-data; boundary=x', '--x--', 415],
      ['application/json', '{"returnTo":', 400],
      ['application/json', '["/bye"]', 400],
      ['application/json', '{"returnTo":{"$ne":1}}', 400],
      ['application/json', '{"__proto__":{"returnTo":"/bye"}}', 400],
      ['application/x-www-form-urlencoded', 'returnTo=/a&returnTo=/b', 400],
      ['application/x-www-form-urlencoded', `returnTo=${'a'.repeat(17_000)}`, 413],
    ])('refuses a body of %s %j with nothing ended', async (type, body, status) => {
      await app.login();
      const answer = await app.fetch('/bff/logout', { method: 'POST', headers: { 'content-type': type }, body });
      expect(answer).toMatchObject({ status, setCookies: [] });
      expect(await app.session()).toMatchObject({ authenticated: true });
    });

    it('refuses a copy of the cookie from then on', async () => {
      await app.login();
      const copy = app.cookieHeader('/');
      await post();
      expect((await app.fetch('/bff/session', { cookie: copy })).json()).toMatchObject({ authenticated: false, reason: 'revoked' });
      expect((await app.fetch('/bff/refresh', { method: 'POST', cookie: copy })).json()).toMatchObject({ code: 'session_revoked' });
      expect(app.provider.grants.refreshes).toEqual([]);
    });
  });

  describe('by form', () => {
    it('goes on with a page, because a redirect would die under form-action, and keeps the ID token out of it', async () => {
      await app.login();
      const answer = await app.submit('/bff/logout', { returnTo: '/bye' });
      expect(answer.status).toBe(200);
      expect(clearedBy(answer)).toEqual([CLEARED[0]]);
      expect(refreshTarget(answer)).toMatch(/^\/bff\/logout\/provider\?id=[\w-]{43}$/);
      expect(answer.body).not.toContain(ID_TOKEN);
      const { id_token_hint, state } = await toldProvider(answer);
      expect(id_token_hint).toBe(ID_TOKEN);
      expect((await app.navigate(`/bff/logged-out?state=${String(state)}`)).headers['location']).toBe('/bye');
      expect(app.provider.revoked).toHaveLength(1);
    });

    it('ends here when the provider has no end-session, or none is wanted', async () => {
      for (const options of [{}, { options: { logout: { revoke: 'before', endSession: false } as const } }]) {
        await restart(options);
        app.provider.hasEndSession = 'options' in options;
        await app.login();
        const answer = await app.submit('/bff/logout', { returnTo: '/bye' });
        expect(answer).toMatchObject({ status: 303, headers: { location: '/bye' }, setCookies: CLEARED });
        expect(app.provider.revoked).toHaveLength(1);
      }
    });
  });

  it('waits for a click before a route when everything ends here', async () => {
    app.provider.hasEndSession = false;
    await app.login();
    const id = String((await app.session())['logoutUrl']).split('id=')[1];
    const byLink = await app.navigate(`/bff/logout?id=${String(id)}&returnTo=/api/x`, 'cross-site', {
      cookie: app.cookieHeader('/bff/logout'),
    });
    const byForm = await app.submit('/bff/logout', { returnTo: '/api/x' });
    for (const answer of [byLink, byForm]) {
      expect(answer.status).toBe(200);
      expect(answer.headers).not.toHaveProperty('refresh');
      expect(answer.body).toContain('<a class="go" href="/api/x">Continue</a>');
    }
    expect(byLink.setCookies).toEqual(CLEARED);
  });

  describe('by link', () => {
    it('ends the session with the right id', async () => {
      await app.login();
      const { logoutUrl } = await app.session();
      const answer = await app.navigate(`${String(logoutUrl)}&returnTo=/bye`, 'same-origin');
      expect(answer).toMatchObject({ status: 303, setCookies: CLEARED });
      expect(query(answer.headers['location'])['id_token_hint']).toBe(ID_TOKEN);
      expect(await app.session()).toMatchObject({ authenticated: false });
    });

    it.each([
      ['no id', ''],
      ['an empty id', '?id='],
      ['a wrong id', `?id=${'A'.repeat(43)}`],
    ])('ends nothing with %s, and offers a button (A78)', async (_what, search) => {
      await app.login();
      const answer = await app.navigate(`/bff/logout${search}`, 'same-origin');
      expect(answer).toMatchObject({ status: 403, setCookies: [], headers: { 'cloakroom-error': 'csrf_refused' } });
      expect(answer.body).toContain('<form method="post" action="/bff/logout">');
      expect(await app.session()).toMatchObject({ authenticated: true });
      expect(app.provider.revoked).toEqual([]);
    });

    it('ends nothing for a browser that only looks ahead', async () => {
      await app.login();
      const { logoutUrl } = await app.session();
      const answer = await app.navigate(String(logoutUrl), 'same-origin', { headers: { 'sec-purpose': 'prefetch' } });
      expect(answer.status).toBe(403);
      expect(await app.session()).toMatchObject({ authenticated: true });
    });

    it('ends nothing from an image of another site', async () => {
      await app.login();
      const headers = { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', 'sec-fetch-site': 'cross-site' };
      expect((await app.send('/bff/logout', { headers }, { sameSite: false, laxAllowed: false })).status).toBe(400);
      expect(await app.session()).toMatchObject({ authenticated: true });
    });

    it('takes the hint of its own session, not one planted before it from another session of this app', async () => {
      await app.login();
      const planted = app
        .cookieHeader('/bff/logout')
        .split('; ')
        .filter((pair) => pair.startsWith('__Secure-cloakroom-hint='));
      const idToken = 'eyJ.id-token-of-the-second-login.sig';
      app.provider.outcome = () => app.provider.signedIn({ tokens: { ...app.provider.signedIn().tokens, idToken } });
      await app.login();
      const { logoutUrl } = await app.session();
      const cookie = [...planted, app.cookieHeader('/bff/logout')].join('; ');
      const answer = await app.navigate(String(logoutUrl), 'same-origin', { cookie });
      expect(query(answer.headers['location'])['id_token_hint']).toBe(idToken);
    });

    it('still knows the ID token of a session that was refreshed since', async () => {
      await app.login();
      for (let refresh = 0; refresh < 2; refresh++) {
        await app.clock.advance(100_000);
        expect((await app.fetch('/bff/refresh', { method: 'POST' })).status).toBe(200);
      }
      const { logoutUrl } = await app.session();
      const answer = await app.navigate(String(logoutUrl), 'same-origin');
      expect(query(answer.headers['location'])['id_token_hint']).toBe(ID_TOKEN);
      expect(app.provider.revoked).toEqual([refreshTokenOf('alice', 3)]);
    });

    it('refuses id twice', async () => {
      expect((await app.navigate('/bff/logout?id=a&id=b', 'same-origin')).status).toBe(400);
    });
  });

  describe('whatever else is broken', () => {
    it.each([
      ['no cookie', () => ''],
      ['an unreadable cookie', () => `${SESSION}=rubbish`],
    ])('works with %s, with the client id only', async (_what, cookie) => {
      const answer = await app.send('/bff/logout', {
        method: 'POST',
        headers: { ...NAVIGATION, 'sec-fetch-site': 'same-origin' },
        cookie: cookie(),
      });
      expect(answer.status).toBe(200);
      if (cookie() !== '') expect(clearedBy(answer)).toEqual([CLEARED[0]]);
      expect(Object.keys(await toldProvider(answer)).sort()).toEqual(['client_id', 'post_logout_redirect_uri', 'state']);
    });

    it('binds the way to the provider to this browser even without a session', async () => {
      const { redirectTo } = (await post({ returnTo: '/bye' })).json();
      const hop = await app.navigate(String(redirectTo), 'same-origin');
      expect(query(hop.headers['location'])).toMatchObject({ client_id: 'app' });
      expect((await app.send(String(redirectTo), { headers: NAVIGATION, cookie: '' })).status).toBe(403);
    });

    it('works with an expired session, gives its refresh token back, and clears the cookies', async () => {
      await app.login();
      await app.clock.advance(31 * 60_000);
      const answer = await app.submit('/bff/logout');
      expect([answer.status, clearedBy(answer)]).toEqual([200, [CLEARED[0]]]);
      expect(await toldProvider(answer)).not.toHaveProperty('id_token_hint');
      expect(app.provider.revoked).toEqual([refreshTokenOf('alice', 1)]);
    });

    it('works with a provider that is down: local end, cookies cleared, replay refused', async () => {
      await app.login();
      const copy = app.cookieHeader('/');
      app.provider.unknown = true;
      app.provider.grants.revokes = () => Promise.reject(new Error('down'));
      const answer = await post({ returnTo: '/bye' });
      expect(answer.json()).toEqual({ redirectTo: '/bye' });
      expect(answer.setCookies).toEqual(CLEARED);
      expect((await app.fetch('/bff/refresh', { method: 'POST', cookie: copy })).json()).toMatchObject({ code: 'session_revoked' });
    });

    it('waits no longer than the timeout for a provider that never answers', async () => {
      await app.login();
      const asked = new Promise<void>((resolve) => {
        app.provider.grants.revokes = () => {
          resolve();
          return new Promise(() => undefined);
        };
      });
      const answer = post();
      await asked;
      await app.clock.advance(5000);
      expect((await answer).status).toBe(200);
    });

    it('works while stores are down', async () => {
      const down = (): Promise<never> => Promise.reject(new Error('store down'));
      await restart({
        parts: (parts) => ({
          ...parts,
          head: { forget: down },
          store: { save: (session) => parts.store.save(session), remove: down },
          refresher: { ...parts.refresher, refreshNow: down, settle: down },
        }),
      });
      await app.login();
      const answer = await post();
      expect(answer.status).toBe(200);
      expect(app.provider.revoked).toEqual([refreshTokenOf('alice', 1)]);
      expect(app.logger.of('logout_step_failed').map(({ fields }) => fields['step'])).toEqual(['settle', 'head', 'store']);
      expect(await app.session()).toMatchObject({ authenticated: false });
    });

    it('gives back the newest refresh token when a refresh is under way', async () => {
      await app.login();
      await app.clock.advance(100_000);
      app.provider.grants.hold();
      const refreshing = app.fetch('/bff/refresh', { method: 'POST' });
      while (app.provider.grants.refreshes.length === 0) await settled();
      const leaving = post();
      while (app.parts.revocations.causeOf(await sessionOf()) === undefined) await settled();
      app.provider.grants.answer();
      expect((await leaving).status).toBe(200);
      expect((await refreshing).setCookies.join()).not.toMatch(new RegExp(`${SESSION}=[^;]`));
      expect(app.provider.revoked).toContain(refreshTokenOf('alice', 2));
      expect(await app.session()).toMatchObject({ authenticated: false });
    });

    const sessionOf = async () => {
      const lookup = await app.parts.resolver.resolve(app.parts.sessionCookie.read(app.cookieHeader('/')));
      if (!('session' in lookup)) throw new Error(`no session: ${lookup.kind}`);
      return lookup.session;
    };
  });

  describe('with revoke: after', () => {
    beforeEach(() => restart({ options: { logout: { revoke: 'after', endSession: true } } }));

    it("gives the token back when the user returns from the provider's end-session", async () => {
      await app.login();
      const { redirectTo } = (await post()).json();
      const { state } = query((await app.navigate(String(redirectTo), 'same-origin')).headers['location']);
      expect(app.provider.revoked).toEqual([]);
      await app.navigate(`/bff/logged-out?state=${String(state)}`, 'cross-site');
      await app.navigate(`/bff/logged-out?state=${String(state)}`, 'cross-site');
      expect(app.provider.revoked).toEqual([refreshTokenOf('alice', 1)]);
    });

    it('gives it back by itself when the user never returns', async () => {
      await app.login();
      await app.submit('/bff/logout');
      await app.clock.advance(59_999);
      expect(app.provider.revoked).toEqual([]);
      await app.clock.advance(1);
      expect(app.provider.revoked).toEqual([refreshTokenOf('alice', 1)]);
    });

    it('gives it back at shutdown', async () => {
      await app.login();
      await app.submit('/bff/logout');
      await app.tokenRevocation.flush();
      expect(app.provider.revoked).toEqual([refreshTokenOf('alice', 1)]);
    });

    it('does not wait when the provider has no end-session', async () => {
      app.provider.hasEndSession = false;
      await app.login();
      await post();
      expect(app.provider.revoked).toEqual([refreshTokenOf('alice', 1)]);
    });
  });

  it('keeps the token with revoke: off', async () => {
    await restart({ options: { logout: { revoke: 'off', endSession: true } } });
    await app.login();
    await post();
    expect(app.provider.revoked).toEqual([]);
    expect(await app.session()).toMatchObject({ authenticated: false });
  });

  it('names the user instead of an ID token that was too large to keep', async () => {
    app.provider.outcome = () => app.provider.signedIn({ tokens: { ...app.provider.signedIn().tokens, idToken: randomText(4500) } });
    await app.login();
    const answer = await app.submit('/bff/logout');
    expect(await toldProvider(answer)).toMatchObject({ client_id: 'app', logout_hint: 'alice@example.com' });
  });

  describe('GET logged-out', () => {
    it.each(['', '?state=', '?state=rubbish', '?state=a&state=b'])('leads to the start page with %j', async (search) => {
      const answer = await app.navigate(`/bff/logged-out${search}`, 'cross-site');
      expect(answer).toMatchObject({ status: 303, headers: { location: '/' }, setCookies: [] });
    });

    it('waits for a click before a route, whoever sealed the state (the link may come from another browser)', async () => {
      await app.login();
      const { state } = await toldProvider(await app.submit('/bff/logout', { returnTo: '/api/transfer?to=evil' }));
      const answer = await app.navigate(`/bff/logged-out?state=${String(state)}`, 'cross-site');
      expect(answer.status).toBe(200);
      expect(answer.headers).not.toHaveProperty('refresh');
      expect(answer.body).toContain('<a class="go" href="/api/transfer?to=evil">Continue</a>');
    });

    it('forgets returnTo after ten minutes', async () => {
      const answer = await app.submit('/bff/logout', { returnTo: '/bye' });
      const { state } = await toldProvider(answer);
      await app.clock.advance(600_001);
      expect((await app.navigate(`/bff/logged-out?state=${String(state)}`)).headers['location']).toBe('/');
    });
  });
});
