import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { passwordOf } from '../../demo/provider/password-grant.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { JsonLogger } from '../../src/ops/logger.ts';
import { Canaries } from '../support/canaries.ts';
import { openHouse, type House, type HouseOptions } from '../support/house.ts';
import { shapesOf } from '../support/set-cookie.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { jsonOf, verdictOf } from '../support/wire.ts';

const GRANT_TYPES = ['authorization_code', 'refresh_token', 'password'];
const ON = { passwordLogin: { enabled: true, perMinute: 100 } };

const openLegacyHouse = ({ provider, config, ...more }: HouseOptions = {}): Promise<House> =>
  openHouse({ ...more, provider: { grantTypes: GRANT_TYPES, ...provider }, config: { ...ON, ...config } });

const passwordLogin = (agent: UserAgent, username = 'alice', password = passwordOf({ id: username })): Promise<Response> =>
  agent.fetch('/bff/password-login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });

describe('password-login', () => {
  let house: House;
  let agent: UserAgent;

  beforeAll(async () => {
    house = await openLegacyHouse();
  });

  beforeEach(() => {
    agent = house.newAgent();
    house.provider.control.recover();
    house.provider.stats.reset();
    house.log.lines.length = 0;
  });

  afterAll(() => house.close());

  it('signs in without a navigation: the page has its session, and its API the token', async () => {
    const answer = await passwordLogin(agent);
    expect(answer.status).toBe(200);
    expect(await jsonOf(answer)).toMatchObject({ authenticated: true, user: { sub: 'alice', name: 'Alice Ordinary' } });
    expect(shapesOf(answer.headers.getSetCookie())).toEqual([
      '__Host-Http-cloakroom=…; Path=/; Max-Age=46800; Secure; HttpOnly; SameSite=Strict',
      '__Secure-cloakroom-hint=…; Path=/bff/logout; Max-Age=46800; Secure; HttpOnly; SameSite=Strict',
    ]);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(house.provider.stats.hits).toMatchObject({ token: 1 });
    expect(house.provider.stats.tokenRequests).toEqual([
      expect.objectContaining({
        grantType: 'password',
        scope: 'openid profile email offline_access',
        clientAuth: 'client_secret_basic',
        status: 200,
      }),
    ]);
    expect([...(house.provider.stats.tokenRequests[0]?.params ?? [])].sort()).toEqual(['grant_type', 'password', 'scope', 'username']);
  });

  it('takes a form of a page as well as JSON', async () => {
    const trail = await agent.navigate('/bff/password-login', {
      method: 'POST',
      form: { username: 'alice@example.com', password: passwordOf({ id: 'alice' }) },
      initiator: new URL(`${house.origin}/`),
    });
    expect([trail.page.status, JSON.parse(trail.page.body)]).toEqual([200, expect.objectContaining({ authenticated: true })]);
  });

  it('has a session that is renewed and ended as every other', async () => {
    const others = house.provider.control.liveRefreshTokens('alice');
    await passwordLogin(agent);
    house.expireAccessToken();
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(house.provider.stats.refreshes).toBe(1);
    expect((await agent.fetch('/bff/logout', { method: 'POST' })).status).toBe(200);
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(others);
    expect(verdictOf(await agent.fetch('/api/orders'))).toEqual([401, 'not_logged_in']);
  });

  it('ends the session that the browser had before', async () => {
    await agent.login('alice');
    const before = house.cookiesOf(agent);
    await passwordLogin(agent, 'erin');
    expect(await jsonOf(await agent.fetch('/bff/session'))).toMatchObject({ user: { sub: 'erin' } });
    expect(verdictOf(await house.call('/api/orders', { cookie: before }))).toEqual([401, 'session_revoked']);
  });

  it('with a wrong password is 400 login_failed, and the session of the browser stays', async () => {
    await agent.login('alice');
    house.log.lines.length = 0;
    const answer = await passwordLogin(agent, 'alice', 'wrong');
    expect(verdictOf(answer)).toEqual([400, 'login_failed']);
    expect(await jsonOf(answer)).toMatchObject({ reason: 'exchange_refused', providerError: 'invalid_grant' });
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect((await agent.fetch('/api/orders')).status).toBe(200);
    expect(house.log.lines.map(({ level, event }) => [level, event])).toEqual([['info', 'password_login_failed']]);
  });

  it('is 503 while the provider is down, and works again after it', async () => {
    house.provider.control.fail('token', { kind: 'status', status: 500 }, 1);
    const answer = await passwordLogin(agent);
    expect(verdictOf(answer)).toEqual([503, 'provider_unavailable']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await passwordLogin(agent)).status).toBe(200);
  });

  it.each([
    ['no ID token', ({ id_token: _, ...rest }: Readonly<Record<string, unknown>>) => rest],
    ['an ID token that is none', (answer: Readonly<Record<string, unknown>>) => ({ ...answer, id_token: 'eyJ.eyJ.x' })],
  ])('with %s is 400 id_token_invalid, and the refresh token is given back', async (_what, change) => {
    house.provider.control.fail('token', { kind: 'rewrite', change }, 1);
    const answer = await passwordLogin(agent, 'erin');
    expect(verdictOf(answer)).toEqual([400, 'login_failed']);
    expect(await jsonOf(answer)).toMatchObject({ reason: 'id_token_invalid' });
    for (let turn = 0; turn < 200 && house.provider.stats.revocations.length === 0; turn++) await new Promise((go) => setTimeout(go, 2));
    expect(house.provider.stats.revocations).toHaveLength(1);
  });

  it('from another site is refused before the body is read', async () => {
    const answer = await house.call('/bff/password-login', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'sec-fetch-site': 'cross-site' },
      body: JSON.stringify({ username: 'alice', password: passwordOf({ id: 'alice' }) }),
    });
    expect(verdictOf(answer)).toEqual([403, 'csrf_refused']);
    expect(house.provider.stats.hits).toEqual({});
  });
});

