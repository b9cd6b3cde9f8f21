import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { RouteOptions } from '../../src/proxy/api-routes.ts';
import { Attack, head, HOST, refused, signedHead } from '../support/attack.ts';
import { header, headers } from '../support/raw-http.ts';

const NAVIGATES = ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document', 'Accept: text/html'];
const TOPOLOGIES = [
  { title: 'publicUrl without a path', path: '', ingressStripsPath: false },
  { title: 'publicUrl with a path that we see', path: '/app', ingressStripsPath: false },
  { title: 'publicUrl with a path that the ingress takes off', path: '/app', ingressStripsPath: true },
];

/** What browsers ask is `path + …`; what reaches us is `seen + …`. */
describe.each(TOPOLOGIES)('pain 37: $title', ({ path, ingressStripsPath }) => {
  const seen = ingressStripsPath ? '' : path;

  describe.each([true, false])('a route with stripPrefix: %s', (stripPrefix) => {
    let attack: Attack;
    beforeAll(async () => {
      const more: Partial<RouteOptions> = { stripPrefix, setCookie: ['a'] };
      const routes = [
        { path: '/api', ...more },
        { path: '/api/deep', ...more, token: 'none' as const },
      ];
      attack = await Attack.open({
        publicUrl: { origin: 'https://app.example.com', path },
        ingressStripsPath,
        routes,
        ownPath: `${seen}/api`,
      });
    });
    afterEach(() => {
      attack.forget();
      attack.upstream.handler = (_request, response) => response.end('ok');
    });
    afterAll(() => attack.close());

    it.each([
      ['/api', '/', '/api'],
      ['/api/', '/', '/api/'],
      ['/api?x=1', '/?x=1', '/api?x=1'],
      ['/api/x/y?z', '/x/y?z', '/api/x/y?z'],
      ['/%61pi/x', '/x', '/api/x'],
      ['/api/deep', '/', '/api/deep'],
      ['/api/deep/x', '/x', '/api/deep/x'],
      ['/api/deeper', '/deeper', '/api/deeper'],
    ])('forwards %s', async (given, stripped, whole) => {
      expect((await attack.outcome(signedHead(`GET ${seen}${given}`))).upstream).toEqual([`GET ${stripPrefix ? stripped : whole}`]);
    });

    it('does not serve what is outside of the path, nor its neighbours', async () => {
      const outside = seen === '' ? [] : ['/api', '/apps/api', '/application/api', '/', '/app/../api', '/APP/api'];
      for (const one of outside) expect((await attack.outcome(signedHead(`GET ${one}`))).upstream).toEqual([]);
      expect((await attack.outcome(signedHead(`GET ${seen}/apix`))).upstream).toEqual([]);
    });

    it('says 401 with the public login', async () => {
      const answer = await attack.ask(head(`GET ${seen}/api/x`, HOST, 'Sec-Fetch-Site: same-origin'));
      expect([answer.status, JSON.parse(answer.body)]).toEqual([401, expect.objectContaining({ loginUrl: `${path}/bff/login` })]);
    });

    it('leads a signed-out navigation to the public login and back to the public path', async () => {
      const answer = await attack.ask(head(`GET ${seen}/api/x?y=1`, HOST, 'Sec-Fetch-Site: none', ...NAVIGATES));
      const back = encodeURIComponent(`${path}/api/x?y=1`);
      expect([answer.status, header(answer, 'location'), answer.body]).toEqual([
        401,
        undefined,
        expect.stringContaining(`href="${path}/bff/login?returnTo=${back}"`),
      ]);
    });

    it('asks a mailed link with a button that leads to the same public URL', async () => {
      const answer = await attack.ask(signedHead(`GET ${seen}/api/report.pdf?a=1&b`, ...NAVIGATES).replace('same-origin', 'cross-site'));
      expect([answer.status, answer.body]).toEqual([403, expect.stringContaining(`href="${path}/api/report.pdf?a=1&#38;b"`)]);
    });

    it('sends another Host to the public URL', async () => {
      const answer = await attack.ask(head(`GET ${seen}/api/x?y`, 'Host: other.example', ...NAVIGATES));
      expect([answer.status, header(answer, 'location')]).toEqual([308, `https://app.example.com${path}/api/x?y`]);
    });

    it('turns the upstream’s redirects into public ones', async () => {
      const inner = stripPrefix ? '/x?y#z' : '/api/x?y#z';
      for (const location of [inner, `${attack.upstream.origin}${inner}`, `//${attack.upstream.authority}${inner}`]) {
        attack.upstream.handler = (_request, response) => response.writeHead(302, { location }).end();
        const answer = await attack.ask(signedHead(`GET ${seen}/api/a`));
        expect(header(answer, 'location')).toBe(`${path}/api/x?y#z`);
      }
    });

    it('leaves redirects alone that browsers resolve themselves, and public ones', async () => {
      for (const location of ['x', '../x', '?y', '#z', '', `https://app.example.com${path}/z`]) {
        attack.upstream.handler = (_request, response) => response.writeHead(302, { location }).end();
        const answer = await attack.ask(signedHead(`GET ${seen}/api/a`));
        expect(header(answer, 'location')).toBe(location);
      }
    });

    it('scopes the upstream’s cookies to the public path', async () => {
      const lines = ['a=1; Path=/', `a=2; Path=${path}/api/x`, 'a=3', 'a=4; Path=/api', `a=5; Path=${path}`];
      attack.upstream.handler = (_request, response) => response.writeHead(200, { 'set-cookie': lines }).end();
      const answer = await attack.ask(signedHead(`GET ${seen}/api/a`));
      const all = [
        `a=1; Path=${path}/api`,
        `a=2; Path=${path}/api/x`,
        `a=3; Path=${path}/api`,
        `a=4; Path=${path}/api`,
        `a=5; Path=${path}/api`,
      ];
      expect(headers(answer, 'set-cookie')).toEqual(all);
    });

    it('refuses what cannot be read, the same way', async () => {
      expect(await attack.outcome(signedHead(`GET ${seen}/api/..%2f`))).toEqual(refused(400, 'path_refused'));
    });
  });
});
