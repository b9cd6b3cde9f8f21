import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { OwnToken, RouteToken } from '../../../src/tokens/route-token.ts';
import { active, openStand, session, SESSION_COOKIE, SIGNED_IN, type Stand, type StandOptions } from '../../support/proxy-stand.ts';
import { header, headers, rawExchange, RawClient, type RawAnswer } from '../../support/raw-http.ts';
import { UpstreamStub } from '../../support/upstream-stub.ts';

type Told = NonNullable<StandOptions['routeTokens']>;

const HOST = ['Host: app.example.com', 'Sec-Fetch-Site: same-origin'];
const OURS = [...HOST, `Cookie: ${SIGNED_IN}`];
const TAKEN = { ticket: { value: 'newer', session: session({ generation: 2 }) }, takenAt: 0 };
const RULE = { claim: 'sub', anyOf: ['bob'] };
const usable = (accessToken: string): RouteToken => ({ kind: 'usable', session: session(), accessToken });

describe('a route with a token of its own', () => {
  let upstream: UpstreamStub;
  let stand: Stand;
  let asked: string[];

  beforeEach(async () => {
    asked = [];
    upstream = await UpstreamStub.start((_request, response) => void response.end('ok'));
  });
  afterEach(async () => {
    await stand.close();
    await upstream.close();
  });

  const open = async (route: StandOptions['route'], more: Partial<StandOptions> = {}): Promise<void> => {
    stand = await openStand({ upstream: upstream.origin, route: route ?? {}, ...more });
  };
  const answering = (token: RouteToken | Promise<RouteToken>): Told => ({
    token: ({ kind }, { session: it }, activity) => {
      asked.push(`${kind} ${it.sub} ${String(activity)}`);
      return token;
    },
  });
  const ours = (token: OwnToken | Promise<OwnToken>): Told => ({
    own: ({ target }) => {
      asked.push(target.key);
      return token;
    },
  });
  const ask = (start: string, lines: readonly string[] = OURS, body = ''): Promise<RawAnswer> =>
    rawExchange(stand.port, [`${start} HTTP/1.1`, ...lines, '', body].join('\r\n'));
  const bearers = (): unknown[] => upstream.requests.map((it) => it.headers.authorization);

  it.each([
    ['now', (token: RouteToken) => token],
    ['later', (token: RouteToken) => Promise.resolve(token)],
  ])('sends what is there %s instead of the session’s own', async (_when, at) => {
    await open({ token: 'exchange', audience: 'a', activity: false }, { routeTokens: answering(at(usable('exchanged'))) });
    expect((await ask('GET /api/x')).status).toBe(200);
    expect([bearers(), asked]).toEqual([['Bearer exchanged'], ['exchange alice false']]);
  });

  it('sends the session’s own where only its scope was asked for', async () => {
    await open({ scope: ['openid'] }, { routeTokens: answering({ kind: 'usable', session: session() }) });
    expect((await ask('GET /api/x')).status).toBe(200);
    expect(bearers()).toEqual(['Bearer access-token']);
  });

  it('answers 403 with words and 503 with a time, and gives the browser what the session came to meanwhile', async () => {
    await open({ token: 'exchange' }, { routeTokens: answering({ kind: 'refused', detail: 'Not for you.', taken: TAKEN }) });
    const refused = await ask('GET /api/x');
    expect([refused.status, header(refused, 'cloakroom-error'), headers(refused, 'set-cookie')]).toEqual([
      403,
      'forbidden',
      [`${SESSION_COOKIE}=newer; Path=/`],
    ]);
    expect(JSON.parse(refused.body)).toMatchObject({ detail: 'Not for you.' });
    await stand.close();
    const unavailable = { kind: 'unavailable', code: 'provider_unavailable', retryAfter: 7, taken: TAKEN } as const;
    await open({ token: 'exchange' }, { routeTokens: answering(unavailable) });
    const away = await ask('GET /api/x');
    expect([away.status, header(away, 'retry-after'), headers(away, 'set-cookie')]).toEqual([
      503,
      '7',
      [`${SESSION_COOKIE}=newer; Path=/`],
    ]);
    expect(upstream.requests).toEqual([]);
  });

  it('answers 401 when the session turns out to be over', async () => {
    await open({ token: 'exchange' }, { routeTokens: answering({ kind: 'rejected', reason: 'expired' }) });
    const answer = await ask('GET /api/x');
    expect([answer.status, header(answer, 'cloakroom-error')]).toEqual([401, 'session_expired']);
  });

  it('asks for the token after everything else was judged, and for a place after that', async () => {
    const access = { allow: [RULE] };
    const route = { token: 'exchange', methods: ['GET', 'POST'], maxBody: 1, access, maxInFlight: 0 } as const;
    await open(route, { routeTokens: answering(usable('exchanged')) });
    const statusOf = async (start: string, lines = OURS, body = ''): Promise<number> => (await ask(start, lines, body)).status;
    expect(await statusOf('PUT /api/x')).toBe(405);
    expect(await statusOf('POST /api/x', ['Host: app.example.com', 'Sec-Fetch-Site: cross-site', `Cookie: ${SIGNED_IN}`])).toBe(403);
    expect(await statusOf('POST /api/x', [...OURS, 'Content-Length: 2'], 'xx')).toBe(413);
    expect(await statusOf('GET /api/x', HOST)).toBe(401);
    expect(await statusOf('GET /api/x')).toBe(403);
    expect(asked).toEqual([]);
    await stand.close();
    await open(route, { routeTokens: answering(usable('exchanged')), lookup: active({ sub: 'bob', claims: { sub: 'bob' } }) });
    const full = await ask('GET /api/x');
    expect([full.status, header(full, 'cloakroom-error'), asked]).toEqual([503, 'overloaded', ['exchange bob true']]);
  });

  it('lets a fault of ours be 500 without a word', async () => {
    await open({ token: 'exchange' }, { routeTokens: answering(Promise.reject(new Error('secret'))) });
    const answer = await ask('GET /api/x');
    expect([answer.status, answer.body.includes('secret')]).toEqual([500, false]);
  });

  it('sends nothing upstream for a client that left while it waited', async () => {
    let give: (token: RouteToken) => void = () => undefined;
    const token = new Promise<RouteToken>((resolve) => {
      give = resolve;
    });
    let over: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => {
      over = resolve;
    });
    await open({ token: 'exchange' }, { routeTokens: answering(token), onAnswered: () => over() });
    const client = await RawClient.open(stand.port);
    client.send(['GET /api/x HTTP/1.1', ...OURS, '', ''].join('\r\n'));
    while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    client.destroy();
    await client.closed();
    while ((await connectionsOf(stand)) > 0) await new Promise((resolve) => setImmediate(resolve));
    give(usable('exchanged'));
    await answered;
    expect(upstream.requests).toEqual([]);
  });

  describe('that is our own', () => {
    const lookup = (): never => {
      throw new Error('the session was read');
    };

    it.each([
      ['with a cookie', OURS],
      ['without', HOST],
    ])('reads no session %s', async (_what, lines) => {
      await open({ token: 'client', audience: 'a' }, { routeTokens: ours({ kind: 'granted', accessToken: 'own' }), lookup });
      const answer = await ask('GET /api/x', lines);
      expect([answer.status, headers(answer, 'set-cookie'), bearers()]).toEqual([200, [], ['Bearer own']]);
      expect(header(answer, 'cache-control')).toBe('private');
    });

    it('reads it where the route has access rules', async () => {
      await open({ token: 'client', access: { allow: [RULE] } }, { routeTokens: answering(usable('own')) });
      expect([(await ask('GET /api/x', HOST)).status, (await ask('GET /api/x')).status, asked]).toEqual([401, 403, []]);
    });

    it('waits for it, and answers 503 when there is none', async () => {
      const unavailable = { kind: 'unavailable', code: 'provider_unavailable', retryAfter: 7 } as const;
      await open({ token: 'client' }, { routeTokens: ours(Promise.resolve(unavailable)), lookup });
      const answer = await ask('GET /api/x');
      expect([answer.status, header(answer, 'retry-after'), header(answer, 'cloakroom-error')]).toEqual([503, '7', 'provider_unavailable']);
    });

    it('is still guarded against other sites', async () => {
      await open({ token: 'client' }, { routeTokens: ours({ kind: 'granted', accessToken: 'own' }), lookup });
      expect((await ask('POST /api/x', ['Host: app.example.com', 'Sec-Fetch-Site: cross-site'])).status).toBe(403);
      expect(asked).toEqual([]);
    });

    it.each<[string, boolean, readonly string[]]>([
      ['GET', true, ['Bearer own', 'Bearer newer']],
      ['POST', true, ['Bearer own']],
      ['GET', false, ['Bearer own']],
    ])('is replaced once after a 401 to %s when retryOn401 is %s', async (method, retryOn401, sent) => {
      upstream.handler = (_request, response) => response.writeHead(401).end('never');
      const routeTokens: Told = {
        own: () => ({ kind: 'granted', accessToken: 'own' }),
        ownRenewed: (_policy, refused) => {
          asked.push(refused);
          return Promise.resolve({ kind: 'granted', accessToken: 'newer' });
        },
      };
      await open({ token: 'client', retryOn401 }, { routeTokens, lookup });
      const answer = await ask(`${method} /api/x`);
      expect([answer.status, answer.body, header(answer, 'cloakroom-error')]).toEqual([401, 'never', undefined]);
      expect([bearers(), asked]).toEqual([sent, sent.length === 2 ? ['own'] : []]);
    });
  });
});

const connectionsOf = ({ server }: Stand): Promise<number> =>
  new Promise((resolve, reject) => server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))));