describe('password-login as it is configured', () => {
  let house: House;
  afterEach(() => house.close());

  it('does not exist by default, for any method', async () => {
    house = await openHouse({ provider: { grantTypes: GRANT_TYPES } });
    for (const method of ['GET', 'POST', 'PUT', 'OPTIONS']) {
      const answer = await house.call('/bff/password-login', { method, headers: { 'content-type': 'application/json' } });
      expect(verdictOf(answer)).toEqual([404, 'route_not_found']);
    }
    expect(verdictOf(await passwordLogin(house.newAgent()))).toEqual([404, 'route_not_found']);
    expect(house.provider.stats.hits).not.toHaveProperty('token');
  });

  it('admits whom access.allow admits, and gives back the tokens of others', async () => {
    house = await openLegacyHouse({ config: { access: { allow: [{ claim: 'sub', anyOf: ['alice'] }] } } });
    expect((await passwordLogin(house.newAgent())).status).toBe(200);
    const answer = await passwordLogin(house.newAgent(), 'erin');
    expect(verdictOf(answer)).toEqual([403, 'forbidden']);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(house.provider.control.liveRefreshTokens('erin')).toBe(0);
  });

  it('counts attempts by the client that a trusted proxy names, and by user', async () => {
    house = await openLegacyHouse({ config: { trustedProxies: ['127.0.0.1/32'], passwordLogin: { enabled: true, perMinute: 2 } } });
    const from = async (address: string, username: string): Promise<Response> =>
      house.call('/bff/password-login', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': `6.6.6.6, ${address}` },
        body: JSON.stringify({ username, password: 'wrong' }),
      });
    const seen: number[] = [];
    for (const user of ['a', 'b', 'c']) seen.push((await from('192.0.2.1', user)).status);
    seen.push((await from('192.0.2.2', 'a')).status);
    expect(seen).toEqual([400, 400, 429, 400]);
    const refused = await from('192.0.2.3', 'A');
    expect([verdictOf(refused), refused.headers.get('retry-after')]).toEqual([[429, 'rate_limited'], '30']);
    house.clock.skip(30_000);
    expect((await from('192.0.2.3', 'A')).status).toBe(400);
    const limits = house.log.of('password_login_failed').map(({ fields }) => fields['limit']);
    expect(limits.filter((limit) => limit !== undefined)).toEqual(['address', 'user']);
  });

  it('counts the peer where no proxy is trusted, whatever X-Forwarded-For says', async () => {
    house = await openLegacyHouse({ config: { passwordLogin: { enabled: true, perMinute: 1 } } });
    const seen: number[] = [];
    for (const address of ['192.0.2.1', '192.0.2.2']) {
      const headers = { 'content-type': 'application/json', 'x-forwarded-for': address };
      const body = JSON.stringify({ username: address, password: 'wrong' });
      seen.push((await house.call('/bff/password-login', { method: 'POST', headers, body })).status);
    }
    expect(seen).toEqual([400, 429]);
  });

  it('explains a client that may not use the grant, in the answer and once in the log', async () => {
    house = await openLegacyHouse({ provider: { grantTypes: ['authorization_code', 'refresh_token'] } });
    for (let i = 0; i < 3; i++) {
      const answer = await passwordLogin(house.newAgent());
      expect(await jsonOf(answer)).toMatchObject({
        code: 'login_failed',
        providerError: 'unauthorized_client',
        detail: expect.stringContaining('"Resource Owner Password" must be ticked'),
      });
    }
    expect(house.log.of('grant_not_allowed').map(({ fields }) => fields['step'])).toEqual(['password']);
  });
});

