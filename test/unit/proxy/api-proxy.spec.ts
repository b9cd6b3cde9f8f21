import { afterEach, describe, expect, it } from '@jest/globals';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ActiveSession, SessionLookup } from '../../../src/session/session-lookup.ts';
import { active, openStand, session, SESSION_COOKIE, SIGNED_IN, type Stand, type StandOptions } from '../../support/proxy-stand.ts';
import { header, headers, rawExchange, RawClient, type RawAnswer } from '../../support/raw-http.ts';
import { UpstreamStub } from '../../support/upstream-stub.ts';

const OURS = ['Host: app.example.com', 'Sec-Fetch-Site: same-origin'];
const COOKIE = `Cookie: ${SIGNED_IN}`;
const NAVIGATION = ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'];
const head = (start: string, ...lines: string[]): string => [`${start} HTTP/1.1`, ...lines, '', ''].join('\r\n');
const codeOf = (answer: RawAnswer): string | undefined => header(answer, 'cloakroom-error');
const taken = (value: string): NonNullable<ActiveSession['taken']> => ({ ticket: { value, session: session() }, takenAt: 0 });

describe('a request on a route', () => {
  let upstream: UpstreamStub;
  let stand: Stand;

  afterEach(async () => {
    await stand.close();
    await upstream.close();
  });

  async function open(options: Partial<StandOptions> = {}): Promise<void> {
    upstream = await UpstreamStub.start();
    stand = await openStand({ upstream: upstream.origin, ...options });
  }

  const ask = (start: string, ...lines: string[]): Promise<RawAnswer> =>
    rawExchange(stand.port, head(start, ...lines), { bodiless: start.startsWith('HEAD') });
  const urls = (): string[] => upstream.requests.map((it) => it.url);

  describe('with a session', () => {
    it('reaches the upstream with the bearer and without our cookie, and is private', async () => {
      await open();
      const answer = await ask('GET /api/orders?a=%2F', ...OURS, COOKIE, 'Authorization: Bearer evil');
      expect([answer.status, answer.body]).toEqual([200, 'ok']);
      expect([header(answer, 'cache-control'), header(answer, 'vary'), headers(answer, 'set-cookie')]).toEqual(['private', 'Cookie', []]);
      const seen = await upstream.request();
      expect([seen.url, seen.headers.authorization, seen.headers.cookie]).toEqual(['/api/orders?a=%2F', 'Bearer access-token', undefined]);
      expect(seen.headers['x-request-id']).toBe(header(answer, 'x-request-id'));
    });

    it('goes upstream within the same tick: nothing is awaited when everything is at hand', async () => {
      const order: string[] = [];
      await open({
        lookup: () => {
          process.nextTick(() => order.push('tick'));
          return active();
        },
        touch: () => {
          order.push('touched');
          return undefined;
        },
      });
      await ask('GET /api', ...OURS, COOKIE);
      expect(order).toEqual(['touched', 'tick']);
    });

    it('waits for a session, a token and a re-seal that take their time', async () => {
      await open({
        lookup: () => Promise.resolve(active()),
        fresh: () => Promise.resolve({ kind: 'usable', session: session({ accessToken: 'newer' }) }),
        touch: () => Promise.resolve(taken('resealed')),
      });
      const answer = await ask('GET /api', ...OURS, COOKIE);
      expect((await upstream.request()).headers.authorization).toBe('Bearer newer');
      expect([headers(answer, 'set-cookie'), header(answer, 'cache-control')]).toEqual([
        [`${SESSION_COOKIE}=resealed; Path=/`],
        'no-store',
      ]);
    });

    it('gives the ticket of a refresh and every allowed cookie of the upstream, each once', async () => {
      await open({
        fresh: ({ session: it }) => ({ kind: 'usable', session: it, taken: taken('renewed') }),
        route: { setCookie: ['a', 'b', 'c'] },
      });
      upstream.handler = (_request, response) => response.setHeader('set-cookie', ['a=1', 'b=2', 'c=3', `${SESSION_COOKIE}=evil`]).end();
      const answer = await ask('GET /api', ...OURS, COOKIE);
      expect(headers(answer, 'set-cookie').map((it) => it.split(';')[0])).toEqual(['a=1', 'b=2', 'c=3', `${SESSION_COOKIE}=renewed`]);
    });

    it.each([204, 304, 302, 500])('gives the ticket of a refresh with a %i too', async (status) => {
      await open({ fresh: ({ session: it }) => ({ kind: 'usable', session: it, taken: taken('renewed') }) });
      upstream.handler = (_request, response) => response.writeHead(status, status === 302 ? { location: '/api/x' } : {}).end();
      const answer = await ask('GET /api', ...OURS, COOKIE);
      expect([answer.status, headers(answer, 'set-cookie').length]).toEqual([status, 1]);
    });

    it('gives the ticket of a refresh when the upstream is not there', async () => {
      await open({ fresh: ({ session: it }) => ({ kind: 'usable', session: it, taken: taken('renewed') }) });
      upstream.handler = (request) => request.socket.destroy();
      const answer = await ask('GET /api', ...OURS, COOKIE);
      expect([answer.status, codeOf(answer), headers(answer, 'set-cookie')]).toEqual([
        502,
        'upstream_unreachable',
        [`${SESSION_COOKIE}=renewed; Path=/`],
      ]);
      expect(stand.logger.of('upstream_failed')).toHaveLength(1);
    });

    it('gives the head’s ticket to a request that carried an older one, and does not re-seal', async () => {
      await open({ lookup: { ...active(), taken: taken('newer') }, touch: () => taken('resealed') });
      expect(headers(await ask('GET /api', ...OURS, COOKIE), 'set-cookie')).toEqual([`${SESSION_COOKIE}=newer; Path=/`]);
    });

    it('lets no re-seal ride on an event stream, but a refresh', async () => {
      await open({ touch: () => taken('resealed') });
      upstream.handler = (_request, response) => response.setHeader('content-type', 'text/event-stream; charset=utf-8').end('data: 1\n\n');
      const answer = await ask('GET /api', ...OURS, COOKIE);
      expect([answer.body, headers(answer, 'set-cookie')]).toEqual(['data: 1\n\n', []]);
    });

    it('does not move the idle limit where the route says so', async () => {
      let touched = 0;
      await open({
        route: { activity: false },
        touch: () => {
          touched++;
          return undefined;
        },
      });
      await ask('GET /api', ...OURS, COOKIE);
      expect(touched).toBe(0);
    });

    it('ends an event stream with the session', async () => {
      await open({ lookup: active({ endsAt: Date.now() }) });
      upstream.handler = (_request, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
      const answer = await ask('GET /api', ...OURS, COOKIE);
      expect(answer.body).toBe('data: 1\n\n');
      expect(await (await upstream.request()).closed).toBe(false);
    });
  });

  describe('without a session', () => {
    const ended = session();
    it.each<[string, SessionLookup, number, string, number]>([
      ['an unreadable cookie', { kind: 'unreadable', reason: 'tampered' }, 401, 'not_logged_in', 0],
      ['an expired session', { kind: 'expired', session: ended }, 401, 'session_expired', 1],
      ['a revoked session', { kind: 'revoked', session: ended, cause: 'logout' }, 401, 'session_revoked', 0],
      ['a superseded session', { kind: 'superseded', session: ended }, 401, 'session_superseded', 0],
      ['a store that is down', { kind: 'unavailable', retryAfter: 7 }, 503, 'store_unavailable', 0],
    ])('is answered for %s', async (_, lookup, status, code, cleared) => {
      await open({ lookup });
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const answer = await ask(`${method} /api`, ...OURS, COOKIE);
        expect([answer.status, codeOf(answer), headers(answer, 'set-cookie').length]).toEqual([status, code, cleared]);
        expect(header(answer, 'content-type')).toBe('application/problem+json');
        expect(header(answer, 'cache-control')).toBe('no-store');
        expect(header(answer, 'retry-after')).toBe(status === 503 ? '7' : undefined);
      }
      expect(urls()).toEqual([]);
    });

    it('is 401 with the way to the login, never a redirect', async () => {
      await open();
      const answer = await ask('GET /api/x', ...OURS);
      expect(JSON.parse(answer.body)).toMatchObject({
        code: 'not_logged_in',
        loginUrl: '/bff/login',
        requestId: header(answer, 'x-request-id'),
      });
      expect(header(answer, 'location')).toBeUndefined();
    });

    it('is a page with the sign-in button for a navigation, leading back here', async () => {
      await open({ publicUrl: { origin: 'https://app.example.com', path: '/app' } });
      const answer = await ask('GET /app/api/r.pdf?a=1&b=2', ...OURS, ...NAVIGATION);
      expect([answer.status, header(answer, 'content-type'), codeOf(answer)]).toEqual([401, 'text/html; charset=utf-8', 'not_logged_in']);
      expect(answer.body).toContain(`href="/app/bff/login?returnTo=${encodeURIComponent('/app/api/r.pdf?a=1&b=2')}"`);
    });

    it('never leads an unsafe navigation back here', async () => {
      await open();
      const answer = await ask('POST /api/pay', ...OURS, ...NAVIGATION, 'Content-Length: 0');
      expect([answer.status, answer.body.includes('href="/bff/login"')]).toEqual([401, true]);
    });

    it.each([
      ['rejected as expired', 'expired', 'session_expired', 1],
      ['rejected as revoked', 'revoked', 'session_revoked', 0],
      ['rejected as superseded', 'superseded', 'session_superseded', 0],
    ] as const)('is 401 when its tokens are %s', async (_, reason, code, cleared) => {
      await open({ fresh: () => ({ kind: 'rejected', reason }) });
      const answer = await ask('GET /api', ...OURS, COOKIE);
      expect([answer.status, codeOf(answer), headers(answer, 'set-cookie').length, urls()]).toEqual([401, code, cleared, []]);
    });

    it('is 503 when no usable token can be had now', async () => {
      await open({ fresh: () => ({ kind: 'unavailable', code: 'provider_unavailable', retryAfter: 3 }) });
      const answer = await ask('GET /api', ...OURS, COOKIE);
      expect([answer.status, codeOf(answer), header(answer, 'retry-after'), urls()]).toEqual([503, 'provider_unavailable', '3', []]);
    });

    it('passes on an optional route without Authorization, whether there is none or an ended one', async () => {
      await open({ route: { token: 'optional' }, lookup: { kind: 'expired', session: ended } });
      expect((await ask('GET /api', ...OURS)).status).toBe(200);
      expect((await ask('GET /api', ...OURS, COOKIE, 'Authorization: Bearer evil')).status).toBe(200);
      expect(upstream.requests.map((it) => it.headers.authorization)).toEqual([undefined, undefined]);
    });

    it('leaves no cookie behind on an optional route when its end turns up at the renewal', async () => {
      await open({
        route: { token: 'optional' },
        lookup: { ...active(), taken: taken('healed') },
        fresh: () => ({ kind: 'rejected', reason: 'revoked' }),
      });
      const answer = await ask('GET /api', ...OURS, COOKIE);
      expect([answer.status, headers(answer, 'set-cookie')]).toEqual([200, []]);
      expect((await upstream.request()).headers.authorization).toBeUndefined();
    });

    it('is never read on a route without token', async () => {
      const unread = (): never => {
        throw new Error('read');
      };
      await open({ route: { token: 'none' }, lookup: unread });
      const answer = await ask('GET /api', ...OURS, COOKIE);
      expect([answer.status, header(answer, 'vary'), (await upstream.request()).headers.cookie]).toEqual([200, undefined, undefined]);
    });
  });

  describe('that is refused', () => {
    it('for its method, with the ones that pass', async () => {
      await open({ route: { methods: ['GET', 'POST'] } });
      const answer = await ask('DELETE /api', ...OURS, COOKIE);
      expect([answer.status, codeOf(answer), header(answer, 'allow')]).toEqual([405, 'method_not_allowed', 'GET, POST']);
    });

    it('for its origin, as JSON', async () => {
      await open();
      const answer = await ask('POST /api', 'Host: app.example.com', 'Sec-Fetch-Site: cross-site', COOKIE, 'Content-Length: 0');
      expect([answer.status, codeOf(answer), urls()]).toEqual([403, 'csrf_refused', []]);
    });

    it('as a navigation from another site, with a button that leads to the same URL', async () => {
      await open();
      const answer = await ask('GET /api/r?a="1"&b', 'Host: app.example.com', 'Sec-Fetch-Site: cross-site', ...NAVIGATION, COOKIE);
      expect([answer.status, codeOf(answer), urls()]).toEqual([403, 'csrf_refused', []]);
      expect(answer.body).toContain('<a class="go" href="/api/r?a=&#34;1&#34;&#38;b">');
    });

    it('for its declared size, before anything is read', async () => {
      await open({ route: { maxBody: 4 } });
      const answer = await ask('POST /api', ...OURS, COOKIE, 'Content-Length: 5');
      expect([answer.status, codeOf(answer), urls()]).toEqual([413, 'payload_too_large', []]);
    });

    it.each([
      ['the application', { access: [{ claim: 'groups', anyOf: ['staff'] }] }],
      ['the route', { route: { access: { allow: [{ emailDomain: ['example.com'] }] } } }],
    ])('for rules of %s', async (_, options) => {
      await open(options);
      const answer = await ask('GET /api', ...OURS, COOKIE);
      expect([answer.status, codeOf(answer), urls()]).toEqual([403, 'forbidden', []]);
      expect(JSON.parse(answer.body)).toMatchObject({ loginUrl: '/bff/login?prompt=select_account' });
    });

    it('for every reason at once by the first of the order', async () => {
      await open({ route: { methods: ['GET'], maxBody: 0 }, lookup: { kind: 'expired', session: session() } });
      const foreign = ['Host: app.example.com', 'Sec-Fetch-Site: cross-site', COOKIE, 'Content-Length: 1'];
      expect(codeOf(await ask('POST /api', ...foreign))).toBe('method_not_allowed');
      expect(codeOf(await ask('GET /api', ...foreign))).toBe('csrf_refused');
      expect(codeOf(await ask('GET /api', ...OURS, COOKIE, 'Content-Length: 1'))).toBe('payload_too_large');
      expect(codeOf(await ask('GET /api', ...OURS, COOKIE))).toBe('session_expired');
    });

    it('when too many are on their way, until one has ended', async () => {
      await open({ route: { maxInFlight: 1 } });
      const held: ServerResponse[] = [];
      upstream.handler = (_request: IncomingMessage, response) => void held.push(response);
      const first = await RawClient.open(stand.port);
      first.send(head('GET /api/1', ...OURS, COOKIE));
      await upstream.request(0);
      const refused = await ask('GET /api/2', ...OURS, COOKIE);
      expect([refused.status, codeOf(refused), header(refused, 'retry-after')]).toEqual([503, 'overloaded', '1']);
      held[0]?.end('done');
      expect((await first.answer()).body).toBe('done');
      upstream.handler = (_request, response) => response.end('next');
      expect((await first.send(head('GET /api/3', ...OURS, COOKIE)).answer()).body).toBe('next');
      first.destroy();
    });

    it('by something unexpected, telling nothing but the request id', async () => {
      await open({
        lookup: () => {
          throw new TypeError('secret words');
        },
      });
      const answer = await ask('GET /api', ...OURS, COOKIE);
      expect([answer.status, codeOf(answer), answer.body.includes('secret words')]).toEqual([500, 'internal_error', false]);
      expect(stand.logger.of('proxy_error').map((it) => it.fields['error'])).toEqual(['TypeError']);
    });

    it.each([
      ['before it goes upstream', undefined],
      ['when the upstream has answered', 'answers'],
      ['when the upstream is lost', 'fails'],
    ])('even when its own cookies cannot be written, %s', async (_, upstreamDoes) => {
      await open({
        fresh: ({ session: it }) =>
          Promise.resolve(
            upstreamDoes === undefined ? { kind: 'rejected', reason: 'expired' } : { kind: 'usable', session: it, taken: taken('renewed') },
          ),
        setCookies: () => {
          throw new RangeError('secret words');
        },
        clearing: () => {
          throw new RangeError('secret words');
        },
        route: { maxInFlight: 1 },
      });
      if (upstreamDoes === 'fails') upstream.handler = (request) => request.socket.destroy();
      for (const path of ['/api/1', '/api/2']) {
        const answer = await ask(`GET ${path}`, ...OURS, COOKIE);
        expect([answer.status, codeOf(answer), headers(answer, 'set-cookie')]).toEqual([500, 'internal_error', []]);
      }
    });

    it('by a forwarder that throws, and the place it took is free again', async () => {
      await open({
        route: { maxInFlight: 1 },
        forward: () => {
          throw new TypeError('secret words');
        },
      });
      for (const path of ['/api/1', '/api/2']) expect(codeOf(await ask(`GET ${path}`, ...OURS, COOKIE))).toBe('internal_error');
    });

    it('by a promise that fails, the same way', async () => {
      await open({ fresh: () => Promise.reject(new Error('secret words')) });
      expect((await ask('GET /api', ...OURS, COOKIE)).status).toBe(500);
    });
  });

  describe('from another site, where navigations are allowed', () => {
    const foreign = ['Host: app.example.com', 'Sec-Fetch-Site: cross-site', ...NAVIGATION];

    it('gets a page that goes on to the same URL by itself, because the Strict cookie stayed behind', async () => {
      await open({ route: { navigation: 'allow' } });
      const answer = await ask('GET /api/r.pdf?a=1', ...foreign);
      expect([answer.status, header(answer, 'refresh'), header(answer, 'cache-control')]).toEqual([
        200,
        '0;url=/api/r.pdf?a=1',
        'no-store',
      ]);
      expect([urls(), header(answer, 'x-request-id')?.length]).toEqual([[], 26]);
    });

    it('passes when the cookie came along', async () => {
      await open({ route: { navigation: 'allow' } });
      expect((await ask('GET /api/r.pdf', ...foreign, COOKIE)).body).toBe('ok');
    });
  });

  describe('is counted once', () => {
    it('with its route, method and status, whoever answered it', async () => {
      const facts: unknown[] = [];
      await open({ onAnswered: ({ route, method, status }) => facts.push([route, method, status]) });
      await ask('GET /api/1', ...OURS, COOKIE);
      await ask('POST /api/2', ...OURS, 'Content-Length: 0');
      upstream.handler = (request) => request.socket.destroy();
      await ask('PUT /api/3', ...OURS, COOKIE, 'Content-Length: 0');
      expect(facts).toEqual([
        ['/api', 'GET', 200],
        ['/api', 'POST', 401],
        ['/api', 'PUT', 502],
      ]);
    });
  });

  it('is not sent upstream for a client that left while its session was looked up', async () => {
    let found: (lookup: SessionLookup) => void = () => undefined;
    let reported: () => void = () => undefined;
    const report = new Promise<void>((resolve) => (reported = resolve));
    const asked = new Promise<void>((resolve) => {
      const lookup = (): Promise<SessionLookup> => {
        resolve();
        return new Promise((settle) => (found = settle));
      };
      void open({ lookup, onAnswered: () => reported() }).then(async () => {
        const client = await RawClient.open(stand.port);
        client.send(head('GET /api', ...OURS, COOKIE));
        await asked;
        client.destroy();
        await client.closed();
        setTimeout(() => found(active()), 5);
      });
    });
    await report;
    expect(urls()).toEqual([]);
  });
});
