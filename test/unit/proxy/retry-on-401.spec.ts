import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ApiProxyOptions } from '../../../src/proxy/api-proxy.ts';
import type { Freshness } from '../../../src/tokens/freshness.ts';
import { openStand, session, SESSION_COOKIE, SIGNED_IN, type Stand, type StandOptions } from '../../support/proxy-stand.ts';
import { header, headers, rawExchange, RawClient, type RawAnswer } from '../../support/raw-http.ts';
import { UpstreamStub } from '../../support/upstream-stub.ts';

const OURS = ['Host: app.example.com', 'Sec-Fetch-Site: same-origin', `Cookie: ${SIGNED_IN}`];
const RENEWED: Freshness = {
  kind: 'usable',
  session: session({ generation: 2, accessToken: 'renewed' }),
  taken: { ticket: { value: 'newer', session: session({ generation: 2 }) }, takenAt: 0 },
};

describe("an upstream's 401 on a route with retryOn401", () => {
  let upstream: UpstreamStub;
  let stand: Stand;
  let asked: number;
  let outcome: Awaited<ReturnType<ApiProxyOptions['refresher']['refreshNow']>>;

  beforeEach(async () => {
    asked = 0;
    outcome = RENEWED;
    upstream = await UpstreamStub.start((request, response) => {
      if (request.headers.authorization === 'Bearer renewed') response.end('welcome');
      else
        response
          .writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"', 'content-length': '100000' })
          .end('x'.repeat(100_000));
    });
  });

  afterEach(async () => {
    await stand.close();
    await upstream.close();
  });

  async function open(route: StandOptions['route'] = {}, more: Partial<StandOptions> = {}): Promise<void> {
    const refreshNow: ApiProxyOptions['refresher']['refreshNow'] = () => {
      asked++;
      return Promise.resolve(outcome);
    };
    stand = await openStand({ upstream: upstream.origin, route: { retryOn401: true, ...route }, refreshNow, ...more });
  }

  const ask = (start: string, lines: readonly string[] = [], body = ''): Promise<RawAnswer> =>
    rawExchange(stand.port, [`${start} HTTP/1.1`, ...OURS, ...lines, '', body].join('\r\n'), { bodiless: start.startsWith('HEAD') });
  const bearers = (): unknown[] => upstream.requests.map((it) => it.headers.authorization);

  it.each(['GET', 'HEAD', 'OPTIONS'])(
    'is answered by a second try of a %s with the renewed token, whose cookie goes out',
    async (method) => {
      await open();
      const answer = await ask(`${method} /api/x?a=1`);
      expect([answer.status, header(answer, 'www-authenticate')]).toEqual([200, undefined]);
      expect(headers(answer, 'set-cookie')).toEqual([`${SESSION_COOKIE}=newer; Path=/`]);
      expect(upstream.requests.map((it) => it.url)).toEqual(['/api/x?a=1', '/api/x?a=1']);
      expect([bearers(), asked]).toEqual([['Bearer access-token', 'Bearer renewed'], 1]);
    },
  );

  it('is never tried a third time', async () => {
    upstream.handler = (_request, response) => response.writeHead(401).end('no');
    await open();
    const answer = await ask('GET /api/x');
    expect([answer.status, answer.body, header(answer, 'cloakroom-error')]).toEqual([401, 'no', undefined]);
    expect([bearers(), asked]).toEqual([['Bearer access-token', 'Bearer renewed'], 1]);
    expect(headers(answer, 'set-cookie')).toEqual([`${SESSION_COOKIE}=newer; Path=/`]); // the rotated token is not lost
  });

  it.each([
    ['with a body', 'GET /api/x', ['Content-Length: 2'], 'ab'],
    ['that changes something', 'DELETE /api/x', [], ''],
    ['that posts', 'POST /api/x', ['Content-Length: 2'], 'ab'],
  ] as const)('of a request %s is passed on', async (_, start, lines, body) => {
    await open();
    const answer = await ask(start, lines, body);
    expect([answer.status, answer.body.length, header(answer, 'www-authenticate')]).toEqual([401, 100_000, 'Bearer error="invalid_token"']);
    expect([asked, upstream.requests.length]).toEqual([0, 1]);
  });

  it.each([
    ['the token is new already', { kind: 'usable', session: session() }],
    ['the provider cannot be reached', { kind: 'unavailable', code: 'provider_unavailable', retryAfter: 1 }],
    ['there is no refresh token', { kind: 'no-refresh-token' }],
  ] as const)('is passed on whole when %s', async (_, result) => {
    outcome = result;
    await open();
    const answer = await ask('GET /api/x');
    expect([answer.status, answer.body.length, header(answer, 'cloakroom-error')]).toEqual([401, 100_000, undefined]);
    expect([asked, upstream.requests.length]).toEqual([1, 1]);
  });

  it.each(['close', 'keep-alive'])('is passed on whole though the upstream says Connection: %s meanwhile', async (connection) => {
    let release: () => void = () => undefined;
    upstream.handler = (_request, response, seen) => {
      response.writeHead(401, { connection }).end('x'.repeat(50_000));
      void seen.closed.then(() => setTimeout(() => release(), 20)); // the bytes and the close are there before the decision
    };
    await open({}, { refreshNow: () => new Promise((resolve) => (release = () => resolve({ kind: 'no-refresh-token' }))) });
    const answer = await ask('GET /api/x');
    expect([answer.status, answer.body.length]).toEqual([401, 50_000]);
  });

  it('becomes ours when the renewal shows that the session is over', async () => {
    outcome = { kind: 'rejected', reason: 'revoked', cause: 'refresh_refused' };
    await open();
    const answer = await ask('GET /api/x');
    expect([answer.status, header(answer, 'cloakroom-error'), upstream.requests.length]).toEqual([401, 'session_revoked', 1]);
  });

  it('is passed on where the route does not ask for it, or has no token of a user', async () => {
    await open({ retryOn401: false });
    expect((await ask('GET /api/x')).status).toBe(401);
    await stand.close();
    await open({ token: 'none' });
    expect((await ask('GET /api/x')).status).toBe(401);
    expect([asked, upstream.requests.length]).toEqual([0, 2]);
  });

  it('frees its place on the route, however it goes on', async () => {
    await open({ maxInFlight: 1 });
    for (const result of [RENEWED, RENEWED, { kind: 'rejected', reason: 'expired' }, RENEWED] as const) {
      outcome = result;
      expect((await ask('GET /api/x')).status).toBe(result === RENEWED ? 200 : 401);
    }
  });

  it('waits for nobody who has left, and tries nothing for them', async () => {
    let release: () => void = () => undefined;
    await open({}, { refreshNow: () => new Promise((resolve) => (release = () => resolve(RENEWED))) });
    const client = await RawClient.open(stand.port);
    client.send(['GET /api/x HTTP/1.1', ...OURS, '', ''].join('\r\n'));
    const seen = await upstream.request();
    client.destroy();
    await seen.closed;
    release();
    upstream.handler = (_request, response) => response.end('next');
    expect((await ask('GET /api/next')).body).toBe('next');
    expect(upstream.requests.map((it) => it.url)).toEqual(['/api/x', '/api/next']);
  });

  it('is something unexpected when the renewal throws', async () => {
    await open({}, { refreshNow: () => Promise.reject(new Error('broken')) });
    const answer = await ask('GET /api/x');
    expect([answer.status, header(answer, 'cloakroom-error')]).toEqual([500, 'internal_error']);
    expect(stand.logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});
