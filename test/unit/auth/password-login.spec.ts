import { afterEach, describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import type { ExchangeOutcome } from '../../../src/oidc/identity-provider.ts';
import { AuthApp, randomText, type Answer, type AuthAppOptions } from '../../support/auth-app.ts';

const PASSWORD = 'correct horse "battery" +&=% staple';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

let app: AuthApp;

const start = async (options: AuthAppOptions = {}, perMinute = 100): Promise<void> => {
  app = await AuthApp.start({ ...options, options: { passwordLogin: { enabled: true, perMinute }, ...options.options } });
};

const post = (body: string | Buffer, headers: Readonly<Record<string, string>>, query = ''): Promise<Answer> =>
  app.fetch(`/bff/password-login${query}`, { method: 'POST', headers, body });

const login = (username = 'alice', headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  post(JSON.stringify({ username, password: PASSWORD }), { ...JSON_TYPE, ...headers });

const verdict = ({ status, headers }: Answer): readonly unknown[] => [status, headers['cloakroom-error']];
const lines = (): readonly unknown[] => app.logger.lines.map(({ level, event, fields }) => [level, event, fields]);
const refusal = (more: Partial<Extract<ExchangeOutcome, { kind: 'refused' }>>): ExchangeOutcome => ({
  kind: 'refused',
  reason: 'exchange_refused',
  check: 'token_endpoint',
  ...more,
});

afterEach(() => app.stop());

describe('a password login', () => {
  it.each([
    ['JSON', JSON.stringify({ username: 'alice', password: PASSWORD, other: 1 }), JSON_TYPE],
    ['a form', new URLSearchParams({ username: 'alice', password: PASSWORD, other: '1' }).toString(), FORM],
  ])('by %s is answered with the session JSON and the session cookie', async (_what, body, headers) => {
    await start();
    const answer = await post(body, headers);
    expect([answer.status, answer.headers['content-type'], answer.headers['cache-control']]).toEqual([200, 'application/json', 'no-store']);
    expect(answer.json()).toEqual({
      authenticated: true,
      user: { sub: 'alice', name: 'Alice', email: 'alice@example.com' },
      expiresIn: 43_200,
      idleExpiresIn: 1800,
      accessTokenExpiresIn: 300,
      logoutUrl: expect.stringMatching(/^\/bff\/logout\?id=[\w-]{43}$/),
    });
    expect(answer.json()).toEqual(await app.session());
    expect(answer.setCookies.map((line) => line.replace(/=[^;]*/, ''))).toEqual([
      '__Host-Http-cloakroom; Path=/; Max-Age=46800; Secure; HttpOnly; SameSite=Strict',
      '__Secure-cloakroom-hint; Path=/bff/logout; Max-Age=46800; Secure; HttpOnly; SameSite=Strict',
    ]);
    expect(app.provider.passwordLogins.map(({ username, password }) => [username, password.reveal()])).toEqual([['alice', PASSWORD]]);
    expect(lines()).toEqual([['info', 'password_login_succeeded', { requestId: 'request-1' }]]);
  });

  it('replaces the session that this browser had, as a login does', async () => {
    await start();
    await app.login();
    const before = app.cookieHeader('/');
    expect((await login()).status).toBe(200);
    expect(await app.session()).toMatchObject({ authenticated: true });
    expect((await app.fetch('/bff/session', { cookie: before })).json()).toMatchObject({ authenticated: false, reason: 'revoked' });
  });

  it('of an account that access.allow refuses is 403, leaves the session alone, and gives the tokens back', async () => {
    await start({ accessRules: [{ claim: 'sub', anyOf: ['erin'] }] });
    const answer = await login();
    expect([verdict(answer), answer.setCookies, app.provider.revoked]).toEqual([[403, 'forbidden'], [], ['rt:alice:1']]);
    expect(lines()).toEqual([['info', 'password_login_failed', { requestId: 'request-1', reason: 'forbidden' }]]);
  });

  it('whose session no browser would keep is 500 with the sizes', async () => {
    await start({ budget: 1200 });
    const signedIn = app.provider.signedIn();
    app.provider.outcome = () => ({ ...signedIn, tokens: { ...signedIn.tokens, accessToken: randomText(4000) } });
    const answer = await login();
    expect([verdict(answer), answer.setCookies, app.provider.revoked]).toEqual([[500, 'cookie_budget'], [], ['rt:alice:1']]);
    expect(answer.json()['detail']).toMatch(/^The session needs \d+ bytes/);
    expect(app.logger.of('cookie_budget_exceeded')).toHaveLength(1);
  });

  it.each([
    [refusal({ providerError: 'invalid_grant' }), 'exchange_refused', 'invalid_grant', /^The identity provider did not accept/],
    [refusal({ providerError: 'unauthorized_client', advice: 'Look at x.' }), 'exchange_refused', 'unauthorized_client', / Look at x\.$/],
    [refusal({ reason: 'id_token_invalid', check: 'id_token_missing' }), 'id_token_invalid', undefined, /^The sign-in did not work\./],
  ])('that the provider refuses is 400 login_failed with its reason: %j', async (outcome, reason, providerError, detail) => {
    await start();
    await app.login();
    const before = app.sessionCookie;
    app.logger.lines.length = 0;
    app.provider.outcome = () => outcome;
    const answer = await login();
    expect([verdict(answer), answer.setCookies, app.sessionCookie]).toEqual([[400, 'login_failed'], [], before]);
    const { reason: said, providerError: saidError, detail: words } = answer.json();
    expect([said, saidError, words]).toEqual([reason, providerError, expect.stringMatching(detail)]);
    expect(await app.session()).toMatchObject({ authenticated: true });
    expect(lines()).toEqual([['info', 'password_login_failed', expect.objectContaining({ reason })]]);
  });

  it('is 503 with Retry-After while the provider is down', async () => {
    await start();
    app.provider.outcome = () => ({ kind: 'unavailable', spent: true, retryAfter: 7 });
    const answer = await login();
    expect([verdict(answer), answer.headers['retry-after'], answer.setCookies]).toEqual([[503, 'provider_unavailable'], '7', []]);
    expect(lines()).toEqual([['info', 'password_login_failed', { requestId: 'request-1', reason: 'provider_unavailable' }]]);
  });

  it('is 503 while the session store is down, and sends no password', async () => {
    await start({ parts: (parts) => ({ ...parts, resolver: { resolve: () => ({ kind: 'unavailable', retryAfter: 9 }) } }) });
    const answer = await login();
    expect([verdict(answer), answer.headers['retry-after']]).toEqual([[503, 'store_unavailable'], '9']);
    expect(app.provider.passwordLogins).toEqual([]);
  });
});

describe('a password login that is malformed', () => {
  const refused = async (answer: Answer, code: string, status: number): Promise<void> => {
    expect(verdict(answer)).toEqual([status, code]);
    expect(answer.body).not.toContain('battery');
    expect([answer.setCookies, app.provider.passwordLogins]).toEqual([[], []]);
    expect(inspect(app.logger.lines, { depth: 9 })).not.toContain('battery');
  };

  it.each([
    ['no body', '', JSON_TYPE],
    ['no password', '{"username":"alice"}', JSON_TYPE],
    ['an empty user name', '{"username":"","password":"battery"}', JSON_TYPE],
    ['an empty password', 'username=alice&password=', FORM],
    ['a password that is a number', '{"username":"alice","password":5}', JSON_TYPE],
    ['a password twice in a form', 'username=alice&password=battery&password=battery', FORM],
    ['a password twice in JSON', '{"username":"alice","password":"battery","password":"battery"}', JSON_TYPE],
    ['a user name twice in JSON, once spelled otherwise', '{"username":"alice","us\\u0065rname":"bob","password":"battery"}', JSON_TYPE],
    ['broken JSON', '{"username":"alice","password":"battery', JSON_TYPE],
    ['a JSON list', '["alice","battery"]', JSON_TYPE],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), JSON_TYPE],
  ])('is 400 bad_request: %s', async (_what, body, headers) => {
    await start();
    await refused(await post(body, headers), 'bad_request', 400);
  });

  it.each(['?password=battery', '?username=alice', '?a=1&password='])(
    'is 400 with credentials in the URL, right or wrong: %s',
    async (query) => {
      await start();
      await refused(await post(JSON.stringify({ username: 'alice', password: PASSWORD }), JSON_TYPE, query), 'bad_request', 400);
    },
  );

  it('is 415 with another content type', async () => {
    await start();
    for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/jwt']) {
      await refused(await post('username=alice&password=battery', { 'content-type': type }), 'unsupported_media_type', 415);
    }
  });

  it('is 413 with more than 16 KiB', async () => {
    await start();
    await refused(await post(`username=alice&password=battery${'x'.repeat(16 * 1024)}`, FORM), 'payload_too_large', 413);
  });

  it('is 403 without a proof that it comes from our own pages', async () => {
    await start();
    const body = 'username=alice&password=battery';
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { 'sec-fetch-site': 'none' }]) {
      await refused(await post(body, { ...FORM, ...headers }), 'csrf_refused', 403);
    }
    const old = await app.send('/bff/password-login', { method: 'POST', headers: FORM, body });
    await refused(old, 'csrf_refused', 403);
    const proven = await app.send('/bff/password-login', { method: 'POST', headers: { ...FORM, 'x-csrf': '1' }, body });
    expect(proven.status).toBe(200);
  });
});

