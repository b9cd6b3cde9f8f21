import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Attack, head, HOST, refused, SIGNED, signedHead } from '../support/attack.ts';

const ROUTES = [
  { path: '/api' },
  { path: '/api/open', token: 'none' as const },
  { path: '/public', token: 'none' as const },
  { path: '/files', allowEncodedSlash: true },
  { path: '/read', methods: ['GET', 'HEAD'] },
];
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

describe('a path that two readers could understand differently', () => {
  let attack: Attack;
  beforeAll(async () => (attack = await Attack.open({ routes: ROUTES })));
  afterEach(() => attack.forget());
  afterAll(() => attack.close());

  const signedOut = (path: string): Promise<unknown> => attack.outcome(head(`GET ${path}`, HOST));
  const signedIn = async (path: string): Promise<readonly string[]> => (await attack.outcome(signedHead(`GET ${path}`))).upstream;

  it.each(['/%61pi/x', '/ap%69/x', '/%61%70%69/x', '/api/%78'])(
    'A36 CVE-2026-22031, CVE-2025-69211: %s is judged and forwarded as /api/x',
    async (path) => {
      expect(await signedOut(path)).toEqual(refused(401, 'not_logged_in'));
      expect(await signedIn(path)).toEqual(['GET /api/x']);
    },
  );

  it.each(['/public/%61', '/api/open/%2561', '/api/%25', '/api/50%25', '/api/%25zz', '/api/a;x=1/b', '/api/@x', '/api/a:b,c'])(
    'A36 %s is forwarded as it was judged',
    async (path) => expect(await signedIn(path)).toEqual([`GET ${path.replace('%61', 'a')}`]),
  );

  const ambiguous = [
    ...[
      '/api/..%2fadmin',
      '/api/%2e%2e/admin',
      '/api/.%2e/admin',
      '/api/%2E./admin',
      '/api/..;/admin',
      '/api/..;x=1/admin',
      '/api/.;/admin',
    ],
    ...[
      '/api//evil',
      '/api/\\evil',
      '/api/%5c..%5cadmin',
      '/api/%2f%2fevil',
      '/api/a%2fb',
      '/api/a%2Fb',
      '/api/a%00b',
      '/api/%00',
      '/api/a%5Cb',
    ],
    ...['/api/%252e%252e/x', '/api/%25%32%65%25%32%65/x', '/api/%2525252e/x', '/api/%252f', '/api/%255c', '/api/%2500', '/api/%25%30%30'],
    ...[
      '/api/..',
      '/api/.',
      '/api/../',
      '/api/./x',
      '/api/x/..',
      '/api/..%3b/x',
      '/api/..%3Bx/y',
      '/api/..%20/x',
      '/api/..%3f/x',
      '/api/..%23/x',
    ],
    ...['/public/../api/x', '/public/%2e%2e/api/x', '/public/..;/api/x', '/public%2f..%2fapi', '//api/x', '/./api/x', '/api/open/../x'],
    ...['/api%2fx', '/%2fapi', '/%2e/api', '/%5capi', '/bff%2fsession', '/bff/..%2fapi', '/bff//session'],
    ...[
      '/files/%2f',
      '/files/a%2f%2fb',
      '/files/a%2f..%2fb',
      '/files/..%2fb',
      '/files/%2e%2e%2fb',
      '/files/a%252fb',
      '/files%2fa',
      '/files/a%5cb',
    ],
  ];
  it.each(ambiguous)('A37 %s: 400', async (path) => {
    expect(await attack.outcome(signedHead(`GET ${path}`))).toEqual(refused(400, 'path_refused'));
  });

  it.each(['/files/a%2fb', '/files/a%2Fb%2fc'])('A37 %s passes where the route says so', async (path) => {
    expect(await signedIn(path)).toEqual([`GET ${path}`]);
  });

  it.each(['/api?x=/public', '/api?/public/../', '/api?%2e%2e/public', '/api?a=//b', '/api?a=%00', '/api?a=%zz', '/api?', '/api??'])(
    'A39 GHSA-7rh7-c77v-6434: the query of %s takes no part, and arrives as it is',
    async (path) => {
      expect(await signedOut(path)).toEqual(refused(401, 'not_logged_in'));
      expect(await signedIn(path)).toEqual([`GET ${path}`]);
    },
  );

  it.each(['/public#/../api', '/api#x', '/api?x#y', '#/api', '/#/api', '/api/#', '/public/..#'])(
    'A40 GHSA-pxq7-h93f-9jrg: the fragment of %s is refused',
    async (path) => expect(await attack.outcome(signedHead(`GET ${path}`))).toEqual(refused(400, 'path_refused')),
  );

  it('A40 an encoded number sign is a character of the path', async () => {
    expect(await signedOut('/api/%23/public')).toEqual(refused(401, 'not_logged_in'));
    expect(await signedIn('/api/%23x')).toEqual(['GET /api/%23x']);
  });

  it.each(['GET /ping', 'GET /api/ping', 'GET /healthz', 'PING /api', 'GET /api/.well-known/x', 'HEAD /api/ping'])(
    'A42 GHSA-5hvv-m4w4-gf6v: %s of a health checker opens nothing',
    async (start) => {
      const lines = [HOST, 'User-Agent: GoogleHC/1.0', 'X-Health-Check: 1', 'User-Agent: kube-probe/1.29'];
      const { upstream } = await attack.outcome(head(start, ...lines), { bodiless: start.startsWith('HEAD') });
      expect(upstream).toEqual([]);
    },
  );

  it.each([
    '/API/x',
    '/Api',
    '/api.json',
    '/apix',
    '/api;jsessionid=1',
    '/api;/x',
    '/api%20',
    '/api%09/x',
    '/api%3b/x',
    '/public-secret',
    '/publicx',
  ])('A43 %s is no route, and so never upstream', async (path) => expect(await signedIn(path)).toEqual([]));

  it.each(['/／api', '/api／x', '/api/．．/x', '/ａpi', '/api/é', '/api/\x7f', '/api/\x80', '/api/\x01'])('A43 raw %j: 400', async (path) =>
    expect(await attack.outcome(signedHead(`GET ${latin1(path)}`))).toEqual(refused(400, 'path_refused')),
  );

  it.each(['/api/%c0%ae%c0%ae/x', '/api/%c0%af', '/api/%e0%80%ae', '/api/%E0%80%AF', '/api/%f0%80%80%ae', '/api/%c1%9c'])(
    'A43 overlong UTF-8 in %s: 400',
    async (path) => expect(await attack.outcome(signedHead(`GET ${path}`))).toEqual(refused(400, 'path_refused')),
  );

  it.each(['/api/%', '/api/%2', '/api/%zz', '/api/%u002e', '/%/api', '/api/%%32e'])('A43 half an escape in %s: 400', async (path) => {
    expect(await attack.outcome(signedHead(`GET ${path}`))).toEqual(refused(400, 'path_refused'));
  });

  it.each([
    '/api',
    '/api/',
    '/api/;jsessionid=1',
    '/api/x.json',
    '/api/x%EF%BC%8F..%EF%BC%8Fy',
    '/api/%EF%BC%8E%EF%BC%8E/x',
    '/api/opened',
    '/api/opened;x',
  ])('A43 %s needs a session like the rest of the route', async (path) =>
    expect(await signedOut(path)).toEqual(refused(401, 'not_logged_in')),
  );

  it.each(['GET', 'HEAD', 'OPTIONS', 'DELETE', 'QUERY', 'PUT', 'PATCH', 'POST'])('A44 a %s needs a session', async (method) => {
    const bytes = head(`${method} /api/x`, ...SIGNED.slice(0, 2));
    expect(await attack.outcome(bytes, { bodiless: method === 'HEAD' })).toEqual(refused(401, 'not_logged_in'));
  });

  it.each(['TRACE', 'PROPFIND', 'PURGE', 'M-SEARCH', 'LINK', 'MKCOL', 'SOURCE'])('A44 a %s is refused: 405', async (method) => {
    const answer = await attack.ask(signedHead(`${method} /api/x`));
    expect(answer.lines.find(([name]) => name === 'allow')?.[1]).toMatch(/GET.*POST/);
    expect(await attack.judge(answer)).toEqual(refused(405, 'method_not_allowed'));
  });

  it('A44 a CONNECT is refused, and its connection closed', async () => {
    expect(await attack.outcome(signedHead('CONNECT app.example.com:443'))).toEqual(refused(405, 'method_not_allowed'));
  });

  it.each(['POST', 'DELETE', 'OPTIONS'])('A44 a %s is refused where the route names other methods', async (method) => {
    const answer = await attack.ask(signedHead(`${method} /read/x`));
    expect(answer.lines.find(([name]) => name === 'allow')?.[1]).toBe('GET, HEAD');
    expect(await attack.judge(answer)).toEqual(refused(405, 'method_not_allowed'));
  });

  it('A45 a route is a segment prefix, and the longest wins', async () => {
    expect(await signedOut('/api/open/x')).toMatchObject({ status: 200, upstream: ['GET /api/open/x'] });
    expect(await signedOut('/api/ope/x')).toEqual(refused(401, 'not_logged_in'));
    expect((await attack.outcome(head('GET /publicsecret', HOST))).upstream).toEqual([]);
  });

  it('A45 thousands of segments are judged like one', async () => {
    const path = `/api${'/a%2541;.'.repeat(1_000)}`;
    expect(await signedIn(path)).toEqual([`GET ${path}`]);
    expect(await attack.outcome(signedHead(`GET ${'/api'.repeat(5_000)}/..`))).toEqual(refused(400, 'path_refused'));
  });
});
