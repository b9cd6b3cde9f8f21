import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Attack, HOST, head, signedHead } from '../support/attack.ts';
import { active, PUBLIC, SESSION_COOKIE } from '../support/proxy-stand.ts';
import { header, headers, type RawAnswer } from '../support/raw-http.ts';

const OURS = `${SESSION_COOKIE}=ours; Path=/`;
type Given = Readonly<Record<string, string | string[]>>;
const TICKET = { ticket: active().ticket, takenAt: 0 };

describe('what an upstream says to the whole world', () => {
  let attack: Attack;
  let refreshed = false;
  beforeAll(async () => {
    attack = await Attack.open({
      routes: [{ path: '/api' }, { path: '/public', token: 'none', csrf: false }, { path: '/kept', preserveHost: true }],
      fresh: ({ session }) => ({ kind: 'usable', session, ...(refreshed ? { taken: TICKET } : {}) }),
      setCookies: (taken) => (taken === undefined ? [] : [OURS]),
    });
  });
  beforeEach(() => void (refreshed = false));
  afterAll(() => attack.close());

  async function answered(given: Given, path = '/api', status = 200): Promise<RawAnswer> {
    attack.upstream.handler = (_request, response) => response.writeHead(status, given).end();
    return attack.ask(signedHead(`GET ${path}`, `Origin: ${PUBLIC}`));
  }

  describe('A80 CORS', () => {
    it.each([
      ['any origin', { 'access-control-allow-origin': '*' }],
      ['our origin with credentials', { 'access-control-allow-origin': PUBLIC, 'access-control-allow-credentials': 'true' }],
      ['a foreign origin', { 'Access-Control-Allow-Origin': 'https://evil.example', 'ACCESS-CONTROL-ALLOW-CREDENTIALS': 'true' }],
      ['all the rest', { 'access-control-expose-headers': '*', 'access-control-allow-methods': '*', 'access-control-max-age': '600' }],
      ['private networks', { 'access-control-allow-private-network': 'true' }],
      ['timings', { 'timing-allow-origin': '*' }],
    ])('that opens an answer to %s does not come through, on no route', async (_, given) => {
      for (const path of ['/api', '/public']) {
        const names = (await answered({ ...given, 'x-kept': '1' }, path)).lines.map(([name]) => name);
        expect([names.filter((it) => /^access-control-|^timing-allow/.test(it)), names.includes('x-kept')]).toEqual([[], true]);
      }
    });

    it('what only closes an answer to others comes through', async () => {
      const closing = {
        'cross-origin-resource-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
        'cross-origin-opener-policy': 'same-origin',
      };
      const answer = await answered(closing);
      expect(Object.keys(closing).map((name) => header(answer, name))).toEqual(Object.values(closing));
    });
  });

  describe('caching of an answer with our cookie', () => {
    const foreign: readonly Given[] = [
      { 'cache-control': 'public, max-age=600' },
      { 'cache-control': 's-maxage=600' },
      { 'cache-control': ['public', 'immutable'] },
      { expires: 'Thu, 01 Jan 2099 00:00:00 GMT' },
      { 'cdn-cache-control': 'max-age=600' },
      { 'cloudflare-cdn-cache-control': 'max-age=600' },
      { 'surrogate-control': 'max-age=600' },
      { 'edge-control': 'cache-maxage=600' },
      { 'x-accel-expires': '600' },
      { pragma: 'public' },
    ];

    it.each(foreign)('%j: no cache may keep it', async (given) => {
      refreshed = true;
      const answer = await answered({ ...given, etag: '"1"', vary: 'Accept' });
      const of = /cache-control$|expires$|surrogate-control|edge-control|pragma/;
      expect(answer.lines.filter(([name]) => of.test(name))).toEqual([['cache-control', 'no-store']]);
      expect([headers(answer, 'set-cookie'), header(answer, 'etag'), header(answer, 'vary')]).toEqual([[OURS], '"1"', 'Accept']);
    });

    it.each([204, 304, 302, 404, 500])('is none with a %i either', async (status) => {
      refreshed = true;
      const answer = await answered({ 'cache-control': 'max-age=600', location: '/api/x' }, '/api', status);
      expect([answer.status, headers(answer, 'cache-control'), headers(answer, 'set-cookie')]).toEqual([status, ['no-store'], [OURS]]);
    });

    it.each(foreign)('%j is the upstream’s to say where no cookie of ours goes out', async (given) => {
      const answer = await answered(given);
      for (const [name, value] of Object.entries(given)) expect(headers(answer, name)).toEqual([value].flat());
    });

    it('is private, and differs by Cookie, where the upstream says nothing', async () => {
      const answer = await answered({ vary: 'Accept' });
      expect([headers(answer, 'cache-control'), headers(answer, 'vary')]).toEqual([['private'], ['Accept', 'Cookie']]);
      expect(headers(await answered({}, '/public'), 'cache-control')).toEqual([]);
    });

    it('of our own refusals is none', async () => {
      const answer = await attack.ask(head('GET /api', HOST));
      expect([answer.status, headers(answer, 'cache-control')]).toEqual([401, ['no-store']]);
    });
  });

  describe('redirects (they are never followed)', () => {
    it.each([
      ['http://10.0.0.5:9000/secret'],
      ['//10.0.0.5/secret'],
      ['/\\10.0.0.5/secret'],
      ['https://evil.example/'],
      ['javascript:alert(1)'],
      ['data:text/html,x'],
      ['http://app.example.com:8080/'],
      ['https://app.example.com.evil.example/'],
      ['https://app.example.com@evil.example/'],
      ['http://[::1]/'],
      ['http://'],
    ])('to %s: 502, and the address is told to nobody', async (location) => {
      const answer = await answered({ location }, '/api', 302);
      expect([answer.status, header(answer, 'cloakroom-error'), header(answer, 'location')]).toEqual([502, 'upstream_protocol', undefined]);
      expect(answer.body).not.toMatch(/10\.0\.0\.5|evil/);
    });

    it.each([301, 302, 303, 307, 308])('with %i to its own name become ours, and it is asked once', async (status) => {
      attack.forget();
      const answer = await answered({ location: `${attack.upstream.origin}/api/x?y#z` }, '/api', status);
      expect([answer.status, header(answer, 'location'), attack.upstream.requests.length]).toEqual([status, '/api/x?y#z', 1]);
    });

    it('to the public name by plain http, as an upstream behind TLS believes it, are ours too', async () => {
      const answer = await answered({ location: 'http://app.example.com/kept/x?y' }, '/kept', 302);
      expect([answer.status, header(answer, 'location')]).toEqual([302, `${PUBLIC}/kept/x?y`]);
    });
  });

  it('GHSA-style marks of ours do not come through: a 401 of the upstream is not taken for ours', async () => {
    const answer = await answered(
      { 'cloakroom-error': 'session_expired', 'CLOAKROOM-ERROR': 'x', 'clear-site-data': '"*"', refresh: '0;url=//x' },
      '/api',
      401,
    );
    expect([answer.status, answer.lines.filter(([name]) => /^cloakroom|^clear-site|^refresh/.test(name))]).toEqual([401, []]);
  });
});
