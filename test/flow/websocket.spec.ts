import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { WebSocketClient, type OpenOptions, type Refusal } from '../support/web-socket-client.ts';

const SESSION = '__Host-Http-cloakroom';

describe('a WebSocket through the house', () => {
  let house: House;
  let agent: UserAgent;
  let cookie: string;

  beforeAll(async () => {
    const routes = (upstream: string) => [
      { path: '/api', upstream, stripPrefix: true, cookies: ['theme'] },
      { path: '/api/staff', upstream, stripPrefix: true, access: { allow: [{ claim: 'sub', anyOf: ['erin'] }] } },
      { path: '/maybe', upstream, stripPrefix: true, token: 'optional' },
      { path: '/public', upstream, stripPrefix: true, token: 'none' },
      { path: '/open', upstream, stripPrefix: true, token: 'none', csrf: 'off' },
      { path: '/posted', upstream, stripPrefix: true, methods: ['POST'] },
    ];
    house = await openHouse({ routes });
  });

  beforeEach(async () => {
    agent = house.newAgent();
    await agent.login('alice');
    cookie = house.cookiesOf(agent);
    house.api.reset();
  });
  afterAll(() => house.close());

  const headers = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({ origin: house.origin, cookie, ...more });
  const dial = (path: string, more: Partial<OpenOptions> = {}): Promise<WebSocketClient | Refusal> =>
    WebSocketClient.open({ port: house.port, path, headers: headers(), ...more });
  const open = async (path = '/api/socket', more: Partial<OpenOptions> = {}): Promise<WebSocketClient> => {
    const result = await dial(path, more);
    if (!(result instanceof WebSocketClient)) throw new Error(`refused with ${String(result.status)}: ${result.body}`);
    return result;
  };
  const refusal = async (path: string, more: Partial<OpenOptions> = {}): Promise<readonly [number, unknown]> => {
    const result = await dial(path, more);
    if (result instanceof WebSocketClient) throw new Error('it was opened');
    return [result.status, result.headers['cloakroom-error']];
  };

  describe('that opens', () => {
    it('reaches the API with the bearer, and without cookie, credentials or forwarding headers of the client', async () => {
      const theirs = {
        authorization: 'Bearer stolen',
        'proxy-authorization': 'Basic x',
        'x-forwarded-for': '6.6.6.6',
        'x-forwarded-user': 'admin',
        x_forwarded_user: 'admin',
        'x-original-url': '/admin',
        'x-csrf': '1',
      };
      const client = await open('/api/socket?a=%2F', { headers: headers(theirs) });
      const received = JSON.parse(await client.message()) as Record<string, unknown>;
      expect(received).toMatchObject({ method: 'GET', url: '/socket?a=%2F', cookie: false, bearer: { expiresIn: null } });
      const names = received['headerNames'] as string[];
      expect(
        names.filter((name) => ['proxy-authorization', 'x-forwarded-user', 'x_forwarded_user', 'x-original-url', 'x-csrf'].includes(name)),
      ).toEqual([]);
      expect(names.filter((name) => ['authorization', 'x-forwarded-for', 'x-request-id', 'origin'].includes(name)).sort()).toEqual([
        'authorization',
        'origin',
        'x-forwarded-for',
        'x-request-id',
      ]);
      expect(await client.ask('hello')).toBe('hello');
      expect(await client.close(4000)).toEqual({ code: 4000, reason: '' });
    });

    it('carries only the cookies that the route names', async () => {
      const client = await open('/api/socket', { headers: headers({ cookie: `theme=dark; other=1; ${cookie}` }) });
      expect(JSON.parse(await client.message())).toMatchObject({ cookie: true });
      await client.close();
      const without = await open('/api/socket', { headers: headers({ cookie: `other=1; ${cookie}` }) });
      expect(JSON.parse(await without.message())).toMatchObject({ cookie: false });
      await without.close();
    });

    it('agrees on the subprotocol of the API', async () => {
      const client = await open('/api/socket', { protocols: ['chat.v2', 'chat.v1'] });
      expect(client.socket.protocol).toBe('chat.v2');
      await client.close();
    });

    it('is renewed before, once for all that open together, and the cookie comes with the 101', async () => {
      house.expireAccessToken();
      const grants = house.provider.stats.tokenRequests.length;
      const clients = await Promise.all(Array.from({ length: 20 }, () => open()));
      expect(house.provider.stats.tokenRequests.length - grants).toBe(1);
      const cookies = clients.map(({ head }) => head.headers['set-cookie'] ?? []);
      expect(new Set(cookies.map((lines) => lines.length))).toEqual(new Set([1]));
      expect(new Set(cookies.flat().map((line) => line.split(';')[0])).size).toBe(1);
      const renewed = cookies[0]?.[0]?.split(';')[0] ?? '';
      expect(renewed.startsWith(`${SESSION}=`)).toBe(true);
      await Promise.all(clients.map((client) => client.close()));
      expect((await house.call('/api/x', { cookie: renewed })).status).toBe(200);
    });

    it('carries no re-seal for activity, which would be old when the connection ends', async () => {
      house.clock.skip(4 * 60_000);
      const client = await open();
      expect(client.head.headers['set-cookie']).toBeUndefined();
      await client.close();
      expect((await house.call('/api/x', { cookie })).headers.getSetCookie()).toHaveLength(1);
    });

    it.each([
      ['/public/socket', {}],
      ['/maybe/socket', {}],
      ['/maybe/socket', { cookie: '' }],
      ['/open/socket', { origin: '' }],
    ])('%s needs no session where the route does not (%j)', async (path, more) => {
      const given = Object.entries(headers(more)).filter(([, value]) => value !== '');
      const client = await open(path, { headers: Object.fromEntries(given) });
      const received = JSON.parse(await client.message()) as { bearer: unknown; cookie: unknown };
      expect([received.bearer === false, received.cookie]).toEqual([!(path === '/maybe/socket' && !('cookie' in more)), false]);
      await client.close();
    });

    it('and closes in order is no trouble worth a log line', async () => {
      const client = await open();
      await client.close();
      await house.call('/api/x', { cookie });
      expect(house.log.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
    });
  });

  describe('that is refused', () => {
    afterEach(() => expect(house.api.requests).toEqual([]));

    it.each([
      ['none', undefined],
      ['null', 'null'],
      ['another site', 'https://evil.example'],
      ['a name that begins alike', 'SAME.evil.example'],
      ['another scheme', 'SCHEME'],
      ['another port', 'http://localhost:1'],
      ['two values', 'SAME, SAME'],
      ['a path', 'SAME/'],
      ['upper case', 'UPPER'],
    ])('A81 CSWSH: for its Origin, which is %s', async (_, given) => {
      const origin = given
        ?.replaceAll('SAME', house.origin)
        .replace('SCHEME', house.origin.replace('http', 'https'))
        .replace('UPPER', house.origin.toUpperCase());
      const answer = await refusal('/api/socket', { headers: { cookie, ...(origin === undefined ? {} : { origin }) } });
      expect(answer).toEqual([403, 'origin_refused']);
    });

    it.each([
      ['without a session', '/api/socket', { cookie: '' }, 401, 'not_logged_in'],
      ['with a cookie that cannot be read', '/api/socket', { cookie: `${SESSION}=nonsense` }, 401, 'not_logged_in'],
      ['for the access rule of the route', '/api/staff/socket', {}, 403, 'forbidden'],
      ['for its method', '/posted/socket', {}, 405, 'method_not_allowed'],
      ['A46: for a path that leads out of a public route', '/public/..%2fapi/socket', { cookie: '' }, 400, 'path_refused'],
      ['A46: for dots in a public route', '/public/..;/api/socket', { cookie: '' }, 400, 'path_refused'],
      ['where nothing is', '/nowhere/socket', {}, 404, 'route_not_found'],
      ['at an endpoint of ours', '/bff/events', {}, 404, 'route_not_found'],
      ['for another host', '/api/socket', { host: 'evil.example' }, 421, 'wrong_host'],
    ])('%s', async (_, path, more, status, code) => {
      expect(await refusal(path, { headers: headers(more) })).toEqual([status, code]);
    });

    it('with the way to the login, as JSON, and its connection closed', async () => {
      const answer = await dial('/api/socket', { headers: { origin: house.origin, accept: 'text/html' } });
      if (answer instanceof WebSocketClient) throw new Error('it was opened');
      expect(answer.headers).toMatchObject({
        connection: 'close',
        'content-type': 'application/problem+json',
        'cache-control': 'no-store',
      });
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'not_logged_in', status: 401, loginUrl: '/bff/login' });
    });
  });

  describe('whose API', () => {
    it('refuses it: the answer is the API’s own', async () => {
      const answer = await dial('/api/socket?refuse=403');
      if (answer instanceof WebSocketClient) throw new Error('it was opened');
      expect([answer.status, answer.headers['cloakroom-error'], answer.headers.connection]).toEqual([403, undefined, 'close']);
    });

    it('is not there: 502, and a cookie that was renewed goes out all the same', async () => {
      house.expireAccessToken();
      await house.api.down();
      const answer = await dial('/api/socket');
      await house.api.up();
      if (answer instanceof WebSocketClient) throw new Error('it was opened');
      expect([answer.status, answer.headers['cloakroom-error'], answer.headers['set-cookie']?.length]).toEqual([
        502,
        'upstream_unreachable',
        1,
      ]);
    });

    it('dies: close code 1011', async () => {
      const client = await open();
      await client.message();
      await house.api.down();
      const closed = await client.closed;
      await house.api.up();
      expect([1011, 1001, 1012]).toContain(closed.code);
    });
  });

  describe('of a session that ends', () => {
    it('is closed with 4401 at logout, while other sessions go on', async () => {
      const other = house.newAgent();
      await other.login('bob');
      const kept = await open('/api/socket', { headers: headers({ cookie: house.cookiesOf(other) }) });
      const ended = await Promise.all([open(), open('/api/socket?second')]);
      const answer = await agent.fetch('/bff/logout', { method: 'POST', headers: { 'x-csrf': '1' } });
      expect(answer.status).toBe(200);
      for (const client of ended) expect(await client.closed).toEqual({ code: 4401, reason: 'session_revoked' });
      await kept.message();
      expect(await kept.ask('still here')).toBe('still here');
      await kept.close();
    });

    it('is closed with 4401 when another login takes its place', async () => {
      const client = await open();
      await agent.navigate('/bff/login'); // the provider knows her still
      expect(await client.closed).toEqual({ code: 4401, reason: 'session_revoked' });
    });

    it('is closed with 4401 when the provider refuses its refresh token', async () => {
      const client = await open();
      house.provider.control.revokeGrants('alice');
      house.expireAccessToken();
      expect((await house.call('/api/x', { cookie })).status).toBe(401);
      expect(await client.closed).toEqual({ code: 4401, reason: 'session_revoked' });
    });

    it('is not closed at the idle limit, which it cannot know', async () => {
      const client = await open();
      await client.message();
      house.clock.skip(house.config.session.idle + 1000);
      expect((await house.call('/api/x', { cookie })).status).toBe(401);
      expect(await client.ask('still here')).toBe('still here');
      await client.close();
    });
  });
});

