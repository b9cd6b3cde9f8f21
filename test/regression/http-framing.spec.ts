import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { openStand, SIGNED_IN, type Stand } from '../support/proxy-stand.ts';
import { header, headers, rawExchange, RawClient } from '../support/raw-http.ts';
import { bodyOf, UpstreamStub } from '../support/upstream-stub.ts';

const COMMON = ['Host: app.example.com', 'Sec-Fetch-Site: same-origin', `Cookie: ${SIGNED_IN}`];
const head = (start: string, ...lines: string[]): string => [`${start} HTTP/1.1`, ...COMMON, ...lines, '', ''].join('\r\n');

describe('framing of requests', () => {
  let upstream: UpstreamStub;
  let stand: Stand;

  beforeAll(async () => {
    upstream = await UpstreamStub.start();
    stand = await openStand({ upstream: upstream.origin, server: { bodyIdleTimeout: 50, headersTimeout: 100 } });
  });

  afterEach(() => void upstream.requests.splice(0));

  afterAll(async () => {
    await stand.close();
    await upstream.close();
  });

  describe('CVE-2026-29057: a chunked DELETE or OPTIONS whose body looks like a request', () => {
    const smuggled = 'GET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
    const chunked = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;

    it.each(['DELETE', 'OPTIONS', 'GET', 'POST', 'QUERY'])('as %s is one request upstream, on a kept connection too', async (method) => {
      const client = await RawClient.open(stand.port);
      const first = await client.send(head(`${method} /api/a`, 'Transfer-Encoding: chunked') + chunked).answer();
      const second = await client.send(head('GET /api/b')).answer();
      client.destroy();
      expect([first.status, second.status]).toEqual([200, 200]);
      expect(upstream.requests.map((it) => [it.method, it.url, bodyOf(it)])).toEqual([
        [method, '/api/a', smuggled],
        ['GET', '/api/b', ''],
      ]);
    });
  });

  describe('ambiguous framing (RFC 9112 §6.3)', () => {
    it('a coding besides chunks reaches the upstream not at all, for it would be lost on the way', async () => {
      const client = await RawClient.open(stand.port);
      const answer = await client.send(head('POST /api', 'Transfer-Encoding: gzip, chunked') + '3\r\nabc\r\n0\r\n\r\n').answer();
      client.destroy();
      expect([answer.status, header(answer, 'cloakroom-error'), upstream.requests]).toEqual([400, 'bad_request', []]);
    });

    it.each([
      ['a length and chunks', head('POST /api', 'Content-Length: 5', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
      ['two lengths', head('POST /api', 'Content-Length: 5', 'Content-Length: 6') + 'hello'],
      ['a length twice in one line', head('POST /api', 'Content-Length: 5, 5') + 'hello'],
      ['a length with a sign', head('POST /api', 'Content-Length: +5') + 'hello'],
      ['a hexadecimal length', head('POST /api', 'Content-Length: 0x5') + 'hello'],
      ['an empty length', head('POST /api', 'Content-Length:')],
      ['another final coding', head('POST /api', 'Transfer-Encoding: chunked, identity') + '0\r\n\r\n'],
      ['an odd coding', head('POST /api', 'Transfer-Encoding: xchunked') + '0\r\n\r\n'],
      ['a malformed chunk', head('POST /api', 'Transfer-Encoding: chunked') + 'zz\r\n'],
      ['a chunk size with a sign', head('POST /api', 'Transfer-Encoding: chunked') + '-1\r\n'],
      ['a folded line', head('GET /api', 'X-A: 1', ' folded')],
      ['a space before the colon', head('GET /api', 'X-A : 1')],
      ['NUL in a value', head('GET /api', 'X-A: a\0b')],
      ['a bare line feed in a value', head('GET /api', 'X-A: a\nX-B: b')],
      ['a line without a colon', head('GET /api', 'nonsense')],
      ['no HTTP at all', 'hello\r\n\r\n'],
      ['HTTP/1.0 with chunks', head('POST /api', 'Transfer-Encoding: chunked').replace('HTTP/1.1', 'HTTP/1.0') + '0\r\n\r\n'],
    ])('%s reaches the upstream as no second or other request', async (_, bytes) => {
      const client = await RawClient.open(stand.port);
      const answer = await client.send(bytes).answer();
      client.destroy();
      expect([answer.status, header(answer, 'cloakroom-error')]).toEqual([400, 'bad_request']);
      expect([header(answer, 'connection'), header(answer, 'content-type')]).toEqual(['close', 'application/problem+json']);
      expect(await Promise.all(upstream.requests.map((it) => it.whole))).not.toContain(true);
    });
  });

  describe('node-http-proxy#1647: trailers', () => {
    it('set no header and hold nothing up', async () => {
      const lines = ['Transfer-Encoding: chunked', 'Trailer: Authorization'];
      const answer = await rawExchange(stand.port, head('POST /api', ...lines) + '2\r\nok\r\n0\r\nAuthorization: evil\r\nX-T: 1\r\n\r\n');
      expect(answer.status).toBe(200);
      const seen = await upstream.request();
      expect([bodyOf(seen), seen.headers.authorization, seen.headers.trailer, seen.headers['x-t']]).toEqual([
        'ok',
        'Bearer access-token',
        undefined,
        undefined,
      ]);
    });
  });

  describe('harmless hop-by-hop headers', () => {
    it.each([
      'Keep-Alive: timeout=5',
      'Upgrade: foo',
      'Proxy-Connection: keep-alive',
      'TE: trailers',
      'Connection: TE\r\nTE: trailers',
      'Expect: odd',
    ])('such as %j let the request succeed', async (line) => {
      const answer = await rawExchange(stand.port, head('GET /api', line));
      expect(answer.status).toBe(200);
    });
  });

  describe('Expect: 100-continue (http-proxy skips its header hook)', () => {
    it('changes nothing of what goes upstream', async () => {
      const client = await RawClient.open(stand.port);
      client.send(head('POST /api', 'Content-Length: 2', 'Expect: 100-continue', 'Authorization: Bearer evil'));
      await client.until((it) => it.startsWith('HTTP/1.1 100 '));
      const answer = await client.send('ok').answer();
      client.destroy();
      const { headers: sent } = await upstream.request();
      expect([answer.status, sent.authorization, sent.cookie, sent.expect]).toEqual([200, 'Bearer access-token', undefined, undefined]);
    });

    it('asks for no body that is refused anyway', async () => {
      const client = await RawClient.open(stand.port);
      const bytes = head('POST /api', 'Content-Length: 2', 'Expect: 100-continue').replace(`Cookie: ${SIGNED_IN}`, 'X: y');
      const received = await client.send(bytes).closed();
      expect(received).toMatch(/^HTTP\/1\.1 401 /);
      expect(received).not.toContain('100 Continue');
    });
  });

  describe('bodies that stand still (slow loris)', () => {
    it.each([
      ['before they were asked for', head('POST /api', 'Content-Length: 10')],
      ['in the middle', `${head('POST /api', 'Content-Length: 10')}01234`],
      ['in chunks', `${head('POST /api', 'Transfer-Encoding: chunked')}5\r\n01`],
    ])('%s end with 408 and a closed connection, and upstream too', async (_, bytes) => {
      const client = await RawClient.open(stand.port);
      const answer = await client.send(bytes).answer();
      await client.closed();
      expect([answer.status, header(answer, 'cloakroom-error')]).toEqual([408, 'request_timeout']);
      expect(await Promise.all(upstream.requests.map((it) => it.whole))).not.toContain(true);
    });

    it('that were answered already end with a closed connection', async () => {
      const client = await RawClient.open(stand.port);
      const refused = head('POST /api', 'Content-Length: 10').replace('same-origin', 'cross-site');
      const answer = await client.send(`${refused}01234`).answer();
      await client.closed();
      expect(answer.status).toBe(403);
    });
  });

  describe('heads that do not come to an end (slow loris)', () => {
    it('end with 408 and a closed connection', async () => {
      const client = await RawClient.open(stand.port);
      const answer = await client.send('GET /api HTTP/1.1\r\nHost: app').answer();
      await client.closed();
      expect([answer.status, header(answer, 'cloakroom-error')]).toEqual([408, 'request_timeout']);
    });
  });

  describe('pipelined requests', () => {
    it('are answered in their order, and only real ones go upstream', async () => {
      const client = await RawClient.open(stand.port);
      client.send(head('GET /api/1') + head('GET /api/%2e%2e') + head('GET /api/2'));
      const statuses = [await client.answer(), await client.answer(), await client.answer()].map((it) => it.status);
      client.destroy();
      expect([statuses, upstream.requests.map((it) => it.url).sort()]).toEqual([
        [200, 400, 200],
        ['/api/1', '/api/2'],
      ]);
    });
  });
});

describe('oauth2-proxy#2163: headers that have grown too large', () => {
  let upstream: UpstreamStub;
  let stand: Stand;

  beforeAll(async () => {
    upstream = await UpstreamStub.start();
    stand = await openStand({ upstream: upstream.origin });
  });

  afterAll(async () => {
    await stand.close();
    await upstream.close();
  });

  it('end with 431 and clear every cookie of ours', async () => {
    const answer = await rawExchange(stand.port, head('GET /api', `Cookie: x=${'y'.repeat(40_000)}`));
    expect([answer.status, header(answer, 'cloakroom-error'), header(answer, 'connection')]).toEqual([431, 'header_too_large', 'close']);
    const cleared = headers(answer, 'set-cookie');
    const names = cleared.map((it) => it.split('=')[0]);
    const session = '__Host-Http-cloakroom';
    expect(names).toEqual([session, ...[0, 1, 2, 3].map((it) => `${session}.${String(it)}`), '__Secure-cloakroom-hint']);
    expect(cleared.every((it) => /; Max-Age=0(?:;|$)/.test(it))).toBe(true);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'header_too_large', status: 431 });
  });

  it('lose no answer when the client is still sending', async () => {
    const client = await RawClient.open(stand.port);
    client.send(head('GET /api', `Cookie: x=${'y'.repeat(2_000_000)}`));
    expect((await client.answer()).status).toBe(431);
    client.destroy();
  });

  it('leave a head of just under the limit alone', async () => {
    const answer = await rawExchange(stand.port, head('GET /inside', `X-Large: ${'y'.repeat(32_000)}`));
    expect(answer.status).toBe(200);
  });
});
