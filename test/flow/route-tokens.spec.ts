import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FORBIDDEN_AUDIENCE, TOKEN_EXCHANGE } from '../../demo/provider/token-exchange.ts';
import { fingerprintOf, told } from '../support/answers.ts';
import { many, only } from '../support/many.ts';
import { openHouse, type House } from '../support/house.ts';
import { rawExchange } from '../support/raw-http.ts';
import { UpstreamStub } from '../support/upstream-stub.ts';
import { WebSocketClient } from '../support/web-socket-client.ts';

const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE];
const STAFF = { allow: [{ claim: 'sub', anyOf: ['alice'] }] };

describe('the token of a route', () => {
  let house: House;

  beforeEach(async () => {
    const routes = (upstream: string) => [
      { path: '/api', upstream, stripPrefix: true },
      { path: '/machine', upstream, stripPrefix: true, token: 'client', resource: 'urn:machine', scope: ['m.read'] },
      { path: '/machine/other', upstream, stripPrefix: true, token: 'client', audience: 'other' },
      { path: '/machine/staff', upstream, stripPrefix: true, token: 'client', resource: 'urn:machine', scope: ['m.read'], access: STAFF },
      { path: '/orders', upstream, stripPrefix: true, token: 'exchange', audience: 'orders', scope: ['orders.read'] },
      { path: '/billing', upstream, stripPrefix: true, token: 'exchange', audience: 'billing' },
      { path: '/forbidden', upstream, stripPrefix: true, token: 'exchange', audience: FORBIDDEN_AUDIENCE },
      { path: '/granted', upstream, stripPrefix: true, scope: ['openid', 'profile'] },
      { path: '/ungranted', upstream, stripPrefix: true, scope: ['openid', 'admin', 'root'] },
    ];
    house = await openHouse({ routes, provider: { grantTypes } });
  });
  afterEach(() => house.close());

  async function signedIn(user = 'alice') {
    const agent = house.newAgent();
    await agent.login(user);
    house.provider.stats.reset();
    return { agent, cookie: house.cookiesOf(agent) };
  }
  const get = (path: string, cookie?: string): Promise<Response> => house.call(path, cookie === undefined ? {} : { cookie });
  const issued = (grantType: string) => house.provider.stats.issued.filter((it) => it.grantType === grantType);
  const asked = (grantType: string): number => house.provider.stats.tokenRequests.filter((it) => it.grantType === grantType).length;

  describe('of our own', () => {
    it('is one grant for 100 parallel requests, without any session, for the resource and scope of the route', async () => {
      const answers = await many(100, (n) => get(`/machine/${String(n)}`));
      expect(only(answers.map(({ status }) => status))).toBe(200);
      const used = only(await Promise.all(answers.map(fingerprintOf)));
      expect(issued('client_credentials')).toEqual([
        { fingerprint: used, grantType: 'client_credentials', resource: 'urn:machine', scope: 'm.read' },
      ]);
      expect(answers.flatMap((answer) => answer.headers.getSetCookie())).toEqual([]);
    });

    it('is another one for another audience', async () => {
      const [machine, other] = [await fingerprintOf(await get('/machine/x')), await fingerprintOf(await get('/machine/other/x'))];
      expect(other).not.toBe(machine);
      expect(issued('client_credentials').map(({ audience }) => audience)).toEqual([undefined, 'other']);
    });

    it('is the same for everybody, and never the user token of who is signed in', async () => {
      const { cookie } = await signedIn();
      const own = await fingerprintOf(await get('/api/x', cookie));
      const machine = await fingerprintOf(await get('/machine/x', cookie));
      expect(machine).not.toBe(own);
      expect(await fingerprintOf(await get('/machine/x'))).toBe(machine);
      expect(house.api.requests.map((request) => request.cookie)).toEqual([false, false, false]);
    });

    it('needs a session only where the route has access rules: no session 401, another account 403', async () => {
      const [alice, erin] = [await signedIn('alice'), await signedIn('erin')];
      expect(told(await get('/machine/staff/x'))).toMatchObject({ status: 401, code: 'not_logged_in' });
      expect(told(await get('/machine/staff/x', erin.cookie))).toMatchObject({ status: 403, code: 'forbidden' });
      expect(asked('client_credentials')).toBe(0);
      const staff = await get('/machine/staff/x', alice.cookie);
      expect(await fingerprintOf(staff)).toBe(await fingerprintOf(await get('/machine/x')));
      expect(asked('client_credentials')).toBe(1);
      await alice.agent.fetch('/bff/logout', { method: 'POST' });
      expect(told(await get('/machine/staff/x', alice.cookie))).toMatchObject({ status: 401, code: 'session_revoked' });
    });

    it('is renewed before its end while nobody waits, and used on while the provider is down', async () => {
      const first = await fingerprintOf(await get('/machine/x'));
      house.clock.skip(260_000);
      const gate = house.provider.control.hold('token');
      expect(only(await Promise.all((await many(20, () => get('/machine/x'))).map(fingerprintOf)))).toBe(first);
      await gate.waitFor(1);
      expect(gate.arrived).toBe(1);
      house.provider.control.recover();
      gate.open();
      const renewed = async (): Promise<string> => {
        for (;;) {
          const now = await fingerprintOf(await get('/machine/x'));
          if (now !== first) return now;
        }
      };
      const second = await renewed();
      await house.provider.control.down();
      house.clock.skip(280_000);
      expect(await fingerprintOf(await get('/machine/x'))).toBe(second);
      house.clock.skip(30_000);
      const refused = await many(10, () => get('/machine/x'));
      expect(only(refused.map((answer) => JSON.stringify(told(answer))))).toMatch(/503.*provider_unavailable.*"retryAfter":"\d+"/);
      await house.provider.control.up();
      house.clock.skip(60_000);
      expect((await get('/machine/x')).status).toBe(200);
    });

    it('refused to us is 503, said once in the log', async () => {
      house.provider.control.fail('token', { kind: 'oauth-error', error: 'invalid_client', status: 401 });
      const before = house.log.of('client_credentials_misconfigured').length;
      for (let n = 0; n < 3; n++) {
        expect(told(await get('/machine/x'))).toMatchObject({ status: 503, code: 'provider_unavailable', retryAfter: '5' });
        house.clock.skip(6_000);
      }
      expect(house.log.of('client_credentials_misconfigured').slice(before)).toMatchObject([
        { level: 'error', fields: { error: 'invalid_client', status: 401 } },
      ]);
    });

    it('goes with the handshake of a WebSocket', async () => {
      const machine = await fingerprintOf(await get('/machine/x'));
      const headers = { origin: house.origin };
      const client = await WebSocketClient.open({ port: house.port, path: '/machine/socket', headers });
      if (!(client instanceof WebSocketClient)) throw new Error(`refused with ${String(client.status)}`);
      expect(JSON.parse(await client.message())).toMatchObject({ bearer: { fingerprint: machine } });
      client.socket.close();
      await client.closed;
    });
  });

  describe('that was exchanged', () => {
    it('needs a session', async () => {
      expect(told(await get('/orders/x'))).toMatchObject({ status: 401, code: 'not_logged_in' });
    });

    it('is one grant for 100 parallel requests, from the user token, for the audience and scope of the route', async () => {
      const { cookie } = await signedIn();
      const own = await fingerprintOf(await get('/api/x', cookie));
      const answers = await many(100, (n) => get(`/orders/${String(n)}`, cookie));
      expect(only(answers.map(({ status }) => status))).toBe(200);
      const used = only(await Promise.all(answers.map(fingerprintOf)));
      expect(issued(TOKEN_EXCHANGE)).toEqual([
        { fingerprint: used, grantType: TOKEN_EXCHANGE, audience: 'orders', scope: 'orders.read', subject: own },
      ]);
    });

    it('is one for each session and audience: two users, and two browsers of one, never share any', async () => {
      const browsers = [await signedIn('alice'), await signedIn('alice'), await signedIn('erin')];
      const seen: string[] = [];
      for (const { cookie } of browsers) {
        const own = await fingerprintOf(await get('/api/x', cookie));
        const tokens = await Promise.all(
          ['/orders/x', '/billing/x', '/orders/y', '/billing/y'].map(async (path) => fingerprintOf(await get(path, cookie))),
        );
        expect(new Set(tokens).size).toBe(2);
        for (const token of tokens) {
          expect(issued(TOKEN_EXCHANGE).find(({ fingerprint }) => fingerprint === token)?.subject).toBe(own);
        }
        seen.push(...new Set(tokens));
      }
      expect(new Set(seen).size).toBe(6);
      expect(asked(TOKEN_EXCHANGE)).toBe(6);
    });

    it('is renewed with the user token: both over is one refresh and one exchange', async () => {
      const { cookie } = await signedIn();
      const first = await fingerprintOf(await get('/orders/x', cookie));
      house.expireAccessToken();
      const answers = await many(20, () => get('/orders/x', cookie));
      const second = only(await Promise.all(answers.map(fingerprintOf)));
      expect(second).not.toBe(first);
      expect([house.provider.stats.refreshes, asked(TOKEN_EXCHANGE)]).toEqual([1, 2]);
      expect(only(answers.map((answer) => told(answer).set.length))).toBe(1);
    });

    it('that the provider refuses is 403 with words, logged, and the session goes on', async () => {
      const { cookie } = await signedIn();
      const answer = await get('/forbidden/x', cookie);
      expect(await answer.json()).toMatchObject({
        status: 403,
        code: 'forbidden',
        detail: 'The identity provider gives this account no token for this route.',
      });
      expect(answer.headers.getSetCookie()).toEqual([]);
      expect(house.log.of('token_exchange_refused').at(-1)).toMatchObject({
        level: 'warn',
        fields: { sub: 'alice', error: 'invalid_target', status: 400 },
      });
      expect((await get('/orders/x', cookie)).status).toBe(200);
      expect((await get('/api/x', cookie)).status).toBe(200);
    });

    it('is 503 while the provider is down, at hand is enough, and the session goes on', async () => {
      const { cookie } = await signedIn();
      const orders = await fingerprintOf(await get('/orders/x', cookie));
      await house.provider.control.down();
      expect(told(await get('/billing/x', cookie))).toMatchObject({ status: 503, code: 'provider_unavailable', set: [], cleared: [] });
      expect(await fingerprintOf(await get('/orders/x', cookie))).toBe(orders);
      await house.provider.control.up();
      house.clock.skip(1_000);
      expect((await get('/billing/x', cookie)).status).toBe(200);
    });

    it('dies with its session: not used after a logout, and not by the next login either', async () => {
      const { agent, cookie } = await signedIn();
      const before = await fingerprintOf(await get('/orders/x', cookie));
      await agent.fetch('/bff/logout', { method: 'POST' });
      house.api.reset();
      expect(told(await get('/orders/x', cookie))).toMatchObject({ status: 401, code: 'session_revoked' });
      expect(house.api.requests).toEqual([]);
      await agent.navigate('/bff/login');
      expect(await fingerprintOf(await agent.fetch('/orders/x'))).not.toBe(before);
    });

    it('comes too late for a logout meanwhile: 401, and nothing goes upstream', async () => {
      const { agent, cookie } = await signedIn();
      const gate = house.provider.control.hold('token');
      const waiting = get('/orders/x', cookie);
      await gate.waitFor(1);
      await agent.fetch('/bff/logout', { method: 'POST' });
      house.api.reset();
      gate.open();
      expect(told(await waiting)).toMatchObject({ status: 401, code: 'session_revoked' });
      expect(house.api.requests).toEqual([]);
    });

    it('goes with the handshake of a WebSocket, and a refusal is an answer to it', async () => {
      const { cookie } = await signedIn();
      const orders = await fingerprintOf(await get('/orders/x', cookie));
      const headers = { origin: house.origin, cookie };
      const client = await WebSocketClient.open({ port: house.port, path: '/orders/socket', headers });
      if (!(client instanceof WebSocketClient)) throw new Error(`refused with ${String(client.status)}`);
      expect(JSON.parse(await client.message())).toMatchObject({ bearer: { fingerprint: orders } });
      client.socket.close();
      await client.closed;
      expect(await WebSocketClient.open({ port: house.port, path: '/forbidden/socket', headers })).toMatchObject({ status: 403 });
    });
  });

  describe('of the user, with a scope', () => {
    it('is the session’s own when that was granted', async () => {
      const { cookie } = await signedIn();
      expect(await fingerprintOf(await get('/granted/x', cookie))).toBe(await fingerprintOf(await get('/api/x', cookie)));
    });

    it('is 403 with the missing words when it was not, and nothing goes upstream', async () => {
      const { cookie } = await signedIn();
      const answer = await get('/ungranted/x', cookie);
      expect(await answer.json()).toMatchObject({
        status: 403,
        code: 'forbidden',
        detail: 'The session was not granted the scope that this route needs: admin root.',
      });
      expect(house.api.requests).toEqual([]);
    });
  });
});

