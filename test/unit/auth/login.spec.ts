import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AuthApp, NAVIGATION } from '../../support/auth-app.ts';
import { ISSUER } from '../../support/auth-provider.ts';

describe('GET login', () => {
  let app: AuthApp;
  beforeEach(async () => {
    app = await AuthApp.start();
  });
  afterEach(() => app.stop());

  it('leads to the provider and leaves one attempt cookie', async () => {
    const answer = await app.navigate('/bff/login?returnTo=/orders', 'same-origin');
    expect(answer.status).toBe(302);
    expect(String(answer.headers['location'])).toMatch(new RegExp(`^${ISSUER}/authorize\\?`));
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    expect(answer.setCookies).toEqual([
      expect.stringMatching(/^__Host-Http-cloakroom-login\.[\w-]+=[^;]+; Path=\/; Max-Age=600; Secure; HttpOnly; SameSite=Lax$/),
    ]);
  });

  it.each([
    ['a cross-site link', { ...NAVIGATION, 'sec-fetch-site': 'cross-site' }],
    ['a typed address', { ...NAVIGATION, 'sec-fetch-site': 'none' }],
    ['a service worker or download', { ...NAVIGATION, 'sec-fetch-dest': 'empty' }],
    ['an old browser', { accept: 'text/html,application/xhtml+xml' }],
  ])('begins for %s', async (_who, headers) => {
    expect((await app.send('/bff/login', { headers })).status).toBe(302);
  });

  it.each([
    ['a script', { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', 'sec-fetch-site': 'same-origin', accept: 'text/html' }],
    ['an image', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', 'sec-fetch-site': 'cross-site' }],
    ['a frame', { ...NAVIGATION, 'sec-fetch-dest': 'iframe' }],
    ['a prefetch', { ...NAVIGATION, 'sec-purpose': 'prefetch' }],
    ['a prerender', { ...NAVIGATION, 'sec-purpose': 'prefetch;prerender' }],
    ['an older prefetch', { ...NAVIGATION, purpose: 'prefetch' }],
    ['an old script', { accept: '*/*' }],
    ['nobody in particular', {}],
  ])('does not begin for %s, and leaves no cookie', async (_who, headers) => {
    const answer = await app.send('/bff/login', { headers });
    expect(answer).toMatchObject({ status: 400, setCookies: [], headers: { 'cloakroom-error': 'navigation_required' } });
    expect(app.provider.authorizations).toEqual([]);
  });

  it('leaves at most three attempts in the browser after 50 logins', async () => {
    for (let i = 0; i < 50; i++) await app.navigate('/bff/login');
    expect(app.jar.all()).toHaveLength(3);
    expect(app.cookieHeader('/api').length).toBeLessThan(3300);
  });

  it('passes on the parameters of the configuration and no other (A74)', async () => {
    const hostile = 'client_id=x&redirect_uri=x&response_type=token&state=x&nonce=x&scope=x&code_challenge=x&request=x&unknown=x';
    await app.navigate(`/bff/login?prompt=login&login_hint=bob&max_age=60&acr_values=mfa&ui_locales=de&${hostile}`);
    expect(app.provider.authorizations[0]?.params).toEqual({
      prompt: 'login',
      login_hint: 'bob',
      max_age: '60',
      acr_values: 'mfa',
      ui_locales: 'de',
    });
  });

  it('keeps its own parameters even if the configuration would pass them on', async () => {
    const careless = await AuthApp.start({ options: { loginParams: ['client_id', 'redirect_uri', 'scope', 'prompt'] } });
    await careless.navigate('/bff/login?client_id=x&redirect_uri=x&scope=x&prompt=login');
    expect(careless.provider.authorizations[0]?.params).toEqual({ prompt: 'login' });
    await careless.stop();
  });

  it('keeps the parameters of returnTo inside returnTo (A9)', async () => {
    const { callback } = await app.begin(`?returnTo=${encodeURIComponent('/a?prompt=none&redirect_uri=https://evil.com')}`);
    expect(app.provider.authorizations[0]?.params).toEqual({});
    const page = await app.navigate(callback, 'cross-site');
    expect(page.headers['refresh']).toBe(
      `0;url=/bff/continue?returnTo=${encodeURIComponent('/a?prompt=none&redirect_uri=https://evil.com')}&fresh=1`,
    );
  });

  it.each(['returnTo=/a&returnTo=/b', 'prompt=login&prompt=none', `iss=${ISSUER}&iss=x`, 'target_link_uri=/a&target_link_uri=/b'])(
    'refuses %s (A10)',
    async (query) => {
      const answer = await app.navigate(`/bff/login?${query}`);
      expect(answer).toMatchObject({ status: 400, setCookies: [], headers: { 'cloakroom-error': 'bad_request' } });
    },
  );

  it.each(['-1', '1e3', 'soon', '99999999999'])('refuses max_age=%s', async (value) => {
    expect((await app.navigate(`/bff/login?max_age=${value}`)).status).toBe(400);
  });

  it('ignores parameters it does not know, twice or once', async () => {
    expect((await app.navigate('/bff/login?utm=1&utm=2')).status).toBe(302);
  });

  it('serves a login that was started at the provider (OIDC Core §4)', async () => {
    const link = encodeURIComponent('https://app.example.com/deep?x=1');
    const page = await app.login(`?iss=${encodeURIComponent(ISSUER)}&target_link_uri=${link}`);
    expect(page.headers['refresh']).toBe(`0;url=/bff/continue?returnTo=${encodeURIComponent('/deep?x=1')}&fresh=1`);
  });

  it('refuses a login that another provider started', async () => {
    const answer = await app.navigate('/bff/login?iss=https://evil.example');
    expect(answer).toMatchObject({ status: 400, setCookies: [] });
    expect(answer.body).toContain('login_failed (issuer_mismatch)');
  });

  it('never takes returnTo from a header (A16)', async () => {
    const headers = { referer: 'https://app.example.com/from', 'x-forwarded-uri': '/from', 'x-auth-request-redirect': '/from' };
    const begun = await app.navigate('/bff/login', 'same-origin', { headers });
    const state = new URL(String(begun.headers['location'])).searchParams.get('state');
    const page = await app.navigate(`/bff/callback?code=c&state=${String(state)}`, 'cross-site');
    expect(page.headers['refresh']).toBe('0;url=/bff/continue?returnTo=%2F&fresh=1');
  });

  it('answers 503 with a way to try again while the provider is unknown, and leaves no cookie', async () => {
    app.provider.unknown = true;
    const answer = await app.navigate('/bff/login?returnTo=/orders&prompt=login');
    expect(answer).toMatchObject({
      status: 503,
      setCookies: [],
      headers: { 'retry-after': '7', 'cloakroom-error': 'provider_unavailable' },
    });
    expect(answer.body).toContain('href="/bff/login?returnTo=/orders&#38;prompt=login"');
    app.provider.unknown = false;
    expect((await app.navigate('/bff/login')).status).toBe(302);
  });

  it('starts again for somebody who is logged in', async () => {
    await app.login();
    expect((await app.navigate('/bff/login', 'same-origin')).status).toBe(302);
  });

  it('clears the cookie of a session that has expired, on the wire (A54)', async () => {
    await app.login();
    await app.clock.advance(31 * 60_000);
    const answer = await app.navigate('/bff/login', 'same-origin');
    expect(answer.setCookies).toContain('__Host-Http-cloakroom=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict');
  });
});
