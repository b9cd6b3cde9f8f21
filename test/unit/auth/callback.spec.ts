import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ExchangeOutcome } from '../../../src/oidc/identity-provider.ts';
import { AuthApp, NAVIGATION, randomText } from '../../support/auth-app.ts';
import { refreshTokenOf } from '../../support/fake-provider.ts';

const SESSION = '__Host-Http-cloakroom';
const refusal = (change: Partial<Extract<ExchangeOutcome, { kind: 'refused' }>>): ExchangeOutcome => ({
  kind: 'refused',
  reason: 'exchange_refused',
  check: 'test',
  ...change,
});

describe('the callback', () => {
  let app: AuthApp;
  beforeEach(async () => {
    app = await AuthApp.start();
  });
  afterEach(() => app.stop());

  const attempts = (): string[] =>
    app.jar
      .all()
      .map(({ name }) => name)
      .filter((name) => name.includes('-login.'));
  const refused = async (outcome: ExchangeOutcome, query = ''): Promise<Awaited<ReturnType<AuthApp['navigate']>>> => {
    app.provider.outcome = () => outcome;
    return app.login(query);
  };

  it('sets session and hint, expires the attempt, and goes on to continue', async () => {
    const page = await app.login('?returnTo=/orders');
    expect(page.status).toBe(200);
    expect(page.headers['refresh']).toBe('0;url=/bff/continue?returnTo=%2Forders&fresh=1');
    expect(page.body).toContain('href="/bff/continue?returnTo=%2Forders&#38;fresh=1"');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    expect(page.setCookies).toEqual([
      expect.stringMatching(/^__Host-Http-cloakroom=[^;]+; Path=\/; Max-Age=46800; Secure; HttpOnly; SameSite=Strict$/),
      expect.stringMatching(/^__Secure-cloakroom-hint=[^;]+; Path=\/bff\/logout; Max-Age=46800; Secure; HttpOnly; SameSite=Strict$/),
      expect.stringMatching(/^__Host-Http-cloakroom-login\.[\w-]+=; Path=\/; Max-Age=0; Secure; HttpOnly; SameSite=Lax$/),
    ]);
    expect(await app.session()).toMatchObject({ authenticated: true, user: { sub: 'alice', name: 'Alice', email: 'alice@example.com' } });
  });

  it('asks the provider with exactly what it was sent, and the secrets of this attempt', async () => {
    const { callback, state } = await app.begin('?max_age=60');
    await app.navigate(callback, 'cross-site');
    const [authorization] = app.provider.authorizations;
    const [exchange] = app.provider.exchanges;
    expect(exchange).toMatchObject({ state, nonce: authorization?.nonce, codeVerifier: authorization?.codeVerifier, maxAge: 60 });
    expect(Object.fromEntries(exchange?.params ?? [])).toEqual({ code: 'c1', state, iss: 'https://id.example.com' });
  });

  it('lets two tabs log in at once, each to its own page', async () => {
    const first = await app.begin('?returnTo=/first');
    const second = await app.begin('?returnTo=/second');
    const secondPage = await app.navigate(second.callback, 'cross-site');
    const firstPage = await app.navigate(first.callback, 'cross-site');
    expect([firstPage.status, secondPage.status]).toEqual([200, 200]);
    expect(firstPage.headers['refresh']).toContain('%2Ffirst');
    expect(secondPage.headers['refresh']).toContain('%2Fsecond');
    expect((await app.navigate('/bff/continue?returnTo=/first&fresh=1', 'same-origin')).status).toBe(303);
    expect(attempts()).toEqual([]);
  });

  it('ends the session of the login that was faster, where the provider is of our own site and the browser shows its cookie', async () => {
    const [first, second] = [await app.begin(), await app.begin()];
    await app.navigate(first.callback, 'cross-site');
    const faster = String(app.sessionCookie);
    await app.navigate(second.callback, 'same-origin');
    expect(await app.session()).toMatchObject({ authenticated: true });
    expect((await app.fetch('/bff/session', { cookie: `${SESSION}=${faster}` })).json()).toMatchObject({
      authenticated: false,
      reason: 'revoked',
    });
  });

  it('gives the same answer to the same response again, with the same cookie bytes and one exchange', async () => {
    const { callback } = await app.begin();
    const cookie = app.cookieHeader(callback);
    const both = await Promise.all([
      app.send(callback, { headers: NAVIGATION, cookie }),
      app.send(callback, { headers: { ...NAVIGATION, 'x-request-id': 'request-2' }, cookie }),
    ]);
    await app.clock.advance(59_000);
    const later = await app.send(callback, { headers: NAVIGATION, cookie });
    for (const answer of [both[1], later]) {
      expect(answer.setCookies).toEqual(both[0].setCookies);
      expect(answer.body).toBe(both[0].body);
    }
    expect(both[1].headers['x-request-id']).toBe('request-2');
    expect(app.provider.exchanges).toHaveLength(1);
  });

  it('asks the provider again after a minute, and a spent code is refused', async () => {
    const { callback } = await app.begin();
    const cookie = app.cookieHeader(callback);
    await app.send(callback, { headers: NAVIGATION, cookie });
    await app.clock.advance(60_000);
    app.provider.outcome = () => refusal({});
    const replayed = await app.send(callback, { headers: NAVIGATION, cookie });
    expect(replayed.status).toBe(400);
    expect(replayed.setCookies.join()).not.toContain(`${SESSION}=`);
  });

  it('does not bring a session back that was logged out within that minute', async () => {
    const { callback } = await app.begin();
    const cookie = app.cookieHeader(callback);
    await app.navigate(callback, 'cross-site');
    await app.fetch('/bff/logout', { method: 'POST' });
    const repeated = await app.send(callback, { headers: NAVIGATION, cookie });
    expect(repeated.status).toBe(200);
    expect(repeated.setCookies.join()).not.toContain(`${SESSION}=`);
    expect(app.provider.exchanges).toHaveLength(1);
  });

  it.each([
    ['a reload', async (callback: string) => app.navigate(callback, 'none')],
    ['another browser (login CSRF)', async (callback: string) => app.send(callback, { headers: NAVIGATION, cookie: '' })],
  ])('leads %s to continue without asking the provider', async (_who, visit) => {
    const { callback } = await app.begin('?returnTo=/orders');
    await app.navigate(callback, 'cross-site');
    const answer = await visit(callback);
    expect(answer).toMatchObject({ status: 200, setCookies: [], headers: { refresh: '0;url=/bff/continue?returnTo=%2F' } });
    expect(app.provider.exchanges).toHaveLength(1);
    expect(app.logger.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });

  it('leads a bookmark without parameters to continue', async () => {
    expect(await app.navigate('/bff/callback')).toMatchObject({ status: 200, setCookies: [] });
  });

  it.each([
    ['a code without state', () => '?code=c1', 'state_mismatch'],
    ['state twice', (state: string) => `?code=c1&state=${state}&state=${state}`, 'state_mismatch'],
    ['code twice', (state: string) => `?code=c1&code=c2&state=${state}`, 'exchange_refused'],
    ['iss twice', (state: string) => `?code=c1&state=${state}&iss=a&iss=b`, 'issuer_mismatch'],
    ['error twice', (state: string) => `?error=a&error=b&state=${state}`, 'provider_error'],
    ['a changed state', (state: string) => `?code=c1&state=${state.slice(0, -2)}xx`, 'state_mismatch'],
  ])('refuses %s without asking the provider (A18, A67)', async (_what, query, reason) => {
    const { state } = await app.begin();
    const answer = await app.navigate(`/bff/callback${query(state)}`, 'cross-site');
    expect(answer).toMatchObject({ status: 400, headers: { 'cloakroom-error': 'login_failed' } });
    expect(answer.body).toContain(`login_failed (${reason})`);
    expect(answer.setCookies.join()).not.toContain(`${SESSION}=`);
    expect(app.provider.exchanges).toEqual([]);
  });

  it('takes the state of one tab with the cookie of another for no login of ours', async () => {
    const first = await app.begin();
    const firstCookie = app.cookieHeader('/bff/callback');
    const second = await app.begin();
    const answer = await app.send(second.callback, { headers: NAVIGATION, cookie: firstCookie });
    expect(answer).toMatchObject({ status: 200, setCookies: [] });
    expect(first.state).not.toBe(second.state);
    expect(app.provider.exchanges).toEqual([]);
  });

  it('refuses an attempt that took longer than it may, and expires its cookie', async () => {
    const { callback } = await app.begin();
    const cookie = app.cookieHeader(callback);
    await app.clock.advance(600_000);
    const answer = await app.send(callback, { headers: NAVIGATION, cookie });
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('login_failed (attempt_expired)');
    expect(answer.body).toContain('href="/bff/login"');
    expect(answer.setCookies).toEqual([expect.stringMatching(/-login\.[\w-]+=; Path=\/; Max-Age=0/)]);
  });

  it('takes an attempt cookie that it cannot read for none, says so, and expires it', async () => {
    const { callback } = await app.begin();
    const [name = ''] = app.cookieHeader(callback).split('=');
    const other = await AuthApp.start({ cookieSecret: 'd'.repeat(64) });
    const foreign = other.cookieHeader((await other.begin()).callback).split('=')[1];
    await other.stop();
    for (const value of ['rubbish', foreign]) {
      const answer = await app.send(callback, { headers: NAVIGATION, cookie: `${name}=${String(value)}` });
      expect(answer.status).toBe(400);
      expect(answer.body).toContain('login_failed (attempt_missing)');
      expect(answer.setCookies).toEqual([expect.stringMatching(/-login\.[\w-]+=; Path=\/; Max-Age=0/)]);
    }
    expect(app.provider.exchanges).toEqual([]);
  });

  it.each(['state_mismatch', 'issuer_mismatch', 'id_token_invalid', 'exchange_refused'] as const)(
    'says %s and leaves an existing session alone',
    async (reason) => {
      await app.login();
      const before = app.sessionCookie;
      const answer = await refused(refusal({ reason }), '?returnTo=/orders');
      expect(answer).toMatchObject({ status: 400, headers: { 'cloakroom-error': 'login_failed' } });
      expect(answer.body).toContain(`login_failed (${reason})`);
      expect(answer.body).toContain('href="/bff/login?returnTo=%2Forders"');
      expect(app.sessionCookie).toBe(before);
      expect(await app.session()).toMatchObject({ authenticated: true });
      expect(attempts()).toEqual([]);
    },
  );

  it("tells a script the provider's error by its code, and nobody what the provider wrote (A19, A77)", async () => {
    app.provider.outcome = () => refusal({ reason: 'provider_error', providerError: 'access_denied' });
    const { state } = await app.begin();
    const query = `?error=access_denied&state=${state}&error_description=${encodeURIComponent('<script>alert(1)</script>\n"x"')}`;
    const answer = await app.send(`/bff/callback${query}`, { headers: { accept: '*/*' } });
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'login_failed', reason: 'provider_error', providerError: 'access_denied' });
    expect(answer.body).not.toContain('alert');
    expect(JSON.stringify(app.logger.lines)).not.toContain('alert');
  });

  it.each([
    ['/orders', '/orders?login_error=login_required'],
    ['/orders?a=1%202#x', '/orders?a=1%202&login_error=login_required#x'],
    ['/orders?a=1&login_error=consent_required', '/orders?a=1&login_error=login_required'],
  ])('leads a silent login that failed straight to %s, as %s', async (returnTo, expected) => {
    await app.login();
    const before = app.sessionCookie;
    const outcome = refusal({ reason: 'provider_error', providerError: 'login_required' });
    const answer = await refused(outcome, `?prompt=none&returnTo=${encodeURIComponent(returnTo)}`);
    expect(answer).toMatchObject({ status: 200, headers: { refresh: `0;url=${expected}` } });
    expect(app.sessionCookie).toBe(before);
    expect(attempts()).toEqual([]);
  });

  it('waits for a click after a silent login that failed on the way to a route', async () => {
    const outcome = refusal({ reason: 'provider_error', providerError: 'login_required' });
    const answer = await refused(outcome, `?prompt=none&max_age=0&returnTo=${encodeURIComponent('/api/transfer?to=evil')}`);
    expect(answer.status).toBe(200);
    expect(answer.headers).not.toHaveProperty('refresh');
    expect(answer.body).toContain('<a class="go" href="/api/transfer?to=evil&#38;login_error=login_required">Continue</a>');
    expect(attempts()).toEqual([]);
  });

  it('answers 503 with this URL to try again, and keeps the attempt', async () => {
    app.provider.outcome = () => ({ kind: 'unavailable', retryAfter: 3, spent: false });
    const { callback } = await app.begin();
    const answer = await app.navigate(callback, 'cross-site');
    expect(answer).toMatchObject({ status: 503, setCookies: [], headers: { 'retry-after': '3' } });
    expect(answer.body).toContain(`href="${callback.replaceAll('&', '&#38;')}"`);
    app.provider.outcome = undefined;
    expect((await app.navigate(callback, 'same-origin')).headers['refresh']).toContain('fresh=1');
    expect(app.provider.exchanges).toHaveLength(2);
  });

  it('answers 503 with a new login when the code may be spent, expires the attempt, and never sends that code again', async () => {
    app.provider.outcome = () => ({ kind: 'unavailable', spent: true, retryAfter: 3 });
    const { callback } = await app.begin('?returnTo=/orders');
    const cookie = app.cookieHeader(callback);
    const answer = await app.navigate(callback, 'cross-site');
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '3', 'cloakroom-error': 'provider_unavailable' } });
    expect(answer.setCookies).toEqual([expect.stringMatching(/-login\.[\w-]+=; Path=\/; Max-Age=0/)]);
    expect(answer.body).toContain('<a class="go" href="/bff/login?returnTo=%2Forders">Try again</a>');
    const repeated = await app.send(callback, { headers: NAVIGATION, cookie });
    expect(repeated).toMatchObject({ status: 503, body: answer.body });
    expect((await app.navigate(callback)).headers['refresh']).toBe('0;url=/bff/continue?returnTo=%2F');
    expect(app.provider.exchanges).toHaveLength(1);
  });

  it('ends the session that the login began with, and no cookie tells it apart', async () => {
    await app.login();
    const old = app.sessionCookie;
    await app.login();
    expect(app.sessionCookie).not.toBe(old);
    const replaced = await app.fetch('/bff/session', { cookie: `${SESSION}=${String(old)}` });
    expect(replaced.json()).toMatchObject({ authenticated: false, reason: 'revoked' });
    expect(replaced.setCookies).toEqual([]);
    expect(await app.session()).toMatchObject({ authenticated: true });
  });

  it('makes a new session id whatever cookie was planted before (A53)', async () => {
    const { callback } = await app.begin();
    const planted = `${SESSION}=planted; ${SESSION}.0=planted; ${app.cookieHeader(callback)}`;
    const page = await app.send(callback, { headers: NAVIGATION, cookie: planted });
    expect(page.setCookies.filter((line) => line.startsWith(`${SESSION}.0=;`))).toHaveLength(1);
    const one = (await app.session())['logoutUrl'];
    await app.login();
    expect((await app.session())['logoutUrl']).not.toBe(one);
  });

  it('keeps the selected claims only, never the ID token', async () => {
    const spied = await AuthApp.start({ options: { routeClaims: ['groups'] } });
    const saved: unknown[] = [];
    const { store } = spied.parts;
    const save = store.save.bind(store);
    store.save = async (session) => {
      saved.push(session);
      return save(session);
    };
    await spied.login();
    expect(saved).toEqual([
      expect.objectContaining({
        sid: expect.stringMatching(/^[\w-]{22}$/),
        generation: 1,
        claims: { sub: 'alice', name: 'Alice', email: 'alice@example.com', groups: ['staff'] },
      }),
    ]);
    expect(JSON.stringify(saved)).not.toContain('id-token');
    await spied.stop();
  });

  it('begins a session that lasts as long as its access token when there is no refresh token', async () => {
    const { tokens } = app.provider.signedIn();
    const { refreshToken: _, ...without } = tokens;
    app.provider.outcome = () => app.provider.signedIn({ tokens: without });
    await app.login();
    expect(await app.session()).toMatchObject({ authenticated: true, expiresIn: 300 });
  });
});

