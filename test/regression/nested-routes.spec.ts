import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { RouteOptions } from '../../src/proxy/api-routes.ts';
import { Attack, head, HOST, refused, signedHead } from '../support/attack.ts';

const OPEN: Partial<RouteOptions> = { token: 'none', csrf: false, allowEncodedSlash: true };

/** Beside publicUrl's path, whoever takes it off, and with prefixes that the upstream never sees. */
const TOPOLOGIES = [
  { title: 'at the root', path: '', ingressStripsPath: false, stripPrefix: false },
  { title: 'with stripPrefix', path: '', ingressStripsPath: false, stripPrefix: true },
  { title: 'below publicUrl’s path', path: '/app', ingressStripsPath: false, stripPrefix: false },
  { title: 'below a path that the ingress takes off', path: '/app', ingressStripsPath: true, stripPrefix: false },
];

describe.each(TOPOLOGIES)('A43 a stricter route inside another, $title', ({ path, ingressStripsPath, stripPrefix }) => {
  const seen = ingressStripsPath ? '' : path;
  let attack: Attack;
  beforeAll(async () => {
    attack = await Attack.open({
      publicUrl: { origin: 'https://app.example.com', path },
      ingressStripsPath,
      routes: [
        { path: '/api', ...OPEN, stripPrefix },
        { path: '/api/admin', stripPrefix },
        { path: '/api/admin/open', ...OPEN, stripPrefix },
      ],
      ownPath: `${seen}/api`,
    });
  });
  afterEach(() => attack.forget());
  afterAll(() => attack.close());

  const signedOut = (inner: string): Promise<unknown> => attack.outcome(head(`GET ${seen}${inner}`, HOST));

  it.each(['/api/admin', '/api/admin/x', '/api/%61dmin/x', '/api/admin/;a=1', '/api/admin/%2541'])('guards %s', async (inner) =>
    expect(await signedOut(inner)).toEqual(refused(401, 'not_logged_in')),
  );

  it.each([
    ['parameters', ['/api/admin;a=1/x', '/api/admin;/x', '/api/admin;', '/api/;x/admin', '/api/;/;/admin/x', '/api/admin;a;b=1,2/x;y/z']],
    ['an encoded semicolon', ['/api/admin%3Ba=1/x', '/api/admin%3b', '/api/%3Bx/admin', '/api/admin%253Bx/y', '/api/admin%25253Bx']],
    ['an encoded slash', ['/api/admin%2Fx', '/api/admin%2fx', '/api/admin%2F', '/api/x;y%2F/admin', '/api/;a%2Fadmin/x']],
    ['an encoded slash and parameters', ['/api/admin;a=1%2Fx', '/api/admin%3Ba%2Fx', '/api/;x%2Fadmin', '/api/;%2Fadmin']],
    ['an encoded slash and dot segments', ['/api/x%2F..%2Fadmin', '/api/x%2F%2E%2E%2Fadmin', '/api/x/..%2Fadmin', '/api/.%2Fadmin']],
    ['an empty segment', ['/api/%2Fadmin', '/api//admin', '/api/%2F%2Fadmin']],
    ['backslashes', ['/api%5Cadmin', '/api/x%5Cadmin', '/api/admin%5Cx', '/api/admin%255Cx', '/api/x%5C..%5Cadmin']],
    ['two encodings', ['/api/%2561dmin/x', '/api/%252561dmin', '/api/admin%252Fx', '/api/x%252F..%252Fadmin', '/api/adm%2569n']],
    ['a query or fragment that is none', ['/api/admin%3Fx', '/api/admin%3F/x', '/api/admin%23/x', '/api/admin%253Fx', '/api/admin%2523']],
    [
      'dots and blanks at an end',
      ['/api/admin./x', '/api/admin..', '/api/admin%20/x', '/api/admin.%20.', '/api/%20admin', '/api/admin%09/x'],
    ],
    ['line breaks that URL parsers drop', ['/api/ad%09min/x', '/api/admin%0D%0A/x', '/api/adm%250Ain', '/api/%09/admin']],
    ['dots behind blanks', ['/api/x/%09../admin', '/api/x/%20..%2Fadmin', '/api/x/%0A.%2509./admin', '/api/%2509./admin']],
  ])('lets nobody around it by %s', async (_, targets) => {
    for (const target of targets) expect([target, await signedOut(target)]).toEqual([target, refused(400, 'path_refused')]);
  });

  it('is not left either, for an open one inside it', async () => {
    for (const target of ['/api/admin/open;/x', '/api/admin/;/open', '/api/admin/%253Bx/open', '/api/admin/open%20'])
      expect([target, await signedOut(target)]).toEqual([target, refused(400, 'path_refused')]);
  });

  it.each([
    '/api/x;a=1/b',
    '/api/x;a=/admin',
    '/api/x%2Fadmin',
    '/api/administrators',
    '/api/admin-x;y',
    '/api/x/admin',
    '/api/50%25',
    '/api/caf%C3%A9',
    '/api/a%20b',
    '/api/v1./x',
    '/api/admin%C3%A9',
    '/api/%FF',
  ])('takes nothing away from the other: %s', async (inner) => {
    const sent = stripPrefix ? inner.slice('/api'.length) : inner;
    expect(await signedOut(inner)).toMatchObject({ status: 200, upstream: [`GET ${sent}`] });
  });
});

describe('A43 a path that only a lenient reader takes for a route', () => {
  let attack: Attack;
  beforeAll(async () => (attack = await Attack.open({ routes: [{ path: '/api' }, { path: '/files', allowEncodedSlash: true }] })));
  afterAll(() => attack.close());

  it.each(['/api;x', '/api%3Bx/y', '/;x/api', '/api./x', '/api%20/x', '/%2561pi', '/files%2Fx', '/;/files'])('%s: 400', async (target) =>
    expect(await attack.outcome(signedHead(`GET ${target}`))).toEqual(refused(400, 'path_refused')),
  );

  it('is judged, however long', async () => {
    const blanks = '%20'.repeat(3_000);
    for (const long of [`${blanks}x`, '%25'.repeat(3_000) + 'x', ';'.repeat(9_000), `x${'.%20'.repeat(1_000)}x${blanks}`])
      expect((await attack.outcome(signedHead(`GET /api/${long}`))).upstream.map((it) => it === `GET /api/${long}`)).toEqual([true]);
  });
});