describe('a token that the upstream refuses', () => {
  let house: House;
  let upstream: UpstreamStub;
  const refused = new Set<string | undefined>();

  beforeAll(async () => {
    upstream = await UpstreamStub.start((request, response) => {
      const { authorization } = request.headers;
      if (refused.has(authorization)) response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
      else response.end(authorization);
    });
    const routes = () => [
      { path: '/machine', upstream: upstream.origin, token: 'client', audience: 'm', retryOn401: true },
      { path: '/staff', upstream: upstream.origin, token: 'client', audience: 's', retryOn401: true, access: STAFF },
      { path: '/orders', upstream: upstream.origin, token: 'exchange', audience: 'o', retryOn401: true },
      { path: '/plain', upstream: upstream.origin, token: 'client', audience: 'm' },
    ];
    house = await openHouse({ routes, provider: { grantTypes } });
  });
  afterAll(async () => {
    await house.close();
    await upstream.close();
  });

  it.each(['/machine/x', '/staff/x', '/orders/x'])('on %s is replaced once, and the page never notices', async (path) => {
    const agent = house.newAgent();
    await agent.login('alice');
    const cookie = house.cookiesOf(agent);
    const first = await (await house.call(path, { cookie })).text();
    refused.add(first);
    house.clock.skip(3_000); // beyond refresh.cooldown
    house.provider.stats.reset();
    const answers = await many(20, async () => (await house.call(path, { cookie })).text());
    expect(only(answers)).not.toBe(first);
    expect(house.provider.stats.tokenRequests).toHaveLength(1);
    // One that is new is not replaced: the upstream's opinion is passed on, with one try.
    refused.add(only(answers));
    const hits = upstream.requests.length;
    const answer = await house.call(path, { cookie });
    expect([answer.status, answer.headers.get('cloakroom-error'), upstream.requests.length - hits]).toEqual([401, null, 1]);
    expect(house.provider.stats.tokenRequests).toHaveLength(1);
  });

  it('is passed on where the route does not retry', async () => {
    house.clock.skip(3_000);
    refused.add(upstream.requests.at(-1)?.headers.authorization);
    const token = await (await house.call('/plain/x')).text();
    refused.add(token);
    expect((await house.call('/plain/x')).status).toBe(401);
  });
});

