import { afterEach, describe, expect, it } from '@jest/globals';
import { createApp } from '../../src/app.ts';
import type { Config } from '../../src/config/config.ts';
import { fingerprintOf, told } from '../support/answers.ts';
import { exchange } from '../support/exchange.ts';
import { freePort } from '../support/free-port.ts';
import { many, only } from '../support/many.ts';
import { openHouse, type House, type HouseOptions } from '../support/house.ts';
import { RedisServers } from '../support/redis-server.ts';
import { WebSocketClient } from '../support/web-socket-client.ts';

describe('tokens of one user for several audiences', () => {
  let house: House;
  const ORDERS = 'urn:orders';
  const BILLING = 'urn:billing';

  async function open(options: HouseOptions = {}): Promise<{ agent: ReturnType<House['newAgent']>; cookie: string }> {
    const routes = (upstream: string) => [
      { path: '/api', upstream, stripPrefix: true },
      { path: '/orders', upstream, stripPrefix: true, resource: ORDERS },
      { path: '/billing', upstream, stripPrefix: true, resource: BILLING, scope: ['openid', 'profile'] },
      { path: '/retry', upstream, stripPrefix: true, resource: ORDERS, retryOn401: true },
    ];
    house = await openHouse({ routes, provider: { accessTokenFormat: 'jwt' }, ...options });
    const agent = house.newAgent();
    await agent.login('alice');
    house.provider.stats.reset();
    return { agent, cookie: house.cookiesOf(agent) };
  }
  const opened: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await house.close();
    for (const close of opened.splice(0)) await close();
  });

  const refreshes = () => house.provider.stats.tokenRequests.filter(({ grantType }) => grantType === 'refresh_token');
  const resources = () => house.provider.stats.issued.map(({ resource }) => resource);
  const live = (): number => house.provider.control.liveRefreshTokens('alice');

  it('come from one session with one-time refresh tokens: one refresh each for 60 parallel requests, none spent twice', async () => {
    const { agent, cookie } = await open();
    const paths = ['/api', '/orders', '/billing'] as const;
    const answers = await many(60, async (n) => {
      const path = paths[n % 3] ?? '/api';
      return { path, answer: await house.call(`${path}/${String(n)}`, { cookie }) };
    });
    expect(only(answers.map(({ answer }) => answer.status))).toBe(200);
    const of = async (path: string) =>
      only(await Promise.all(answers.filter((it) => it.path === path).map(({ answer }) => fingerprintOf(answer))));
    const [own, orders, billing] = [await of('/api'), await of('/orders'), await of('/billing')];
    expect(new Set([own, orders, billing]).size).toBe(3);
    expect(refreshes().map(({ status }) => status)).toEqual([200, 200]);
    expect(resources().sort()).toEqual([BILLING, ORDERS]);
    const issuedFor = (resource: string) => house.provider.stats.issued.find((it) => it.resource === resource);
    expect([issuedFor(ORDERS)?.fingerprint, issuedFor(BILLING)?.fingerprint]).toEqual([orders, billing]);
    expect(issuedFor(BILLING)?.scope).toBe('openid profile');
    expect(live()).toBe(1);
    // The browser follows: its next cookie holds the newest refresh token, and the session's own access token is as it was.
    await agent.fetch('/orders/again');
    expect(await fingerprintOf(await agent.fetch('/api/after'))).toBe(own);
    expect(refreshes()).toHaveLength(2);
  });

  it('are asked for at the login, so that the grant covers them', async () => {
    const { agent } = await open();
    await agent.navigate('/bff/login');
    // Of several parameters of one name the record has the last.
    expect(house.provider.stats.authorizations.map(({ resource }) => resource)).toEqual([BILLING]);
  });

  it('go on with the session: all over at once is one refresh each, and the old cookie is healed', async () => {
    const { agent, cookie } = await open();
    for (const path of ['/orders/x', '/billing/x', '/api/x']) expect((await house.call(path, { cookie })).status).toBe(200);
    for (let round = 1; round <= 3; round++) {
      house.expireAccessToken();
      const answers = await many(30, (n) => agent.fetch(['/orders/x', '/billing/x', '/api/x'][n % 3] ?? ''));
      expect(only(answers.map(({ status }) => status))).toBe(200);
      expect(refreshes()).toHaveLength(2 + 3 * round);
      expect(live()).toBe(1);
    }
    expect(only(refreshes().map(({ status }) => status))).toBe(200);
  });

  it('end with the session: a logout leaves no refresh token behind', async () => {
    const { agent, cookie } = await open();
    await house.call('/orders/x', { cookie });
    await agent.fetch('/bff/logout', { method: 'POST' });
    house.api.reset();
    expect(told(await house.call('/orders/x', { cookie }))).toMatchObject({ status: 401, code: 'session_revoked' });
    expect([live(), house.api.requests]).toEqual([0, []]);
  });

  it('are 503 while the provider is down, and the session goes on with what it has', async () => {
    const { cookie } = await open();
    const orders = await fingerprintOf(await house.call('/orders/x', { cookie }));
    await house.provider.control.down();
    expect(told(await house.call('/billing/x', { cookie }))).toMatchObject({ status: 503, code: 'provider_unavailable', cleared: [] });
    expect(await fingerprintOf(await house.call('/orders/x', { cookie }))).toBe(orders);
    expect((await house.call('/api/x', { cookie })).status).toBe(200);
    await house.provider.control.up();
    house.clock.skip(15_000);
    expect((await house.call('/billing/x', { cookie })).status).toBe(200);
  });

  it('refused by the provider are 403 with words, and the session goes on', async () => {
    const { cookie } = await open();
    house.provider.control.fail('token', { kind: 'oauth-error', error: 'invalid_target' }, 1);
    const answer = await house.call('/orders/x', { cookie });
    expect(await answer.json()).toMatchObject({ status: 403, code: 'forbidden', detail: expect.stringMatching('no token for this route') });
    expect((await house.call('/billing/x', { cookie })).status).toBe(200);
    expect((await house.call('/api/x', { cookie })).status).toBe(200);
    expect(refreshes().map(({ status }) => status)).toEqual([400, 200]);
  });

  it('need a refresh token: without one 403, and the session goes on', async () => {
    await open();
    const dave = house.newAgent();
    await dave.login('dave');
    const answer = await dave.fetch('/orders/x');
    expect(await answer.json()).toMatchObject({ code: 'forbidden', detail: expect.stringMatching('no refresh token') });
    expect((await dave.fetch('/api/x')).status).toBe(200);
  });

  it('are renewed once when the upstream refuses them, and go with the handshake of a WebSocket', async () => {
    const { agent } = await open();
    const first = await fingerprintOf(await agent.fetch('/retry/x'));
    house.clock.skip(3_000);
    expect((await agent.fetch('/retry/status/401')).status).toBe(401);
    expect(house.api.requests.slice(-2).map(({ bearer }) => bearer !== false && bearer.fingerprint === first)).toEqual([true, false]);
    const second = await fingerprintOf(await agent.fetch('/orders/x'));
    const headers = { origin: house.origin, cookie: house.cookiesOf(agent) };
    const client = await WebSocketClient.open({ port: house.port, path: '/orders/socket', headers });
    if (!(client instanceof WebSocketClient)) throw new Error(`refused with ${String(client.status)}`);
    expect(JSON.parse(await client.message())).toMatchObject({ bearer: { fingerprint: second } });
    client.socket.close();
    await client.closed;
    expect(refreshes().map(({ status }) => status)).toEqual([200, 200]);
  });

  it('cannot be told from others at a provider that knows no resources', async () => {
    const { cookie } = await open({ provider: {} });
    expect((await house.call('/orders/x', { cookie })).status).toBe(200);
    expect(resources()).toEqual([ORDERS]);
  });

  it('never spend a refresh token twice in two processes with a Redis: three audiences of an expired session, 60 calls to each', async () => {
    const servers = new RedisServers();
    opened.push(() => servers.close());
    const redis = await servers.startSettled();
    const { cookie } = await open({ config: { redis: { url: redis.url } } });
    const port = await freePort();
    const listen = Object.create(house.config.listen, { port: { value: port } }) as Config['listen'];
    const config = Object.create(house.config, { listen: { value: listen } }) as Config;
    const other = await createApp(config, { clock: house.clock, logger: house.log });
    opened.unshift(() => other.stop());
    await other.listen();
    house.expireAccessToken();

    const host = new URL(house.origin).host;
    const there = (path: string): Promise<Response> =>
      exchange({
        ...{ method: 'GET', url: new URL(path, `http://127.0.0.1:${String(port)}`), body: undefined, signal: undefined },
        headers: { host, cookie, 'sec-fetch-site': 'same-origin' },
      });
    const answers = await many(120, (n) => {
      const path = ['/orders/x', '/billing/x', '/api/x'][n % 3] ?? '';
      return n % 2 === 0 ? house.call(path, { cookie }) : there(path);
    });

    expect(only(answers.map(({ status }) => status))).toBe(200);
    // Each process needs its own token for each audience; the session's own is renewed once for both.
    expect(refreshes().map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(resources().sort()).toEqual([BILLING, BILLING, ORDERS, ORDERS, undefined]);
    expect(live()).toBe(1);
  });
});
