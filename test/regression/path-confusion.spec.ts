import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { openStand, SIGNED_IN, type Stand } from '../support/proxy-stand.ts';
import { header, rawExchange, type RawAnswer } from '../support/raw-http.ts';
import { UpstreamStub } from '../support/upstream-stub.ts';

const HOST = 'Host: app.example.com';
const SIGNED = [HOST, 'Sec-Fetch-Site: same-origin', `Cookie: ${SIGNED_IN}`];

describe('a path that two readers could understand differently', () => {
  let upstream: UpstreamStub;
  let stand: Stand;

  beforeAll(async () => {
    upstream = await UpstreamStub.start((_request, response) => response.end('ok'));
    stand = await openStand({ upstream: upstream.origin, routes: [{ path: '/api' }, { path: '/public', token: 'none' }] });
  });

  afterEach(() => void upstream.requests.splice(0));

  afterAll(async () => {
    await stand.close();
    await upstream.close();
  });

  const ask = (start: string, lines: readonly string[] = SIGNED): Promise<RawAnswer> =>
    rawExchange(stand.port, [`${start} HTTP/1.1`, ...lines, '', ''].join('\r\n'), { bodiless: start.startsWith('HEAD') });
  const urls = (): string[] => upstream.requests.map((it) => it.url);

  it.each(['/%61pi/x', '/ap%69/x', '/%61%70%69/x'])(
    'CVE-2026-22031, CVE-2025-69211: %s is judged and forwarded as /api/x',
    async (path) => {
      expect((await ask(`GET ${path}`, [HOST])).status).toBe(401);
      expect((await ask(`GET ${path}`)).status).toBe(200);
      expect(urls()).toEqual(['/api/x']);
    },
  );

  it.each([
    '/api/..%2fadmin',
    '/api/%2e%2e/admin',
    '/api/.%2e/admin',
    '/api/..;/admin',
    '/api//evil',
    '/api/\\evil',
    '/api/%5c..%5cadmin',
    '/api/%252e%252e/x',
    '/api/%2f%2fevil',
    '/api/a%2fb',
    '/api/a%00b',
    '/api/%c0%ae%c0%ae/x',
    '/public/../api/x',
    '/public/%2e%2e/api/x',
    '/public/..;/api/x',
    '/public%2f..%2fapi',
    '//api/x',
    '/./api/x',
  ])('%s is refused, upstream untouched', async (path) => {
    const answer = await ask(`GET ${path}`);
    expect([answer.status, header(answer, 'cloakroom-error'), urls()]).toEqual([400, 'path_refused', []]);
  });

  it.each(['/public#/../api', '/api#x', '/api?x#y'])('GHSA-pxq7-h93f-9jrg: the fragment of %s is refused', async (path) => {
    const answer = await ask(`GET ${path}`);
    expect([answer.status, urls()]).toEqual([400, []]);
  });

  it.each(['/api?x=/public', '/api?/public/../', '/api?%2e%2e/public'])(
    'GHSA-7rh7-c77v-6434: the query of %s takes no part',
    async (path) => {
      expect((await ask(`GET ${path}`, [HOST])).status).toBe(401);
      expect((await ask(`GET ${path}`)).status).toBe(200);
      expect(urls()).toEqual([path]);
    },
  );

  it.each(['/API/x', '/api.json', '/apix', '/api;jsessionid=1', '/api%20', '/\u{ff0f}api', '/public-secret', '/publicx'])(
    '%s is no route, and so never upstream',
    async (path) => {
      const answer = await ask(`GET ${Buffer.from(path).toString('latin1')}`);
      expect([urls(), header(answer, 'cloakroom-error') ?? 'inside']).toEqual([[], path.includes('\u{ff0f}') ? 'path_refused' : 'inside']);
    },
  );

  it.each(['/api', '/api/', '/api/;jsessionid=1', '/api/x.json', '/api/x%EF%BC%8F..%EF%BC%8Fy'])(
    '%s needs a session like the rest of the route',
    async (path) => {
      expect((await ask(`GET ${path}`, [HOST])).status).toBe(401);
    },
  );

  it.each(['GET', 'HEAD', 'OPTIONS', 'DELETE', 'QUERY'])('a %s needs a session', async (method) => {
    expect((await ask(`${method} /api/x`, [HOST, 'Sec-Fetch-Site: same-origin'])).status).toBe(401);
  });

  it.each(['TRACE', 'PROPFIND', 'PURGE', 'M-SEARCH'])('a %s is refused', async (method) => {
    const answer = await ask(`${method} /api/x`);
    expect([answer.status, header(answer, 'allow')?.includes('GET'), urls()]).toEqual([405, true, []]);
  });

  it('GHSA-5hvv-m4w4-gf6v: a health checker gets nothing that others do not get', async () => {
    const checker = [HOST, 'User-Agent: GoogleHC/1.0', 'X-Health-Check: 1'];
    expect((await ask('GET /api/ping', checker)).status).toBe(401);
    expect(urls()).toEqual([]);
  });
});
