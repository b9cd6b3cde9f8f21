import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Attack, head, HOST, refused, signedHead } from '../support/attack.ts';
import type { SeenRequest } from '../support/upstream-stub.ts';

const ROUTES = [
  { path: '/api', identityHeaders: { 'X-User': 'sub', X_Groups: 'groups' } },
  { path: '/public', token: 'none' as const, csrf: false },
  { path: '/machine', token: 'none' as const, csrf: false, clientAuthorization: 'pass' as const },
];

describe('headers that a client must not decide', () => {
  let attack: Attack;
  beforeAll(async () => (attack = await Attack.open({ routes: ROUTES })));
  afterEach(() => attack.forget());
  afterAll(() => attack.close());

  async function seen(path: string, ...lines: readonly string[]): Promise<SeenRequest> {
    const answer = await attack.ask(signedHead(`GET ${path}`, ...lines));
    expect(answer.status).toBe(200);
    return attack.upstream.request();
  }

  describe('A28 CVE-2025-64484: every spelling of a header that is ours to send', () => {
    const ours = ['X-User', 'X-Groups', 'X-Forwarded-User', 'X-Forwarded-For', 'X-Forwarded', 'X-Real-IP', 'X-Request-Id', 'Forwarded'];
    const other = ['X-Original-URL', 'X-Rewrite-URL', 'Proxy-Authorization', 'Proxy-User', 'Front-End-Https', 'X-CSRF'];
    const spellings = (name: string): string[] => [
      name,
      name.toUpperCase(),
      name.replaceAll('-', '_'),
      name.toLowerCase().replace('-', '_'),
      name.replaceAll('-', '.'),
      `${name}.`,
      `${name}_`,
      `${name}-`,
    ];

    it.each([...ours, ...other].flatMap(spellings))('%s is removed on every route, however often it comes', async (name) => {
      for (const { path } of ROUTES) {
        const { rawHeaders } = await seen(path, `${name}: evil`, 'X-Between: 1', `${name}: evil`);
        expect(rawHeaders.join('\n')).not.toContain('evil');
        expect(rawHeaders).toContain('X-Between');
        attack.forget();
      }
    });

    it.each(['Authorization', 'AUTHORIZATION', 'authorization', 'Authorization.', 'Authorization_'])(
      '%s is the route’s own bearer or none',
      async (name) => {
        expect((await seen('/api', `${name}: Bearer evil`, `${name}: evil`)).rawHeaders.join('\n')).not.toContain('evil');
        expect((await attack.upstream.request()).headers.authorization).toBe('Bearer access-token');
        attack.forget();
        expect((await seen('/public', `${name}: Bearer evil`)).rawHeaders.join('\n')).not.toContain('evil');
      },
    );

    it.each(['Content_Length', 'Content.Length', 'content_type', 'Content-Length_', 'Content_Encoding', 'Transfer_Encoding', 'Host_'])(
      '%s, which some upstreams take for the framing of the request, is removed',
      async (name) => expect((await seen('/api', `${name}: evil`)).rawHeaders.join('\n')).not.toContain('evil'),
    );

    it.each(['X-User : root', 'X-User\t: root', ' X-User: root', 'X User: root', 'X-User\x00: root'])('%j cannot be read', async (line) => {
      expect(await attack.outcome(signedHead('GET /api', line))).toEqual(refused(400, 'bad_request'));
    });

    it('a machine’s own Authorization passes where the route says so, and never with a session’s bearer', async () => {
      const { headers } = await seen('/machine', 'Authorization: Bearer machine');
      expect(headers.authorization).toBe('Bearer machine');
    });

    it('a header that only resembles one passes', async () => {
      const { headers } = await seen('/api', 'X-Users: 1', 'X-Forward: 2', 'X-Forwarding-Hint: 3', 'Proxies: 4', 'X-Originals: 5');
      expect([headers['x-users'], headers['x-forward'], headers['x-forwarding-hint'], headers['proxies'], headers['x-originals']]).toEqual([
        '1',
        '2',
        '3',
        '4',
        '5',
      ]);
    });
  });

  describe('A41 CVE-2026-40575: a header names another URL', () => {
    const names = ['X-Forwarded-Uri', 'X-Original-URL', 'X-Original-Uri', 'X-Rewrite-URL', 'X-Envoy-Original-Path', 'X-Forwarded-Prefix'];
    it.each([...names, 'X-Forwarded-Path', 'X-Override-URL', 'Referer', 'X-HTTP-Host-Override'])('%s changes no decision', async (name) => {
      expect(await attack.outcome(head('GET /api', HOST, `${name}: /public`))).toEqual(refused(401, 'not_logged_in'));
      expect(await attack.outcome(head('GET /public', HOST, `${name}: /api`))).toMatchObject({ status: 200, upstream: ['GET /public'] });
    });
  });

  describe('A44 a header names another method', () => {
    it.each(['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', '_method'])(
      '%s makes no other method of a request',
      async (name) => {
        expect(await attack.outcome(head('POST /api', HOST, `${name}: GET`, 'Content-Length: 0'))).toEqual(refused(403, 'csrf_refused'));
        expect(await attack.outcome(head('GET /api', HOST, `${name}: OPTIONS`))).toEqual(refused(401, 'not_logged_in'));
      },
    );
  });
});
