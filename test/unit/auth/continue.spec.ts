import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AuthApp, NAVIGATION } from '../../support/auth-app.ts';

const SESSION = '__Host-Http-cloakroom';

describe('GET continue', () => {
  let app: AuthApp;
  beforeEach(async () => {
    app = await AuthApp.start();
  });
  afterEach(() => app.stop());

  const fresh = (cookie: string, target = '/bff/continue?returnTo=/orders&fresh=1') =>
    app.send(target, { headers: { ...NAVIGATION, 'sec-fetch-site': 'same-origin' }, cookie });

  it('goes on to returnTo when the cookie can be read', async () => {
    await app.login();
    const answer = await app.navigate('/bff/continue?returnTo=/orders%3Fa%3D1&fresh=1', 'same-origin');
    expect(answer).toMatchObject({ status: 303, setCookies: [], headers: { location: '/orders?a=1', 'cache-control': 'no-store' } });
  });

  it.each(['/api/transfer?to=evil', '/%61pi/transfer?to=evil', '/api', '/api#x'])(
    'waits for a click before %s, with the session there',
    async (returnTo) => {
      await app.login();
      const answer = await app.navigate(`/bff/continue?returnTo=${encodeURIComponent(returnTo)}&fresh=1`, 'same-origin');
      expect(answer.status).toBe(200);
      expect(answer.headers).not.toHaveProperty('refresh');
      expect(answer.headers).not.toHaveProperty('location');
      expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
      expect(answer.body).toContain(`<a class="go" href="${returnTo}">Continue</a>`);
    },
  );

  it('goes on by itself where the name only begins like a route', async () => {
    await app.login();
    expect(await app.navigate('/bff/continue?returnTo=/apix', 'same-origin')).toMatchObject({
      status: 303,
      headers: { location: '/apix' },
    });
  });

  it.each(['//evil.com', 'https://evil.com/', '/\\evil.com', '/bff/login'])('judges returnTo=%s again', async (returnTo) => {
    await app.login();
    const answer = await app.navigate(`/bff/continue?returnTo=${encodeURIComponent(returnTo)}`, 'same-origin');
    expect(answer).toMatchObject({ status: 303, headers: { location: '/' } });
  });

  it('refuses returnTo twice', async () => {
    expect((await app.navigate('/bff/continue?returnTo=/a&returnTo=/b')).status).toBe(400);
  });

  it('says "signed out" with a way in, and starts no login by itself', async () => {
    const answer = await app.navigate('/bff/continue?returnTo=/orders', 'same-origin');
    expect(answer).toMatchObject({ status: 200, setCookies: [] });
    expect(answer.headers['refresh']).toBeUndefined();
    expect(answer.body).toContain('href="/bff/login?returnTo=%2Forders"');
    expect(app.provider.authorizations).toEqual([]);
  });

  it.each([
    ['absent', () => ''],
    ['unreadable', () => `${SESSION}=Fe26.2*rubbish`],
    ['too_big', () => `${SESSION}.1=abc`],
    ['unreadable', async () => `${SESSION}=${await foreignCookie()}`],
  ])('names %s right after a login, at once and without a way to loop', async (reason, cookie) => {
    const answer = await fresh(await cookie());
    expect(answer).toMatchObject({ status: 400, headers: { 'cloakroom-error': 'cookie_not_stored' } });
    expect(answer.body).toContain(`cookie_not_stored (${reason})`);
    expect(answer.headers['refresh']).toBeUndefined();
    expect(answer.setCookies).toEqual([]);
    expect(app.provider.authorizations).toEqual([]);
    expect(app.logger.of('cookie_not_stored')).toMatchObject([{ fields: { reason } }]);
  });

  it('names old_kept when the browser sends the session that was replaced', async () => {
    await app.login();
    const old = String(app.sessionCookie);
    await app.login();
    const answer = await fresh(`${SESSION}=${old}`);
    expect(answer.body).toContain('cookie_not_stored (old_kept)');
    expect(answer.setCookies).toEqual([]);
  });

  it('clears an authentic cookie that has expired', async () => {
    await app.login();
    await app.clock.advance(31 * 60_000);
    const answer = await fresh(app.cookieHeader('/'), '/bff/continue?returnTo=/orders');
    expect(answer.status).toBe(200);
    expect(answer.setCookies).toEqual([`${SESSION}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict`]);
  });

  it('answers 503 while the store is down', async () => {
    const down = await AuthApp.start({
      parts: (parts) => ({ ...parts, resolver: { resolve: () => ({ kind: 'unavailable', retryAfter: 4 }) } }),
    });
    const answer = await down.navigate('/bff/continue?returnTo=/orders&fresh=1', 'same-origin');
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '4', 'cloakroom-error': 'store_unavailable' } });
    await down.stop();
  });

  it.each([
    ['insecure', 'http://app.internal'],
    ['absent', 'http://localhost:3000'],
    ['absent', 'https://app.example.com'],
  ])('names %s where no cookie came back to %s', async (reason, origin) => {
    const other = await AuthApp.start({ origin });
    const answer = await other.navigate('/bff/continue?returnTo=/&fresh=1', 'same-origin');
    expect(answer.body).toContain(`cookie_not_stored (${reason})`);
    await other.stop();
  });

  async function foreignCookie(): Promise<string> {
    const other = await AuthApp.start({ cookieSecret: 'd'.repeat(64) });
    await other.login();
    await other.stop();
    return String(other.sessionCookie);
  }
});
