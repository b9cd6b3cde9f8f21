import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Attack, head, HOST, refused, SIGNED, signedHead } from '../support/attack.ts';
import { SIGNED_IN } from '../support/proxy-stand.ts';
import { header, RawClient } from '../support/raw-http.ts';

const ORIGIN = 'Origin: https://app.example.com';
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
const COOKIE = `Cookie: ${SIGNED_IN}`;
const handshake = (path: string, ...lines: readonly string[]): string => head(`GET ${path}`, HOST, ...UPGRADE, ...lines);

describe('upgrades', () => {
  let attack: Attack;
  beforeAll(async () => (attack = await Attack.open({ routes: [{ path: '/api' }, { path: '/public', token: 'none', csrf: true }] })));
  afterEach(() => attack.forget());
  afterAll(() => attack.close());

  describe('A81 cross-site WebSocket hijacking', () => {
    it.each([
      ['missing', []],
      ['foreign', ['Origin: https://evil.example']],
      ['null', ['Origin: null']],
      ['empty', ['Origin:']],
      ['ours as a prefix', ['Origin: https://app.example.com.evil.example']],
      ['ours as a suffix', ['Origin: https://evil-app.example.com']],
      ['a sibling', ['Origin: https://other.example.com']],
      ['a parent', ['Origin: https://example.com']],
      ['ours in another scheme', ['Origin: http://app.example.com']],
      ['ours in the scheme of WebSockets', ['Origin: wss://app.example.com']],
      ['ours with another port', ['Origin: https://app.example.com:8443']],
      ['ours with its default port', ['Origin: https://app.example.com:443']],
      ['ours with a path', ['Origin: https://app.example.com/']],
      ['ours with user info', ['Origin: https://evil@app.example.com']],
      ['ours in another case', ['Origin: https://APP.example.com']],
      ['ours and another in one line', ['Origin: https://app.example.com, https://evil.example']],
      ['ours and another in two lines', [ORIGIN, 'Origin: https://evil.example']],
      ['another and ours in two lines', ['Origin: https://evil.example', ORIGIN]],
      ['ours twice', [ORIGIN, ORIGIN]],
      ['missing, with the old Sec-WebSocket-Origin', ['Sec-WebSocket-Origin: https://app.example.com']],
      ['missing, with X-CSRF', ['X-CSRF: 1']],
      ['missing, with Fetch Metadata', ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Mode: websocket']],
      ['missing, with our Referer', ['Referer: https://app.example.com/']],
    ])('an Origin that is %s: 403, on every route', async (_, lines) => {
      for (const path of ['/api', '/public']) {
        const client = await RawClient.open(attack.stand.port);
        const answer = await client.send(handshake(path, COOKIE, ...lines)).answer();
        expect([await client.closed(), header(answer, 'connection'), header(answer, 'content-type')]).toEqual([
          '',
          'close',
          'application/problem+json',
        ]);
        expect(await attack.judge(answer)).toEqual(refused(403, 'origin_refused'));
      }
    });

    it('the right Origin is no session', async () => {
      expect(await attack.outcome(handshake('/api', ORIGIN))).toEqual(refused(401, 'not_logged_in'));
    });
  });

  describe('A46, A37 a handshake is judged by the same path as any request', () => {
    it.each([
      '/public/../api',
      '/public/%2e%2e/api',
      '/public/..;/api',
      '/public%2f..%2fapi',
      '//api',
      '/api#',
      'http://app.example.com/public/../api',
    ])('%s: 400', async (path) => expect(await attack.outcome(handshake(path, ORIGIN, COOKIE))).toEqual(refused(400, 'path_refused')));

    it.each(['/', '/apix', '/API', '/bff', '/bff/events', '/bff/session'])('%s is no route: 404', async (path) => {
      expect(await attack.outcome(handshake(path, ORIGIN, COOKIE))).toEqual(refused(404, 'route_not_found'));
    });

    it.each([
      ['another Host', handshake('/api', ORIGIN, COOKIE).replace(HOST, 'Host: evil.example')],
      ['no Host', handshake('/api', ORIGIN, COOKIE).replace(`${HOST}\r\n`, '')],
      ['two Hosts', handshake('/api', HOST, ORIGIN, COOKIE)],
      ['a target elsewhere', handshake('http://evil.example/api', ORIGIN, COOKIE)],
    ])('%s: 421', async (_, bytes) => expect(await attack.outcome(bytes)).toEqual(refused(421, 'wrong_host')));
  });

  describe('A34 bytes around an upgrade', () => {
    it.each([
      ['refused for its Origin', handshake('/api', COOKIE)],
      ['to no route', handshake('/bff', ORIGIN, COOKIE)],
      ['signed out', handshake('/api', ORIGIN)],
    ])('behind a handshake that was %s are never a request', async (_, bytes) => {
      const client = await RawClient.open(attack.stand.port);
      const received = await client.send(bytes + signedHead('GET /api/smuggled')).closed();
      expect([received.match(/HTTP\/1\.1 \d/g)?.length, attack.upstream.requests]).toEqual([1, []]);
    });

    it.each([
      ['a length', ['Content-Length: 2'], 'ok'],
      ['chunks', ['Transfer-Encoding: chunked'], '2\r\nok\r\n0\r\n\r\n'],
    ])('as the body of a handshake, by %s: 400', async (_, lines, body) => {
      expect(await attack.outcome(handshake('/api', ORIGIN, COOKIE, ...lines) + body)).toEqual(refused(400, 'bad_request'));
    });

    const KEY = /Sec-WebSocket-Key: .*\r\n/;
    it.each([
      ['no key', ''],
      ['an empty key', 'Sec-WebSocket-Key:\r\n'],
      ['a short key', 'Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n'],
      ['a long key', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSBhZ2Fpbg==\r\n'],
      ['a key that is no base64', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!!==\r\n'],
      ['two keys', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n'],
      ['the same key twice', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'.repeat(2)],
    ])('a handshake with %s is the client’s mistake: 400, and the upstream never hears of it', async (_, lines) => {
      const bytes = handshake('/api', ORIGIN, COOKIE);
      expect(bytes).toMatch(KEY);
      expect(await attack.outcome(bytes.replace(KEY, lines))).toEqual(refused(400, 'bad_request'));
    });

    it('a handshake pipelined behind an unanswered request is not taken for its answer', async () => {
      const handler = attack.upstream.handler;
      attack.upstream.handler = () => undefined; // it never answers
      const client = await RawClient.open(attack.stand.port);
      const received = await client.send(signedHead('GET /api/first') + handshake('/api/ws', ORIGIN, COOKIE)).closed();
      attack.upstream.handler = handler;
      expect([received, attack.upstream.requests.map((it) => it.url)]).toEqual(['', ['/api/first']]);
    });

    it.each([
      ['h2c', 'GET', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA']],
      ['h2c named by no Connection', 'GET', ['Upgrade: h2c']],
      ['h2c beside websocket', 'GET', ['Connection: Upgrade', 'Upgrade: h2c, websocket']],
      ['TLS', 'OPTIONS', ['Connection: Upgrade', 'Upgrade: TLS/1.0']],
      ['websocket by POST', 'POST', ['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 0']],
      ['websocket that Connection does not name', 'GET', ['Upgrade: websocket']],
    ])('%s is served as HTTP, without the Upgrade', async (_, method, lines) => {
      const client = await RawClient.open(attack.stand.port);
      const answer = await client.send(signedHead(`${method} /api`, ...lines)).answer();
      const second = await client.send(signedHead('GET /api/second')).answer();
      client.destroy();
      expect([answer.status, second.status, attack.upstream.requests.length]).toEqual([200, 200, 2]);
      const { headers } = await attack.upstream.request();
      expect([headers.upgrade, headers['http2-settings'], headers.connection]).toEqual([undefined, undefined, 'keep-alive']);
    });

    it('websocket under HTTP/1.0 is served as HTTP', async () => {
      const bytes = head('GET /api', ...SIGNED, ...UPGRADE).replace('HTTP/1.1', 'HTTP/1.0');
      expect(await attack.outcome(bytes)).toMatchObject({ status: 200, upstream: ['GET /api'] });
    });
  });
});
