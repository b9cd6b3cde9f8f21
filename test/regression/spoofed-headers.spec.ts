import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { openStand, PUBLIC, SIGNED_IN, type Stand } from '../support/proxy-stand.ts';
import { header, rawExchange, RawClient } from '../support/raw-http.ts';
import { UpstreamStub, type SeenRequest } from '../support/upstream-stub.ts';

const COMMON = ['Host: app.example.com', 'Sec-Fetch-Site: same-origin', `Cookie: ${SIGNED_IN}`];
const head = (start: string, ...lines: string[]): string => [`${start} HTTP/1.1`, ...lines, '', ''].join('\r\n');

describe('headers that a client must not decide', () => {
  let upstream: UpstreamStub;
  let stand: Stand;

  beforeAll(async () => {
    upstream = await UpstreamStub.start();
    stand = await openStand({ upstream: upstream.origin });
  });

  afterEach(() => void upstream.requests.splice(0));

  afterAll(async () => {
    await stand.close();
    await upstream.close();
  });

  async function seen(...lines: string[]): Promise<SeenRequest> {
    await rawExchange(stand.port, head('GET /api', ...COMMON, ...lines));
    return upstream.request();
  }

  describe('CVE-2026-33805, CVE-2025-48865: Connection names a header of the proxy', () => {
    it.each(['Authorization', 'Host', 'Cookie', 'X-Forwarded-For', 'X-Forwarded-Host', 'Forwarded', 'X-Request-Id', 'Content-Length'])(
      'and %s arrives all the same',
      async (name) => {
        const answer = await rawExchange(
          stand.port,
          head('POST /api', ...COMMON, 'Content-Length: 2', `Connection: close, ${name}`) + 'ok',
        );
        const { headers } = await upstream.request();
        expect(answer.body).toBe('ok');
        expect([headers.authorization, headers.host, headers['content-length']]).toEqual(['Bearer access-token', upstream.authority, '2']);
        expect([headers['x-forwarded-for'], headers['x-forwarded-host']]).toEqual(['127.0.0.1', 'app.example.com']);
        expect([headers.forwarded, headers['x-request-id']]).not.toContain(undefined);
      },
    );
  });

  describe('CVE-2025-64484: other spellings of forwarding headers', () => {
    it.each([
      'X_Forwarded_User: root',
      'x-forwarded_user: root',
      'X-Forwarded-User: root',
      'X-Forwarded-Uri: /admin',
      'X_Real_IP: 10.0.0.1',
    ])('%s is removed', async (line) => {
      const { rawHeaders } = await seen(line, line);
      expect(rawHeaders.join('\n')).not.toMatch(/root|admin|10\.0\.0\.1/);
    });
  });

  describe('CVE-2026-40575: a header names another URL', () => {
    it.each(['X-Forwarded-Uri: /bff/session', 'X-Original-URL: /public', 'X-Rewrite-URL: /public', 'X-Envoy-Original-Path: /public'])(
      '%s changes no decision',
      async (line) => {
        const answer = await rawExchange(stand.port, head('GET /api', 'Host: app.example.com', line));
        expect([answer.status, upstream.requests]).toEqual([401, []]);
      },
    );

    it('X-HTTP-Method-Override makes no other method of a request', async () => {
      const answer = await rawExchange(
        stand.port,
        head('POST /api', 'Host: app.example.com', 'X-HTTP-Method-Override: GET', 'Content-Length: 0'),
      );
      expect(answer.status).toBe(403);
    });
  });

  describe('CVE-2026-3635: X-Forwarded-* of a stranger', () => {
    it('names neither host nor scheme nor client', async () => {
      const { headers } = await seen(
        'X-Forwarded-Host: evil',
        'X-Forwarded-Proto: http',
        'X-Forwarded-For: 1.1.1.1',
        'Forwarded: for=1.1.1.1',
      );
      expect([headers['x-forwarded-host'], headers['x-forwarded-proto'], headers['x-forwarded-for']]).toEqual([
        'app.example.com',
        'https',
        '127.0.0.1',
      ]);
      expect(headers.forwarded).toBe('for=127.0.0.1;host=app.example.com;proto=https');
    });

    it('does not stand in for the Host', async () => {
      const answer = await rawExchange(stand.port, head('GET /api', 'Host: evil.example', 'X-Forwarded-Host: app.example.com'));
      expect(answer.status).toBe(421);
    });
  });

  describe('Host (RFC 9112 §3.2)', () => {
    const rest = COMMON.slice(1);
    it.each([
      ['is there twice', head('GET /api', 'Host: app.example.com', 'Host: app.example.com', ...rest)],
      ['is there twice with another', head('GET /api', 'Host: app.example.com', 'hOST: evil', ...rest)],
      ['is missing', head('GET /api', ...rest)],
      ['is missing under HTTP/1.0', head('GET /api', ...rest).replace('HTTP/1.1', 'HTTP/1.0')],
      ['is empty', head('GET /api', 'Host:', ...rest)],
      ['has user info', head('GET /api', 'Host: app.example.com@evil', ...rest)],
      ['has a port that is none', head('GET /api', 'Host: app.example.com:x', ...rest)],
      ['differs from the target', head('GET http://evil.example/api', 'Host: app.example.com', ...rest)],
      ['is right but the target has user info', head('GET http://u@app.example.com/api', 'Host: app.example.com', ...rest)],
      ['is wrong but the target right', head('GET https://app.example.com/api', 'Host: evil.example', ...rest)],
    ])('%s: 421, upstream untouched', async (_, bytes) => {
      const answer = await rawExchange(stand.port, bytes);
      expect([answer.status, header(answer, 'cloakroom-error'), upstream.requests]).toEqual([421, 'wrong_host', []]);
    });

    it('in absolute form is judged like any other', async () => {
      expect((await rawExchange(stand.port, head('GET https://app.example.com/api/x', ...COMMON))).status).toBe(200);
      expect((await rawExchange(stand.port, head('GET https://app.example.com/api/x', 'Host: app.example.com'))).status).toBe(401);
      expect(upstream.requests.map((it) => it.url)).toEqual(['/api/x']);
    });
  });

  describe('what comes back', () => {
    afterEach(() => {
      upstream.handler = (_request, response) => response.end('ok');
    });

    it('carries no CORS header of the upstream, and no mark of ours', async () => {
      upstream.handler = (request, response) => {
        response.setHeader('access-control-allow-origin', request.headers.origin ?? '*');
        response.setHeader('access-control-allow-credentials', 'true');
        response.setHeader('cloakroom-error', 'session_expired');
        response.writeHead(401).end();
      };
      const answer = await rawExchange(stand.port, head('GET /api', ...COMMON, `Origin: ${PUBLIC}`));
      expect([answer.status, answer.lines.filter(([it]) => /^access-control|^cloakroom/.test(it))]).toEqual([401, []]);
    });

    it('is refused as a redirect to an internal host', async () => {
      upstream.handler = (_request, response) => response.writeHead(302, { location: 'http://10.0.0.5:9000/secret' }).end();
      const answer = await rawExchange(stand.port, head('GET /api', ...COMMON));
      expect([answer.status, header(answer, 'location'), JSON.stringify(answer)]).toEqual([
        502,
        undefined,
        expect.not.stringContaining('10.0.0.5'),
      ]);
    });

    it('is cut, not ended, when the upstream dies in the middle', async () => {
      upstream.handler = (_request, response) => {
        response.writeHead(200).write('part', () => response.destroy());
      };
      const client = await RawClient.open(stand.port);
      const received = await client.send(head('GET /api', ...COMMON)).closed();
      expect([received.includes('part'), received.endsWith('0\r\n\r\n')]).toEqual([true, false]);
      expect(stand.logger.of('upstream_lost').length).toBe(1);
    });
  });
});