describe('the callback of somebody who is not admitted', () => {
  it('answers 403 with another way in, gives the refresh token back, and sets no session', async () => {
    const app = await AuthApp.start({ accessRules: [{ claim: 'groups', anyOf: ['admins'] }] });
    const answer = await app.login('?returnTo=/orders');
    expect(answer).toMatchObject({ status: 403, headers: { 'cloakroom-error': 'forbidden' } });
    expect(answer.body).toContain('href="/bff/login?prompt=select_account&#38;returnTo=%2Forders"');
    expect(answer.setCookies).toEqual([expect.stringMatching(/-login\.[\w-]+=; Path=\/; Max-Age=0/)]);
    expect(app.provider.revoked).toEqual([refreshTokenOf('alice', 1)]);
    await app.stop();
  });

  it('answers although the provider never answers the revocation', async () => {
    const app = await AuthApp.start({ accessRules: [{ claim: 'groups', anyOf: ['admins'] }] });
    const asked = new Promise<void>((resolve) => {
      app.provider.grants.revokes = () => {
        resolve();
        return new Promise(() => undefined);
      };
    });
    const answer = app.login();
    await asked;
    await app.clock.advance(5000);
    expect((await answer).status).toBe(403);
    await app.stop();
  });
});

describe('the callback with a session over budget', () => {
  it('explains it with the sizes, and sets no session', async () => {
    const app = await AuthApp.start({ budget: 2048 });
    app.provider.outcome = () => app.provider.signedIn({ tokens: { ...app.provider.signedIn().tokens, accessToken: randomText(3000) } });
    const answer = await app.login();
    expect(answer).toMatchObject({ status: 500, headers: { 'cloakroom-error': 'cookie_budget' } });
    expect(answer.body).toMatch(/needs \d{4} bytes of cookies; the budget \(cookie\.budget\) is 2048 bytes/);
    expect(answer.setCookies).toEqual([expect.stringMatching(/-login\.[\w-]+=; Path=\/; Max-Age=0/)]);
    expect(app.provider.revoked).toEqual([refreshTokenOf('alice', 1)]);
    expect(app.logger.of('cookie_budget_exceeded')).toHaveLength(1);
    await app.stop();
  });

  it('drops the hint first', async () => {
    const app = await AuthApp.start({ budget: 1500 });
    const { tokens } = app.provider.signedIn();
    app.provider.outcome = () => app.provider.signedIn({ tokens: { ...tokens, idToken: randomText(900) } });
    const page = await app.login();
    expect(page.status).toBe(200);
    expect(page.setCookies).toContain('__Secure-cloakroom-hint=; Path=/bff/logout; Max-Age=0; Secure; HttpOnly; SameSite=Strict');
    expect(await app.session()).toMatchObject({ authenticated: true });
    await app.stop();
  });
});