describe('a bearer', () => {
  let house: House;
  let elsewhere: UpstreamStub;

  beforeAll(async () => {
    elsewhere = await UpstreamStub.start((_request, response) => void response.end('elsewhere'));
    const routes = (upstream: string) => [
      { path: '/machine', upstream, stripPrefix: true, token: 'client', redirects: 'any' },
      { path: '/orders', upstream, stripPrefix: true, token: 'exchange', redirects: 'any' },
    ];
    house = await openHouse({ routes, provider: { grantTypes } });
  });
  afterAll(async () => {
    await house.close();
    await elsewhere.close();
  });

  it.each(['/machine', '/orders'])(
    'on %s goes to its upstream only: no redirect, Host or request target leads it elsewhere',
    async (path) => {
      const agent = house.newAgent();
      await agent.login('alice');
      const cookie = house.cookiesOf(agent);
      const { host } = new URL(elsewhere.origin);
      const redirected = await house.call(`${path}/redirect?status=307&to=${encodeURIComponent(elsewhere.origin)}/steal`, { cookie });
      expect(redirected.status).toBe(307);
      const headers = {
        'x-forwarded-host': host,
        forwarded: `host=${host}`,
        'x-original-url': `${elsewhere.origin}/`,
        'x-real-ip': '6.6.6.6',
      };
      expect((await house.call(`${path}/x`, { cookie, headers })).status).toBe(200);
      expect((await house.call(`${path}/x`, { cookie, headers: { host } })).status).toBe(421);
      for (const target of [`${elsewhere.origin}${path}/x`, `//${host}${path}/x`, `${path}/@${host}/x`, `${path}/..//${host}/`]) {
        const head = `Host: localhost:${String(house.port)}\r\nSec-Fetch-Site: same-origin\r\nCookie: ${cookie}`;
        const { status } = await rawExchange(house.port, `GET ${target} HTTP/1.1\r\n${head}\r\n\r\n`);
        expect([200, 400, 404, 421]).toContain(status);
      }
      expect(elsewhere.requests).toEqual([]);
    },
  );
});
