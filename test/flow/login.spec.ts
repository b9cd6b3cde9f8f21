import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { nameOf, shapesOf } from '../support/set-cookie.ts';
import type { Hop, Trail, UserAgent } from '../support/user-agent.ts';
import { headerOf, queryOf } from '../support/wire.ts';

const DEEP_LINK = '/pages/page?order=7&sort=a%20b#lines';
const PAGE_POLICY = /^default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'$/;

describe('a login, hop by hop', () => {
  let house: House;
  let agent: UserAgent;
  let trail: Trail;

  beforeAll(async () => {
    house = await openHouse();
    agent = house.newAgent();
    trail = await agent.login('alice', { returnTo: DEEP_LINK });
  });

  afterAll(() => house.close());

  const hop = (path: string): Hop => {
    const found = trail.at(path);
    if (found === undefined) throw new Error(`${path} was never requested: ${trail.urls.join(' → ')}`);
    return found;
  };

  it('leads to the deep link in the same number of hops each time', () => {
    expect(trail.hops.map(({ method, url, via }) => `${via} ${method} ${new URL(url).pathname.replace(/\/[\w-]{43}$/, '/…')}`)).toEqual([
      'start GET /bff/login',
      'redirect GET /oauth2/default/v1/authorize',
      'redirect GET /oauth2/default/interaction/…',
      'form POST /oauth2/default/interaction/…',
      'redirect GET /oauth2/default/v1/authorize/…',
      'redirect GET /bff/callback',
      'refresh GET /bff/continue',
      'redirect GET /pages/page',
    ]);
    expect(trail.page.url).toBe(house.origin + DEEP_LINK);
    expect(trail.page.status).toBe(200);
  });

  it('asks the provider for a code with PKCE, state and nonce', () => {
    const login = hop('/bff/login');
    expect(login.status).toBe(302);
    expect(login.headers.get('cache-control')).toBe('no-store');
    expect(login.headers.get('referrer-policy')).toBe('no-referrer');
    const asked = headerOf(login, 'location');
    expect(asked.split('?')[0]).toBe(`${house.provider.issuer}/v1/authorize`);
    expect(queryOf(asked)).toEqual({
      response_type: 'code',
      client_id: 'cloakroom',
      redirect_uri: `${house.origin}/bff/callback`,
      scope: 'openid profile email offline_access',
      prompt: 'consent',
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w.-]{43,}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
    });
  });

  it('keeps the attempt in one small cookie of its own', () => {
    const { setCookies } = hop('/bff/login');
    expect(shapesOf(setCookies)).toEqual(['__Host-Http-cloakroom-login.<id>=…; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax']);
    expect(Buffer.byteLength(setCookies[0]?.split(';')[0] ?? '')).toBeLessThanOrEqual(1126);
  });

  it('exchanges the code with Basic authentication and without a scope', () => {
    expect(house.provider.stats.tokenRequests).toEqual([
      {
        grantType: 'authorization_code',
        params: expect.arrayContaining(['code', 'code_verifier', 'grant_type', 'redirect_uri']),
        scope: undefined,
        redirectUri: `${house.origin}/bff/callback`,
        clientAuth: 'client_secret_basic',
        status: 200,
        error: undefined,
      },
    ]);
  });

  it('answers the callback with a page that goes on by itself, without a script', () => {
    const callback = hop('/bff/callback');
    expect(callback.status).toBe(200);
    expect(callback.headers.get('refresh')).toBe(`0;url=/bff/continue?returnTo=${encodeURIComponent(DEEP_LINK)}&fresh=1`);
    expect(callback.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(callback.headers.get('content-security-policy')).toMatch(PAGE_POLICY);
    expect(callback.headers.get('cache-control')).toBe('no-store');
    expect(callback.headers.get('referrer-policy')).toBe('no-referrer');
    expect(callback.headers.get('x-content-type-options')).toBe('nosniff');
    expect(callback.headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(callback.body).not.toMatch(/<script|\son\w+=/i);
    expect(callback.body).toContain(`href="/bff/continue?returnTo=${encodeURIComponent(DEEP_LINK)}&#38;fresh=1"`);
  });

  it('sets session and hint, and takes the attempt away, each once', () => {
    expect(shapesOf(hop('/bff/callback').setCookies)).toEqual([
      '__Host-Http-cloakroom=…; Path=/; Max-Age=46800; Secure; HttpOnly; SameSite=Strict',
      '__Secure-cloakroom-hint=…; Path=/bff/logout; Max-Age=46800; Secure; HttpOnly; SameSite=Strict',
      '__Host-Http-cloakroom-login.<id>=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax',
    ]);
    expect(agent.jar.refused).toEqual([]);
  });

  it('proves the session cookie at continue before it goes on', () => {
    const goOn = hop('/bff/continue');
    expect(goOn.sentCookies).toEqual(['__Host-Http-cloakroom']);
    expect([goOn.status, goOn.headers.get('location'), goOn.setCookies]).toEqual([303, DEEP_LINK, []]);
  });

  it('brings the bearer token to the API and no cookie', () => {
    expect(house.api.requests.map(({ url, bearer, cookie }) => [url, bearer !== false, cookie])).toEqual([
      ['/page?order=7&sort=a%20b', true, false],
    ]);
  });

  it('leaves the browser with two cookies that no script can read', () => {
    const ours = agent.cookies().filter(({ name }) => name.includes('cloakroom'));
    expect(ours.map(({ name, httpOnly }) => [name, httpOnly])).toEqual([
      ['__Host-Http-cloakroom', true],
      ['__Secure-cloakroom-hint', true],
    ]);
  });

  it('logs that it succeeded, without a value of the login', () => {
    const { lines } = house.log;
    expect(house.log.of('login_succeeded')).toHaveLength(1);
    expect(house.provider.stats.serverErrors).toEqual([]);
    expect(lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
    const { code = '', state = '' } = queryOf(hop('/bff/callback').url);
    const secrets = [code, state, house.provider.clientSecret, ...agent.cookies().map(({ value }) => value)];
    for (const secret of secrets) expect(JSON.stringify(lines)).not.toContain(secret);
  });
});

describe('login attempts', () => {
  let house: House;

  beforeAll(async () => {
    house = await openHouse();
  });

  beforeEach(() => house.provider.stats.reset());

  afterAll(() => house.close());

  const toProvider = (url: URL): boolean => url.origin === house.provider.origin;
  const attempts = (agent: UserAgent): string[] =>
    agent
      .cookies()
      .map(({ name }) => name)
      .filter((name) => name.includes('-login.'));

  it('leave at most three cookies after ten logins that were begun and never ended', async () => {
    const agent = house.newAgent();
    const after: number[] = [];
    for (let i = 0; i < 10; i++) {
      await agent.navigate('/bff/login', { until: toProvider });
      after.push(attempts(agent).length);
    }
    expect(after).toEqual([1, 2, 3, 3, 3, 3, 3, 3, 3, 3]);
    const bytes = agent.cookies().reduce((sum, { name, value }) => sum + name.length + value.length + 3, 0);
    expect(bytes).toBeLessThanOrEqual(3300);
  });

  it('are evicted oldest first, each by a clearing line of its own', async () => {
    const agent = house.newAgent();
    const begun: string[] = [];
    for (let i = 0; i < 4; i++) {
      const { page } = await agent.navigate('/bff/login', { until: toProvider });
      begun.push(nameOf(page.setCookies[0] ?? ''));
      house.clock.skip(1000);
    }
    expect(attempts(agent).sort()).toEqual(begun.slice(1).sort());
    expect(agent.page.setCookies.slice(1)).toEqual([`${begun[0] ?? ''}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax`]);
  });

  it('stay within 1.1 KB with the longest returnTo', async () => {
    const agent = house.newAgent();
    const returnTo = `/${'a1-B'.repeat(127)}xyz`;
    const { page } = await agent.navigate(`/bff/login?returnTo=${returnTo}`, { until: toProvider });
    expect(returnTo).toHaveLength(512);
    expect(Buffer.byteLength(page.setCookies[0]?.split(';')[0] ?? '')).toBeLessThanOrEqual(1126);
  });

  it('have a state, nonce and challenge of their own', async () => {
    const agent = house.newAgent();
    for (let i = 0; i < 5; i++) await agent.navigate('/bff/login');
    const asked = house.provider.stats.authorizations;
    for (const name of ['state', 'nonce', 'code_challenge']) expect(new Set(asked.map((query) => query[name])).size).toBe(5);
  });
});