describe('the callback by form_post', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site', ...NAVIGATION };

  it('takes the form, cross-site as it is, with the SameSite=None attempt', async () => {
    const app = await AuthApp.start({ options: { responseMode: 'form_post' } });
    const { state } = await app.begin('?returnTo=/orders');
    const cookie = app.cookieHeader('/bff/callback', { sameSite: false, laxAllowed: false });
    expect(cookie).toContain('-login.');
    const answer = await app.send('/bff/callback', { method: 'POST', headers: form, cookie, body: `code=c1&state=${state}` });
    expect(answer).toMatchObject({ status: 200, headers: { refresh: '0;url=/bff/continue?returnTo=%2Forders&fresh=1' } });
    expect(app.provider.exchanges[0]?.params.get('code')).toBe('c1');
    await app.stop();
  });

  it.each([
    ['JSON', { ...form, 'content-type': 'application/json' }, '{"code":"c"}', 415],
    ['too much', form, `code=${'c'.repeat(17_000)}`, 413],
    ['no UTF-8', form, Buffer.from([0xff, 0xfe]), 400],
  ])('answers %s with its own code', async (_what, headers, body, status) => {
    const app = await AuthApp.start({ options: { responseMode: 'form_post' } });
    expect((await app.send('/bff/callback', { method: 'POST', headers, body })).status).toBe(status);
    await app.stop();
  });

  it('is not there unless it is configured', async () => {
    const app = await AuthApp.start();
    const answer = await app.send('/bff/callback', { method: 'POST', headers: form, body: 'code=c1' });
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET' } });
    await app.stop();
  });
});
