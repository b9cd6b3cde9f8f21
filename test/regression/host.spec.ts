import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Attack, head, HOST, refused, SIGNED, signedHead } from '../support/attack.ts';

const REST = SIGNED.slice(1);
const withHost = (...hosts: readonly string[]): string => head('GET /api', ...hosts.map((it) => `Host: ${it}`), ...REST);

describe('whom a request is for', () => {
  let attack: Attack;
  beforeAll(async () => (attack = await Attack.open({ routes: [{ path: '/api' }, { path: '/kept', preserveHost: true }] })));
  afterEach(() => attack.forget());
  afterAll(() => attack.close());

  describe('A29 Host (RFC 9112 §3.2)', () => {
    it.each([
      ['is there twice', withHost('app.example.com', 'app.example.com')],
      ['is there twice with another', head('GET /api', HOST, 'hOST: evil.example', ...REST)],
      ['is a list', withHost('app.example.com, evil.example')],
      ['is missing', head('GET /api', ...REST)],
      ['is missing under HTTP/1.0', head('GET /api', ...REST).replace('HTTP/1.1', 'HTTP/1.0')],
      ['is empty', withHost('')],
      ['is empty under HTTP/1.0', withHost('').replace('HTTP/1.1', 'HTTP/1.0')],
      ['is another', withHost('evil.example')],
      ['is a suffix of ours', withHost('evil-app.example.com')],
      ['has ours as a prefix', withHost('app.example.com.evil.example')],
      ['is our address', withHost('127.0.0.1')],
      ['has user info', withHost('app.example.com@evil.example')],
      ['is user info', withHost('evil@app.example.com')],
      ['has a port that is none', withHost('app.example.com:x')],
      ['has another port', withHost('app.example.com:8443')],
      ['has two ports', withHost('app.example.com:443:443')],
      ['has an empty port', withHost('app.example.com:')],
      ['has a path', withHost('app.example.com/evil')],
      ['has a query', withHost('app.example.com?evil')],
      ['has a fragment', withHost('app.example.com#evil')],
      ['has a backslash', withHost('app.example.com\\evil')],
      ['has a scheme', withHost('https://app.example.com')],
      ['has a space inside', withHost('app.example.com evil')],
      ['ends with a dot', withHost('app.example.com.')],
      ['is encoded', withHost('app%2eexample.com')],
      ['has full-width letters', withHost(Buffer.from('ａpp.example.com').toString('latin1'))],
      ['has an IPv6 zone', withHost('[fe80::1%25eth0]')],
      ['differs from the target', head('GET http://evil.example/api', HOST, ...REST)],
      ['is right but the target has user info', head('GET http://u@app.example.com/api', HOST, ...REST)],
      ['is right but the target has no host', head('GET http:///api', HOST, ...REST)],
      ['is right but the target has another port', head('GET http://app.example.com:81/api', HOST, ...REST)],
      ['is wrong but the target right', head('GET https://app.example.com/api', 'Host: evil.example', ...REST)],
      ['is wrong, and X-Forwarded-Host right', head('GET /api', 'Host: evil.example', 'X-Forwarded-Host: app.example.com', ...REST)],
    ])('%s: 421', async (_, bytes) => expect(await attack.outcome(bytes)).toEqual(refused(421, 'wrong_host')));

    it.each(['app.example.com', 'APP.Example.COM', 'app.example.com:443'])(
      '%s is ours, and the upstream is asked by its own name',
      async (name) => {
        expect((await attack.ask(withHost(name))).status).toBe(200);
        expect((await attack.upstream.request()).headers.host).toBe(attack.upstream.authority);
      },
    );

    it.each(['app.example.com', 'APP.Example.COM', 'app.example.com:443'])(
      '%s goes upstream as publicUrl spells it, where the route says so',
      async (name) => {
        await attack.ask(withHost(name).replace('/api', '/kept'));
        expect((await attack.upstream.request()).headers.host).toBe('app.example.com');
      },
    );
  });

  describe('A38 GHSA-hx87-8wv7-pjv8, nest#17737: a target in absolute form', () => {
    it.each(['http://app.example.com', 'https://app.example.com', 'HTTP://APP.EXAMPLE.COM', 'https://app.example.com:443'])(
      'at %s is judged and forwarded like any other',
      async (origin) => {
        expect(await attack.outcome(head(`GET ${origin}/api/x`, HOST))).toEqual(refused(401, 'not_logged_in'));
        expect(await attack.outcome(signedHead(`GET ${origin}/api/x?y`))).toMatchObject({ status: 200, upstream: ['GET /api/x?y'] });
        expect(await attack.outcome(signedHead(`GET ${origin}/api/%2e%2e/x`))).toEqual(refused(400, 'path_refused'));
        expect(await attack.outcome(signedHead(`GET ${origin}//evil.example/api`))).toEqual(refused(400, 'path_refused'));
      },
    );

    it.each([
      'ftp://app.example.com/api',
      'app.example.com/api',
      'http:/api',
      'http:api',
      'file:///etc/passwd',
      'javascript:alert(1)',
      '*',
      'api',
    ])('that is no URL of ours, %s: 400', async (target) =>
      expect(await attack.outcome(signedHead(`GET ${target}`))).toMatchObject({ status: 400, upstream: [], next: 200 }),
    );
  });

  describe('A49 server-side request forgery', () => {
    it.each([
      '//evil.example/api',
      '///evil.example',
      '/\\evil.example',
      '/api//evil.example',
      '/api/http://169.254.169.254/latest',
      '@evil.example/api',
      ':80@evil.example/api',
    ])('%s names no other host', async (target) =>
      expect(await attack.outcome(signedHead(`GET ${target}`))).toMatchObject({ status: 400, upstream: [], next: 200 }),
    );

    it.each(['/api@evil.example', '/api:80@evil.example', '/api.evil.example', '/api%40evil.example', '/apifoo'])(
      '%s is no route',
      async (target) => {
        const { upstream } = await attack.outcome(signedHead(`GET ${target}`));
        expect(upstream).toEqual([]);
      },
    );

    it.each([
      '/api/@evil.example',
      '/api/x@evil.example:80',
      '/api/http:evil',
      '/api/?url=http://evil.example',
      '/api/%5Bfe80::1%25eth0%5D',
    ])('%s is a path on the upstream of the route', async (target) =>
      expect((await attack.outcome(signedHead(`GET ${target}`))).upstream).toEqual([`GET ${target}`]),
    );

    it('CONNECT opens nothing', async () => {
      for (const target of ['evil.example:443', 'app.example.com:443', '127.0.0.1:22', '/api'])
        expect((await attack.outcome(signedHead(`CONNECT ${target}`))).upstream).toEqual([]);
    });
  });
});
