import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AuthApp, NAVIGATION } from '../../support/auth-app.ts';
import { accessTokenOf, refreshTokenOf } from '../../support/fake-provider.ts';

const SESSION = '__Host-Http-cloakroom';
const CLEARED = `${SESSION}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict`;

describe('the session of a page', () => {
  let app: AuthApp;
  beforeEach(async () => {
    app = await AuthApp.start();
  });
  afterEach(() => app.stop());

  const withoutRefreshToken = (): void => {
    const { refreshToken: _, ...tokens } = app.provider.signedIn().tokens;
    app.provider.outcome = () => app.provider.signedIn({ tokens });
  };

  describe('GET session', () => {
    it('says who is logged in and for how long, in whole seconds, and nothing that is a key', async () => {
      await app.login();
      await app.clock.advance(10_400);
      const answer = await app.fetch('/bff/session');
      expect(answer).toMatchObject({
        status: 200,
        setCookies: [],
        headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      });
      expect(answer.headers['etag']).toBeUndefined();
      expect(answer.json()).toEqual({
        authenticated: true,
        user: { sub: 'alice', name: 'Alice', email: 'alice@example.com' },
        expiresIn: 43_189,
        idleExpiresIn: 1789,
        accessTokenExpiresIn: 289,
        logoutUrl: expect.stringMatching(/^\/bff\/logout\?id=[\w-]{43}$/),
      });
      expect(answer.body).not.toMatch(/at:alice|rt:alice|id-token|provider-sid/);
    });

    it('never extends the session, and never asks the provider', async () => {
      await app.login();
      for (let minute = 0; minute < 29; minute++) {
        await app.clock.advance(60_000);
        expect((await app.fetch('/bff/session')).setCookies).toEqual([]);
      }
      expect(await app.session()).toMatchObject({ authenticated: true, idleExpiresIn: 60, accessTokenExpiresIn: 0 });
      await app.clock.advance(60_000);
      expect(await app.session()).toEqual({ authenticated: false, reason: 'expired', loginUrl: '/bff/login' });
      expect(app.provider.grants.refreshes).toEqual([]);
    });

    it('says "none" without a cookie, and to one it cannot read', async () => {
      const none = { authenticated: false, reason: 'none', loginUrl: '/bff/login' };
      expect(await app.session()).toEqual(none);
      const unreadable = await app.fetch('/bff/session', { cookie: `${SESSION}=rubbish` });
      expect(unreadable.json()).toEqual(none);
      expect(unreadable.setCookies).toEqual([]);
    });

    it('leaves a cookie whose seal was tampered with to the requests that need a session', async () => {
      await app.login();
      const value = String(app.sessionCookie);
      const at = value.length - 20;
      const tampered = value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1);
      const answer = await app.fetch('/bff/session', { cookie: `${SESSION}=${tampered}` });
      expect(answer.json()).toMatchObject({ authenticated: false, reason: 'none' });
      expect(answer.setCookies).toEqual([]);
    });

    it('clears the cookie of a session that has expired', async () => {
      await app.login();
      await app.clock.advance(12 * 3_600_000);
      const answer = await app.fetch('/bff/session');
      expect(answer.json()).toMatchObject({ reason: 'expired' });
      expect(answer.setCookies).toEqual([CLEARED]);
    });

    it('ends with the access token when nothing can renew it', async () => {
      withoutRefreshToken();
      await app.login();
      expect(await app.session()).toMatchObject({ authenticated: true, expiresIn: 300, accessTokenExpiresIn: 300 });
      await app.clock.advance(300_000);
      const answer = await app.fetch('/bff/session');
      expect(answer.json()).toMatchObject({ authenticated: false, reason: 'expired' });
      expect(answer.setCookies).toEqual([CLEARED]);
    });

    it('says "forbidden", with another account to choose, to somebody who is not admitted any more', async () => {
      await app.login();
      const strict = await AuthApp.start({ accessRules: [{ claim: 'groups', anyOf: ['admins'] }] });
      strict.clock.set(app.clock.now());
      const answer = await strict.fetch('/bff/session', { cookie: app.cookieHeader('/') });
      expect(answer.json()).toEqual({ authenticated: false, reason: 'forbidden', loginUrl: '/bff/login?prompt=select_account' });
      expect(answer.setCookies).toEqual([]);
      await strict.stop();
    });

    it('shows no provider session id even if it is configured as a claim', async () => {
      const careless = await AuthApp.start({ options: { shownClaims: ['name', 'sid'] } });
      careless.provider.outcome = () => careless.provider.signedIn({ claims: { sub: 'alice', name: 'Alice', sid: 'provider-sid' } });
      await careless.login();
      expect((await careless.session())['user']).toEqual({ sub: 'alice', name: 'Alice' });
      await careless.stop();
    });

    it('answers 503 while the store is down, never "not logged in"', async () => {
      const down = await AuthApp.start({
        parts: (parts) => ({ ...parts, resolver: { resolve: () => ({ kind: 'unavailable', retryAfter: 4 }) } }),
      });
      for (const [method, path] of [
        ['GET', '/bff/session'],
        ['POST', '/bff/refresh'],
      ] as const) {
        const answer = await down.fetch(path, { method });
        expect(answer).toMatchObject({ status: 503, setCookies: [], headers: { 'retry-after': '4' } });
        expect(answer.json()).toMatchObject({ code: 'store_unavailable' });
      }
      await down.stop();
    });

    it('takes the newer generation of an older cookie, and leaves the delivery to others', async () => {
      await app.login();
      const old = app.cookieHeader('/');
      await app.clock.advance(10_000);
      await app.fetch('/bff/refresh', { method: 'POST' });
      const answer = await app.fetch('/bff/session', { cookie: old });
      expect(answer.json()).toMatchObject({ authenticated: true, accessTokenExpiresIn: 300 });
      expect(answer.setCookies).toEqual([]);
    });
  });

  describe('POST refresh', () => {
    it('renews the token, gives the new cookie and says the new times', async () => {
      await app.login();
      await app.clock.advance(100_000);
      const answer = await app.fetch('/bff/refresh', { method: 'POST' });
      expect(answer.status).toBe(200);
      expect(answer.json()).toMatchObject({ authenticated: true, accessTokenExpiresIn: 300 });
      expect(answer.setCookies).toEqual([expect.stringMatching(new RegExp(`^${SESSION}=[^;]+; Path=/; Max-Age=46700;`))]);
      expect(answer.body).not.toContain(accessTokenOf('alice', 2));
      expect(app.provider.grants.refreshes.map(({ refreshToken }) => refreshToken)).toEqual([refreshTokenOf('alice', 1)]);
    });

    it('asks the provider once for 20 at the same time, and gives all the same cookie', async () => {
      await app.login();
      await app.clock.advance(100_000);
      const answers = await Promise.all(Array.from({ length: 20 }, () => app.fetch('/bff/refresh', { method: 'POST' })));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
      expect(new Set(answers.map(({ setCookies }) => setCookies.join())).size).toBe(1);
      expect(app.provider.grants.refreshes).toHaveLength(1);
    });

    it('answers as it is within the cooldown', async () => {
      await app.login();
      await app.clock.advance(1999);
      const answer = await app.fetch('/bff/refresh', { method: 'POST' });
      expect(answer).toMatchObject({ status: 200, setCookies: [] });
      expect(app.provider.grants.refreshes).toEqual([]);
    });

    it('answers 409 to a session without refresh token, and 401 once its token is over', async () => {
      withoutRefreshToken();
      await app.login();
      expect((await app.fetch('/bff/refresh', { method: 'POST' })).json()).toMatchObject({ status: 409, code: 'refresh_unavailable' });
      await app.clock.advance(300_000);
      expect((await app.fetch('/bff/refresh', { method: 'POST' })).json()).toMatchObject({ status: 401, code: 'session_expired' });
    });

    it('answers 401 with the way to log in, without a session', async () => {
      const answer = await app.fetch('/bff/refresh', { method: 'POST' });
      expect(answer.json()).toMatchObject({ status: 401, code: 'not_logged_in', loginUrl: '/bff/login' });
    });

    it('says the same words as a route: what is missing, what has ended, who may not', async () => {
      const detailOf = async (cookie?: string) =>
        (await app.fetch('/bff/refresh', { method: 'POST', ...(cookie === undefined ? {} : { cookie }) })).json();
      expect(await detailOf()).toMatchObject({ code: 'not_logged_in', detail: 'No session cookie was sent.' });
      expect(await detailOf(`${SESSION}=x`)).toMatchObject({ code: 'not_logged_in', detail: 'The session cookie cannot be read.' });
      await app.login();
      await app.clock.advance(31 * 60_000);
      expect(await detailOf()).toMatchObject({ code: 'session_expired', detail: expect.stringContaining('idle or old') });
      const strict = await AuthApp.start();
      await strict.login();
      const other = await AuthApp.start({ accessRules: [{ claim: 'groups', anyOf: ['admins'] }] });
      const refused = await other.fetch('/bff/refresh', { method: 'POST', cookie: strict.cookieHeader('/') });
      expect(refused.json()).toMatchObject({ code: 'forbidden', detail: 'This account may not use this application.' });
      await Promise.all([strict.stop(), other.stop()]);
    });

    it('answers session_revoked and clears the cookie when the provider refuses the newest token', async () => {
      await app.login();
      await app.clock.advance(100_000);
      app.provider.grants.script({ kind: 'refused', error: 'invalid_grant', status: 400 });
      const answer = await app.fetch('/bff/refresh', { method: 'POST' });
      expect(answer.json()).toMatchObject({ status: 401, code: 'session_revoked', detail: 'The session was ended.' });
      expect(answer.setCookies).toEqual([CLEARED]);
    });

    it('answers 503 and keeps the session while the provider is away', async () => {
      await app.login();
      await app.clock.advance(400_000);
      app.provider.grants.script(
        { kind: 'failed', sent: false, cause: 'ECONNREFUSED' },
        { kind: 'failed', sent: false, cause: 'ECONNREFUSED' },
      );
      const answer = await app.fetch('/bff/refresh', { method: 'POST' });
      expect(answer.json()).toMatchObject({ status: 503, code: 'provider_unavailable' });
      expect(answer.setCookies).toEqual([]);
      expect(await app.session()).toMatchObject({ authenticated: true });
    });

    it('takes a body it does not need, up to its limit', async () => {
      await app.login();
      const headers = { 'content-type': 'application/json' };
      expect((await app.fetch('/bff/refresh', { method: 'POST', headers, body: '{}' })).status).toBe(200);
      const large = await app.fetch('/bff/refresh', { method: 'POST', headers, body: ' '.repeat(16_385) });
      expect(large).toMatchObject({ status: 413, headers: { connection: 'close', 'cloakroom-error': 'payload_too_large' } });
    });

    it('answers a navigation with the same code in a page', async () => {
      const answer = await app.send('/bff/refresh', { method: 'POST', headers: { ...NAVIGATION, 'sec-fetch-site': 'same-origin' } });
      expect(answer).toMatchObject({ status: 401, headers: { 'cloakroom-error': 'not_logged_in' } });
      expect(answer.body).toContain('href="/bff/login"');
    });
  });
});