describe('WebSockets have limits', () => {
  let house: House;

  beforeAll(async () => {
    house = await openHouse({ config: { websocket: { perSession: 2, total: 3, maxAge: '1m' }, session: { idle: '1h', absolute: '1h' } } });
  });
  afterAll(() => house.close());

  const dial = (cookie: string): Promise<WebSocketClient | Refusal> =>
    WebSocketClient.open({ port: house.port, path: '/api/socket', headers: { origin: house.origin, cookie } });
  const opened = async (cookie: string): Promise<WebSocketClient> => {
    const result = await dial(cookie);
    if (!(result instanceof WebSocketClient)) throw new Error(`refused with ${String(result.status)}`);
    return result;
  };
  const refused = async (cookie: string): Promise<unknown[]> => {
    const result = await dial(cookie);
    if (result instanceof WebSocketClient) throw new Error('it was opened');
    return [result.status, result.headers['cloakroom-error'], result.headers['retry-after']];
  };

  it('for each session and for all, and a place is free again when one has gone', async () => {
    const [alice, bob] = [house.newAgent(), house.newAgent()];
    await Promise.all([alice.login('alice'), bob.login('bob')]);
    const [hers, his] = [house.cookiesOf(alice), house.cookiesOf(bob)];
    const first = await opened(hers);
    const second = await opened(hers);
    expect(await refused(hers)).toEqual([503, 'overloaded', '1']);
    const third = await opened(his);
    expect(await refused(his)).toEqual([503, 'overloaded', '1']);
    await second.close();
    const fourth = await opened(his);
    expect(await refused(hers)).toEqual([503, 'overloaded', '1']);
    await Promise.all([first, third, fourth].map((client) => client.close()));
    await (await opened(hers)).close();
  });

  it('and the absolute limit of their session, at which they are closed with 4401', async () => {
    const agent = house.newAgent();
    await agent.login('alice');
    house.clock.skip(house.config.session.absolute - 1_500); // the access token is over: it is renewed first
    const client = await opened(house.cookiesOf(agent));
    expect(await client.closed).toEqual({ code: 4401, reason: 'session_expired' });
  });

  it('and the end of the process, at which they are closed with 1012 at once', async () => {
    const agent = house.newAgent();
    await agent.login('alice');
    const client = await opened(house.cookiesOf(agent));
    const stopped = house.app.stop();
    expect(await client.closed).toEqual({ code: 1012, reason: 'shutdown' });
    await stopped;
  });
});
