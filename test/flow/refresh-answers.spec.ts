import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { told } from '../support/answers.ts';
import { openHouse, type House } from '../support/house.ts';
import { UpstreamStub } from '../support/upstream-stub.ts';

const SESSION = '__Host-Http-cloakroom';

describe('the cookie of a refresh', () => {
  let house: House;
  let cookie: string;

  beforeAll(async () => {
    const routes = (upstream: string) => [{ path: '/api', upstream, stripPrefix: true, headersTimeout: '300ms' }];
    house = await openHouse({ routes, provider: { accessTokenTtl: 30 } });
  });

  beforeEach(async () => {
    await house.api.up().catch(() => undefined); // it is up in most cases
    const agent = house.newAgent();
    await agent.login('alice');
    cookie = house.cookiesOf(agent);
    house.expireAccessToken();
    house.provider.stats.reset();
  });

  afterAll(() => house.close());

  it.each([
    { what: 'an ordinary answer', path: '/x', status: 200 },
    { what: 'an error of the upstream', path: '/status/500', status: 500 },
    { what: 'a 401 of the upstream', path: '/status/401', status: 401 },
    { what: 'a 204', path: '/status/204', status: 204 },
    { what: 'a 304', path: '/not-modified', status: 304 },
    { what: 'a redirect', path: '/redirect?to=/elsewhere', status: 302 },
    { what: 'an answer to HEAD', path: '/x', method: 'HEAD', status: 200 },
    { what: 'an event stream', path: '/sse?count=1', status: 200 },
    { what: 'a body in chunks', path: '/download?bytes=200000&chunked=1', status: 200 },
    { what: 'an upload', path: '/upload', method: 'POST', body: 'x'.repeat(100_000), status: 200 },
    { what: 'an early 413', path: '/early-413', method: 'POST', body: 'x', status: 413 },
    { what: 'a page', path: '/page', status: 200 },
    { what: '502: the upstream died', path: '/die-before-head', status: 502, code: 'upstream_unreachable' },
    { what: '502: a redirect that is refused', path: '/redirect?to=http://inner.example/x', status: 502, code: 'upstream_protocol' },
    { what: '504: the upstream never answers', path: '/hang', status: 504, code: 'upstream_timeout' },
  ])('goes out with $what', async ({ path, method = 'GET', body, status, code }) => {
    const answer = await house.call(`/api${path}`, { cookie, method, ...(body === undefined ? {} : { body }) });
    expect(told(answer)).toEqual({
      status,
      code,
      set: [expect.stringMatching(new RegExp(`^${SESSION}=Fe26\\.2\\*`))],
      cleared: [],
      retryAfter: undefined,
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(house.provider.stats.refreshes).toBe(1);
    await answer.arrayBuffer();
    const next = await house.call('/api/next', { cookie: told(answer).set.join() });
    expect([next.status, house.provider.stats.refreshes]).toEqual([200, 1]);
  });

  it('goes out with a 502 for an upstream that refuses connections', async () => {
    await house.api.down();
    const answer = await house.call('/api/x', { cookie });
    expect(told(answer)).toMatchObject({ status: 502, code: 'upstream_unreachable', set: [expect.stringContaining(SESSION)] });
  });

  it('goes out before the upstream dies in the middle of its answer', async () => {
    const answer = await house.call('/api/die-mid-body', { cookie });
    expect(told(answer)).toMatchObject({ status: 200, set: [expect.stringContaining(SESSION)] });
    await expect(answer.text()).rejects.toThrow();
  });
});

describe('Set-Cookie', () => {
  let house: House;
  let upstream: UpstreamStub;
  let cookie: string;

  beforeEach(async () => {
    upstream = await UpstreamStub.start();
    const setCookie = ['one', 'two', 'three'];
    house = await openHouse({ routes: () => [{ path: '/api', upstream: upstream.origin, stripPrefix: true, setCookie }] });
    const agent = house.newAgent();
    await agent.login('alice');
    cookie = house.cookiesOf(agent);
    house.provider.stats.reset();
  });

  afterEach(async () => {
    await house.close();
    await upstream.close();
  });

  const names = ({ headers }: Response): string[] => headers.getSetCookie().map((line) => line.replace(/=.*/, ''));

  /** Starts a call and holds its response head back until `answer` is called. */
  async function held(path: string, jar: string): Promise<() => Promise<Response>> {
    const at = upstream.requests.length;
    const gate = Promise.withResolvers<undefined>();
    upstream.handler = (_request, response) => void gate.promise.then(() => response.end('late'));
    const answer = house.call(path, { cookie: jar });
    await upstream.request(at);
    upstream.handler = (_request, response) => response.end('ok');
    return () => {
      gate.resolve(undefined);
      return answer;
    };
  }

  it('has every allowed cookie of the upstream and ours, each name once, and nothing that looks like ours', async () => {
    house.expireAccessToken();
    upstream.handler = (_request, response) =>
      response
        .setHeader('set-cookie', [
          'one=1; Domain=example.com',
          'two=2; HttpOnly',
          'three=3',
          'four=4',
          `${SESSION}=evil; Path=/`,
          `${SESSION}.0=evil; Path=/`,
          `__Secure-cloakroom-hint=evil; Path=/`,
        ])
        .end('ok');
    const answer = await house.call('/api/x', { cookie });
    expect(names(answer)).toEqual(['one', 'two', 'three', SESSION]);
    expect(answer.headers.getSetCookie().join('\n')).not.toMatch(/evil|example\.com/);
    expect(house.provider.stats.refreshes).toBe(1);
  });

  it('of a slow answer that began before a refresh does not replace the newer cookie', async () => {
    house.expireAccessToken();
    // This call makes generation 2 and would deliver it, but its answer takes its time.
    const slow = await held('/api/slow', cookie);
    house.clock.skip(5_000);
    const second = told(await house.call('/api/second', { cookie })).set.join();
    const third = told(await house.call('/bff/refresh', { cookie: second, method: 'POST' })).set.join();
    expect(third).toContain(SESSION);
    expect(third).not.toBe(second);

    const late = await slow();
    expect([late.status, await late.text(), names(late)]).toEqual([200, 'late', []]);
    expect(house.provider.stats.refreshes).toBe(2);
    expect((await house.call('/api/x', { cookie: third })).status).toBe(200);
  });

  it('of a slow answer does not bring a session back that was logged out meanwhile', async () => {
    house.expireAccessToken();
    const slow = await held('/api/slow', cookie);
    const logout = await house.call('/bff/logout', { cookie, method: 'POST' });
    expect([logout.status, told(logout).cleared]).toEqual([200, expect.arrayContaining([SESSION])]);
    const late = await slow();
    expect([late.status, await late.text(), names(late)]).toEqual([200, 'late', []]);
    expect(told(await house.call('/api/x', { cookie }))).toMatchObject({ status: 401, code: 'session_revoked' });
  });

  it('of a slow answer that carries a re-seal for activity does not replace the cookie of a refresh', async () => {
    house.clock.skip(200_000);
    const slow = await held('/api/slow', cookie);
    expect(told(await house.call('/bff/refresh', { cookie, method: 'POST' })).set).toHaveLength(1);
    const late = await slow();
    expect([late.status, names(late)]).toEqual([200, []]);
  });

  it('of an answer that took longer than half the handover is left out, and the next request is healed', async () => {
    house.expireAccessToken();
    const slow = await held('/api/slow', cookie);
    house.clock.skip(31_000);
    const late = await slow();
    expect([late.status, names(late)]).toEqual([200, []]);
    const next = await house.call('/api/x', { cookie });
    expect([next.status, names(next), house.provider.stats.refreshes]).toEqual([200, [SESSION], 1]);
  });

  it('of a slow answer within half the handover still goes out', async () => {
    house.expireAccessToken();
    const slow = await held('/api/slow', cookie);
    house.clock.skip(29_000);
    expect(names(await slow())).toEqual([SESSION]);
  });

  it('of a re-seal for activity goes out on ordinary answers and never on an event stream', async () => {
    house.clock.skip(200_000); // more than session.idleStep, and the token is still good
    upstream.handler = (_request, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: 1\n\n');
    expect(names(await house.call('/api/events', { cookie }))).toEqual([]);
    upstream.handler = (_request, response) => response.end('ok');
    expect(names(await house.call('/api/x', { cookie }))).toEqual([SESSION]);
    expect(house.provider.stats.refreshes).toBe(0);
  });
});