describe('a password', () => {
  it('is in no answer, log line, URL or error of ours, whatever happens to it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cloakroom-password-'));
    const file = join(folder, 'log');
    const json = new JsonLogger({ level: 'debug', clock: systemClock, fd: openSync(file, 'w') });
    const house = await openLegacyHouse({ logger: json, config: { provider: { timeout: '300ms' }, log: { level: 'debug' } } });
    const wrong = 'a wrong password with "quotes" & <tags> that is long enough to be found in part';
    const right = passwordOf({ id: 'alice' });
    const canaries = new Canaries();
    for (const [name, value] of Object.entries({ right, wrong, user: 'canary-user@example.com' })) canaries.add(name, value);
    expect(canaries.in(`x ${encodeURIComponent(wrong)} ${JSON.stringify(right)}`)).toEqual(['right', 'wrong']);
    const shown: string[] = [];
    const show = async (answer: Response): Promise<void> => {
      shown.push(`${String(answer.status)} ${JSON.stringify([...answer.headers])} ${await answer.text()}`);
    };
    const send = async (body: string, headers: Readonly<Record<string, string>> = {}): Promise<void> =>
      show(await house.call('/bff/password-login', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body }));
    const wrongly = JSON.stringify({ username: 'canary-user@example.com', password: wrong });

    await send(JSON.stringify({ username: 'alice', password: right }));
    await send(wrongly);
    await send(wrongly, { 'sec-fetch-mode': 'navigate', accept: 'text/html' });
    await send(wrongly, { 'sec-fetch-site': 'cross-site' });
    await send(wrongly, { 'content-type': 'text/plain' });
    await send(wrongly.slice(0, -1));
    await send(wrongly.replace('"username"', '"password"'));
    await send(`[${wrongly}]`);
    await send(`${wrongly}${' '.repeat(20_000)}`);
    for (const fault of [
      {
        kind: 'status',
        status: 400,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ error: wrong, error_description: wrong }),
      },
      { kind: 'status', status: 500, body: wrong },
      { kind: 'garbage', body: `<p>${wrong}</p>` },
      { kind: 'reset' },
      { kind: 'reset', when: 'after' },
      { kind: 'hang' },
      { kind: 'rewrite', change: () => ({ access_token: wrong, token_type: wrong }) },
    ] as const) {
      house.provider.control.recover();
      house.provider.control.fail('token', fault);
      await send(JSON.stringify({ username: 'canary-user@example.com', password: wrong }));
      await send(JSON.stringify({ username: 'alice', password: right }));
    }
    await house.close();
    await json.close();
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    await rm(folder, { recursive: true });
    expect([shown.length, lines.length > 15]).toEqual([23, true]);
    expect([...shown, ...lines].flatMap((text) => canaries.in(text).map((name) => `${name} in ${text}`))).toEqual([]);
  });
});
