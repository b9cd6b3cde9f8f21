import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LINGER_MS } from '../../src/kernel/end-socket.ts';
import { openStand, PUBLIC, SIGNED_IN, type Stand, type StandOptions } from '../support/proxy-stand.ts';
import { header, rawExchange, RawClient, type RawAnswer } from '../support/raw-http.ts';
import { UpstreamStub } from '../support/upstream-stub.ts';

const HOST = 'Host: app.example.com';
const API = [HOST, 'Sec-Fetch-Site: same-origin', `Cookie: ${SIGNED_IN}`];
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const NAVIGATION = 'Sec-Fetch-Mode: navigate';
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const head = (start: string, ...lines: string[]): string => [`${start} HTTP/1.1`, ...lines, '', ''].join('\r\n');
/** Resolves when the server has given up this connection: what is sent on it is refused. */
async function hasLost(client: RawClient): Promise<void> {
  while (!client.wasReset) {
    client.send('x');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const codeOf = (answer: RawAnswer): string | undefined => header(answer, 'cloakroom-error');

describe('the front door', () => {
  let upstream: UpstreamStub;
  let stand: Stand;

  beforeEach(async () => {
    upstream = await UpstreamStub.start();
  });

  afterEach(async () => {
    await stand.close();
    await upstream.close();
  });

  const open = async (options: Partial<StandOptions> = {}): Promise<void> => {
    stand = await openStand({ upstream: upstream.origin, ...options });
  };
  const ask = (start: string, ...lines: string[]): Promise<RawAnswer> => rawExchange(stand.port, head(start, ...lines));
  const inside = (answer: RawAnswer): unknown => (JSON.parse(answer.body) as { inside?: string }).inside;

  describe('sends', () => {
    it('a path of a route upstream, and everything else inside, both canonical', async () => {
      await open();
      expect((await ask('GET /%61pi/x?y', ...API)).body).toBe('ok');
      expect(inside(await ask('GET /b%66f/session?x=%2e', HOST))).toBe('/bff/session?x=%2e');
      expect(inside(await ask('GET /apix', HOST))).toBe('/apix');
      expect(inside(await ask('GET http://app.example.com:443/x', HOST))).toBe('/x');
      expect(upstream.requests.map((it) => it.url)).toEqual(['/api/x?y']);
    });

    it('nothing that is unreadable, wherever it would have gone', async () => {
      await open();
      for (const path of ['/api/%2e%2e/x', '/bff//session', '/x/../api', '/%zz', '/api/a%2fb', '/x%2fy', '*']) {
        const answer = await ask(`GET ${path}`, ...API);
        expect([path, answer.status, codeOf(answer)]).toEqual([path, 400, 'path_refused']);
      }
      expect(upstream.requests).toEqual([]);
    });

    it('an encoded slash only to a route that allows it', async () => {
      await open({ routes: [{ path: '/api' }, { path: '/files', allowEncodedSlash: true }] });
      expect((await ask('GET /files/a%2Fb', ...API)).status).toBe(200);
      expect((await ask('GET /api/a%2Fb', ...API)).status).toBe(400);
      expect(upstream.requests.map((it) => it.url)).toEqual(['/files/a%2Fb']);
    });

    it.each(['TRACE', 'CONNECT'])('no %s anywhere', async (method) => {
      await open();
      const client = await RawClient.open(stand.port);
      const received = client.send(head(`${method} ${method === 'CONNECT' ? 'app.example.com:443' : '/api'}`, ...API));
      const text = await (method === 'CONNECT' ? received.closed() : received.until((it) => it.includes('\r\n\r\n')));
      expect(text).toMatch(/^HTTP\/1\.1 405 /);
      client.destroy();
      expect(upstream.requests).toEqual([]);
    });
  });

  describe('with a path in publicUrl', () => {
    const publicUrl = { origin: PUBLIC, path: '/app' };

    it('takes it off when we see it, and knows nothing outside of it', async () => {
      await open({ publicUrl });
      expect((await ask('GET /app/api/x', ...API)).status).toBe(200);
      expect(upstream.requests.map((it) => it.url)).toEqual(['/api/x']);
      expect(inside(await ask('GET /app', HOST))).toBe('/');
      expect(inside(await ask('GET /app/bff/session', HOST))).toBe('/bff/session');
      for (const path of ['/', '/api/x', '/apple/api', '/bff/session'])
        expect([path, codeOf(await ask(`GET ${path}`, ...API))]).toEqual([path, 'route_not_found']);
    });

    it('does not look for it when the ingress took it off', async () => {
      await open({ publicUrl, ingressStripsPath: true });
      expect((await ask('GET /api/x', ...API)).status).toBe(200);
      expect(inside(await ask('GET /bff/session', HOST))).toBe('/bff/session');
      const moved = await ask('GET /x?y', 'Host: old.example.com', NAVIGATION);
      expect(header(moved, 'location')).toBe('https://app.example.com/app/x?y');
    });
  });

  describe('for a wrong Host', () => {
    it.each(['GET', 'HEAD'])('sends a %s navigation to publicUrl, path and query kept', async (method) => {
      await open();
      const answer = await rawExchange(stand.port, head(`${method} /api//x?y=%2F`, 'Host: www.example.com', NAVIGATION), {
        bodiless: true,
      });
      expect([answer.status, header(answer, 'location'), header(answer, 'set-cookie')]).toEqual([
        308,
        'https://app.example.com/api//x?y=%2F',
        undefined,
      ]);
    });

    it('refuses everything else', async () => {
      await open();
      const wrong = 'Host: www.example.com';
      for (const [start, ...lines] of [
        ['POST /api', wrong, NAVIGATION, 'Content-Length: 0'],
        ['GET /api', wrong, 'Sec-Fetch-Mode: cors', 'Sec-Fetch-Site: same-origin'],
        ['GET /bff/session', wrong],
        ['GET http://www.example.com/x', wrong, NAVIGATION],
      ] as const) {
        const answer = await ask(start, ...lines);
        expect([start, answer.status, codeOf(answer)]).toEqual([start, 421, 'wrong_host']);
      }
      expect(upstream.requests).toEqual([]);
    });
  });

  describe('gives every answer a request id', () => {
    it('of its own, whatever a stranger sent', async () => {
      await open();
      const spoof = 'X-Request-Id: abc';
      const answers = [
        await ask('GET /api', ...API, spoof),
        await ask('GET /x', HOST, spoof),
        await ask('GET /%', HOST),
        await ask('GET /x', 'Host: b'),
      ];
      const ids = answers.map((it) => header(it, 'x-request-id') ?? '');
      expect(ids.every((it) => ULID.test(it))).toBe(true);
      expect(new Set(ids).size).toBe(4);
      expect((await upstream.request()).headers['x-request-id']).toBe(ids[0]);
      expect(JSON.parse(answers[1]?.body ?? '')).toMatchObject({ requestId: ids[1] });
    });

    it('of a trusted proxy, when it is well-formed', async () => {
      await open({ trustedProxies: ['127.0.0.0/8'] });
      expect(header(await ask('GET /x', HOST, 'X-Request-Id: a.B_9-z'), 'x-request-id')).toBe('a.B_9-z');
      for (const odd of ['a b', 'x'.repeat(65), 'a,b', '<x>']) {
        expect(header(await ask('GET /x', HOST, `X-Request-Id: ${odd}`), 'x-request-id')).toMatch(ULID);
      }
    });
  });

  describe('answers a navigation with a page', () => {
    it('and everything else with problem+json, under one status and code', async () => {
      await open();
      const page = await ask('GET /%00', HOST, NAVIGATION);
      const problem = await ask('GET /%00', HOST);
      expect([page.status, codeOf(page), header(page, 'content-type')]).toEqual([400, 'path_refused', 'text/html; charset=utf-8']);
      expect([problem.status, codeOf(problem), header(problem, 'content-type')]).toEqual([400, 'path_refused', 'application/problem+json']);
    });
  });

  describe('for an upgrade', () => {
    const handshake = (path: string, ...lines: string[]): string =>
      head(`GET ${path}`, 'Connection: Upgrade', 'Upgrade: websocket', KEY, 'Sec-WebSocket-Version: 13', ...lines);

    it.each([
      ['to no route', handshake('/x', HOST, `Origin: ${PUBLIC}`), 404, 'route_not_found'],
      ['under the base path', handshake('/bff/session', HOST, `Origin: ${PUBLIC}`), 404, 'route_not_found'],
      ['without an Origin', handshake('/api/ws', HOST), 403, 'origin_refused'],
      ['with a foreign Origin', handshake('/api/ws', HOST, 'Origin: https://evil.example'), 403, 'origin_refused'],
      ['to a route without a session', handshake('/api/ws', HOST, `Origin: ${PUBLIC}`), 401, 'not_logged_in'],
      ['with a body', handshake('/api/ws', HOST, `Origin: ${PUBLIC}`, 'Content-Length: 5') + 'hello', 400, 'bad_request'],
      ['with chunks', handshake('/api/ws', HOST, `Origin: ${PUBLIC}`, 'Transfer-Encoding: chunked') + '0\r\n\r\n', 400, 'bad_request'],
      ['to another host', handshake('/api/ws', 'Host: evil.example', `Origin: ${PUBLIC}`), 421, 'wrong_host'],
      ['to an unreadable path', handshake('/api/%2e%2e', HOST, `Origin: ${PUBLIC}`), 400, 'path_refused'],
    ])('%s answers and closes', async (_, bytes, status, code) => {
      await open();
      const client = await RawClient.open(stand.port);
      const answer = await client.send(bytes).answer();
      expect([answer.status, codeOf(answer), header(answer, 'connection')]).toEqual([status, code, 'close']);
      expect(header(answer, 'content-type')).toBe('application/problem+json');
      await client.closed();
      expect(upstream.requests).toEqual([]);
    });

    it('that is refused holds no connection for longer than a while, though its client never closes', async () => {
      const timeout = setTimeout;
      const shortened = jest.spyOn(globalThis, 'setTimeout');
      shortened.mockImplementation(((run: () => void, ms: number) => timeout(run, ms === LINGER_MS ? 50 : ms)) as typeof setTimeout);
      await open({ server: { maxConnections: 2 } });
      const held = await Promise.all([1, 2].map(() => RawClient.open(stand.port, { heldOpen: true })));
      for (const client of held) await client.send(handshake('/api/ws', HOST)).until((it) => it.includes('origin_refused'));
      // A client that sends on learns that nobody is there any more.
      await Promise.all(held.map((it) => hasLost(it)));
      shortened.mockRestore();
      expect((await ask('GET /api/x', ...API)).status).toBe(200);
    });

    it('behind an unanswered request never gets its answer first', async () => {
      await open();
      upstream.handler = () => undefined;
      const client = await RawClient.open(stand.port);
      client.send(head('GET /api/hanging', ...API));
      await upstream.request();
      expect(await client.send(handshake('/api/ws', HOST)).closed()).toBe('');
    });

    it.each(['h2c', 'foo', 'websocket, h2c'])('to %s serves the request as plain HTTP, without the header', async (protocol) => {
      await open();
      const answer = await ask('GET /api/x', ...API, 'Connection: Upgrade, HTTP2-Settings', `Upgrade: ${protocol}`, 'HTTP2-Settings: AAA');
      expect(answer.status).toBe(200);
      const { headers } = await upstream.request();
      expect([headers.upgrade, headers['http2-settings']]).toEqual([undefined, undefined]);
    });
  });

  describe('tells of every request once', () => {
    it('that it answered, refused or could not read, with a name from a small set and the status', async () => {
      const facts: unknown[] = [];
      await open({
        onAnswered: ({ method, route, status }) => facts.push([method, route, status]),
        next: (request, response) => {
          if (request.url === '/throws') throw new Error('secret words');
          response.writeHead(204).end();
        },
      });
      const handshake = ['Connection: Upgrade', 'Upgrade: websocket', KEY];
      await ask('GET /x', HOST);
      await ask('GET /throws', HOST);
      await ask('GET /%', HOST);
      await ask('GET /x', 'Host: b', NAVIGATION);
      await ask('GET /api', ...API);
      await ask('GET /api/ws', HOST, ...handshake);
      await ask('GET /x', HOST, ...handshake);
      await rawExchange(stand.port, 'nonsense\r\n\r\n');
      expect(facts).toEqual([
        ['GET', 'inside /x', 204],
        ['GET', 'inside /throws', 500],
        ['GET', 'refused', 400],
        ['GET', 'refused', 308],
        ['GET', '/api', 200],
        ['GET', '/api', 403],
        ['GET', 'refused', 404],
        ['', 'refused', 400],
      ]);
    });

    it('that its client left before the answer', async () => {
      const told = Promise.withResolvers<unknown>();
      const begun = Promise.withResolvers<undefined>();
      await open({ onAnswered: ({ route, status }) => told.resolve([route, status]), next: () => begun.resolve(undefined) });
      const client = await RawClient.open(stand.port);
      client.send(head('GET /bff/session', HOST));
      await begun.promise;
      client.destroy();
      expect(await told.promise).toEqual(['inside /bff/session', 0]);
    });
  });

  it('keeps standing when what lies inside throws', async () => {
    await open({
      next: () => {
        throw new Error('secret words');
      },
    });
    const answer = await ask('GET /x', HOST);
    expect([answer.status, codeOf(answer), answer.body.includes('secret')]).toEqual([500, 'internal_error', false]);
    expect((await ask('GET /api', ...API)).status).toBe(200);
  });
});
