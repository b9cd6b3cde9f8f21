import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Attack, head, HOST, refused } from '../support/attack.ts';
import { PUBLIC, SIGNED_IN } from '../support/proxy-stand.ts';

const COOKIE = `Cookie: ${SIGNED_IN}`;
const NAVIGATES = ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'];
const FOREIGN = 'Origin: https://evil.example';
const ROUTES = [
  { path: '/api' },
  { path: '/open', token: 'optional' as const },
  { path: '/public', token: 'none' as const },
  { path: '/allowed', navigation: 'allow' as const },
];

describe('A79 requests that other sites make', () => {
  let attack: Attack;
  beforeAll(async () => (attack = await Attack.open({ routes: ROUTES })));
  afterEach(() => attack.forget());
  afterAll(() => attack.close());

  const post = (path: string, ...lines: readonly string[]): string =>
    `${head(`POST ${path}`, HOST, COOKIE, 'Content-Length: 3', ...lines)}a=b`;

  it.each([
    ['a form', ['Sec-Fetch-Site: cross-site', ...NAVIGATES, FOREIGN, 'Content-Type: application/x-www-form-urlencoded']],
    ['a multipart form', ['Sec-Fetch-Site: cross-site', ...NAVIGATES, FOREIGN, 'Content-Type: multipart/form-data; boundary=x']],
    ['a text form', ['Sec-Fetch-Site: cross-site', ...NAVIGATES, FOREIGN, 'Content-Type: text/plain']],
    ['a form of a page without referrer', ['Sec-Fetch-Site: cross-site', ...NAVIGATES, 'Origin: null']],
    ['a no-cors fetch', ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors', FOREIGN]],
    ['a cors fetch', ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: cors', FOREIGN]],
    ['a fetch with our own header', ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: cors', FOREIGN, 'X-CSRF: 1']],
    ['a cross-site request with our Origin', ['Sec-Fetch-Site: cross-site', `Origin: ${PUBLIC}`]],
    ['a cross-site request without Origin', ['Sec-Fetch-Site: cross-site']],
    ['a sibling domain', ['Sec-Fetch-Site: same-site', 'Sec-Fetch-Mode: cors', 'Origin: https://other.example.com']],
    ['a form of a sibling domain', ['Sec-Fetch-Site: same-site', ...NAVIGATES]],
    ['a form that the user began by hand', ['Sec-Fetch-Site: none', ...NAVIGATES]],
    ['Sec-Fetch-Site with two values', ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: cross-site']],
    ['Sec-Fetch-Site as a list', ['Sec-Fetch-Site: same-origin, same-origin']],
    ['Sec-Fetch-Site in another case', ['Sec-Fetch-Site: Same-Origin']],
    ['Sec-Fetch-Site in another spelling', ['Sec_Fetch_Site: same-origin']],
    ['an unknown Sec-Fetch-Site', ['Sec-Fetch-Site: x']],
    ['an empty Sec-Fetch-Site', ['Sec-Fetch-Site:']],
    ['an old browser with a foreign Origin', [FOREIGN]],
    ['an old browser with a foreign Origin and our header', [FOREIGN, 'X-CSRF: 1']],
    ['an old browser with the Origin null', ['Origin: null']],
    ['an old browser with two Origins', [`Origin: ${PUBLIC}`, FOREIGN]],
    ['an old browser with nothing at all', []],
    ['an old browser with another value of our header', ['X-CSRF: true']],
    ['an old browser with our header in another spelling', ['X_CSRF: 1']],
    ['an old browser with our Referer only', [`Referer: ${PUBLIC}/`]],
  ])('%s posts nothing, to no route', async (_, lines) => {
    for (const { path } of ROUTES) expect(await attack.outcome(post(path, ...lines))).toEqual(refused(403, 'csrf_refused'));
  });

  it.each([
    ['an image', ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: image']],
    ['a script', ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: script']],
    ['a fetch', ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: cors', FOREIGN]],
    ['a fetch of a sibling', ['Sec-Fetch-Site: same-site', 'Sec-Fetch-Mode: cors']],
    ['an address typed without navigating', ['Sec-Fetch-Site: none', 'Sec-Fetch-Mode: no-cors']],
  ])('%s gets nothing, from no route', async (_, lines) => {
    for (const { path } of ROUTES)
      expect(await attack.outcome(head(`GET ${path}`, HOST, COOKIE, ...lines))).toEqual(refused(403, 'csrf_refused'));
  });

  it.each(['iframe', 'frame', 'object', 'embed'])(
    'a navigation of a foreign page’s %s is refused even where navigations pass',
    async (dest) => {
      const bytes = head('GET /allowed', HOST, COOKIE, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate', `Sec-Fetch-Dest: ${dest}`);
      expect(await attack.outcome(bytes)).toEqual(refused(403, 'csrf_refused'));
    },
  );

  it('a preflight of another site opens nothing', async () => {
    const preflight = ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: cors', FOREIGN, 'Access-Control-Request-Method: POST'];
    const answer = await attack.ask(head('OPTIONS /api', HOST, ...preflight));
    expect(answer.lines.filter(([name]) => name.startsWith('access-control-'))).toEqual([]);
    expect(await attack.judge(answer)).toEqual(refused(403, 'csrf_refused'));
  });

  it.each([
    ['a fetch of ours', ['Sec-Fetch-Site: same-origin', `Origin: ${PUBLIC}`]],
    ['a form of ours without referrer', ['Sec-Fetch-Site: same-origin', ...NAVIGATES, 'Origin: null']],
    ['an old browser with our Origin', [`Origin: ${PUBLIC}`]],
    ['an old browser with our header', ['X-CSRF: 1']],
  ])('%s passes', async (_, lines) => {
    expect(await attack.outcome(post('/api', ...lines))).toMatchObject({ status: 200, upstream: ['POST /api'] });
  });
});