describe('many password logins', () => {
  const from = (address: string) => ({ 'x-forwarded-for': address });

  it('from one address are 429 with Retry-After after so many a minute, whoever they name, until time has passed', async () => {
    await start({}, 3);
    const statuses: number[] = [];
    for (const user of ['a', 'b', 'c', 'd']) statuses.push((await login(user)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const answer = await login('e');
    expect([verdict(answer), answer.headers['retry-after'], answer.setCookies]).toEqual([[429, 'rate_limited'], '20', []]);
    expect(app.logger.lines.at(-1)).toMatchObject({ level: 'info', event: 'password_login_failed', fields: { limit: 'address' } });
    expect((await login('e', from('192.0.2.9'))).status).toBe(200);
    await app.clock.advance(20_000);
    expect((await login('e')).status).toBe(200);
  });

  it('from one IPv6 network are those of one client', async () => {
    await start({}, 1);
    expect((await login('a', from('2001:db8::1'))).status).toBe(200);
    expect((await login('b', from('2001:db8::2'))).status).toBe(429);
    expect((await login('b', from('2001:db8:0:1::2'))).status).toBe(200);
  });

  it('for one user name are 429 too, wherever they come from and however it is spelled', async () => {
    await start({}, 2);
    const statuses: number[] = [];
    for (const [index, name] of ['Alice', ' alice ', 'ALICE', 'bob'].entries()) {
      statuses.push((await login(name, from(`192.0.2.${String(index)}`))).status);
    }
    expect(statuses).toEqual([200, 200, 429, 200]);
    expect(app.logger.lines.filter(({ fields }) => fields['limit'] === 'user')).toHaveLength(1);
  });

  it('that fail count as those that succeed', async () => {
    await start({}, 1);
    app.provider.outcome = () => refusal({ providerError: 'invalid_grant' });
    expect([(await login()).status, (await login()).status]).toEqual([400, 429]);
    expect(app.provider.passwordLogins).toHaveLength(1);
  });

  it('log neither user name nor password', async () => {
    await start({}, 2);
    await login('alice.canary');
    app.provider.outcome = () => refusal({ providerError: 'invalid_grant' });
    await login('alice.canary');
    await login('alice.canary');
    expect(app.logger.lines).toHaveLength(3);
    expect(inspect(app.logger.lines, { depth: 9 })).not.toMatch(/canary|battery/);
  });
});
