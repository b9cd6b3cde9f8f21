import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Attack, head, HOST, refused } from '../support/attack.ts';
import { PUBLIC, SIGNED_IN } from '../support/proxy-stand.ts';
import { header, type RawAnswer } from '../support/raw-http.ts';

const NAVIGATES = ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document', 'Accept: text/html'];
const OWN = ['Sec-Fetch-Site: same-origin', ...NAVIGATES];
const MAILED = ['Sec-Fetch-Site: cross-site', ...NAVIGATES];
const COOKIE = `Cookie: ${SIGNED_IN}`;
const hrefs = ({ body }: RawAnswer): readonly string[] => [...body.matchAll(/href="([^"]*)"/g)].map((it) => it[1] ?? '');

describe('navigations to a route', () => {
  let attack: Attack;
  beforeAll(async () => {
    const routes = [{ path: '/api' }, { path: '/allowed', navigation: 'allow' as const }, { path: '/maybe', token: 'optional' as const }];
    attack = await Attack.open({ routes });
  });
  afterEach(() => attack.forget());
  afterAll(() => attack.close());

  describe('pain 41, oauth2-proxy#1784: a POST whose session has ended', () => {
    const post = (...lines: readonly string[]): string => `${head('POST /api/pay?x=1', HOST, 'Content-Length: 6', ...lines)}a=b&c=`;

    it.each(['POST', 'PUT', 'DELETE', 'PATCH'])('by a script (%s) gets a 401 problem', async (method) => {
      const bytes = post('Sec-Fetch-Site: same-origin', 'Sec-Fetch-Mode: cors').replace('POST', method);
      const answer = await attack.ask(bytes);
      expect([header(answer, 'content-type'), header(answer, 'location')]).toEqual(['application/problem+json', undefined]);
      expect(await attack.judge(answer)).toEqual(refused(401, 'not_logged_in'));
    });

    it('by a form gets a page that never leads to the lost request, nor holds its body', async () => {
      const answer = await attack.ask(post(...OWN, 'Content-Type: application/x-www-form-urlencoded'));
      expect([answer.status, header(answer, 'content-type'), header(answer, 'location'), header(answer, 'refresh')]).toEqual([
        401,
        'text/html; charset=utf-8',
        undefined,
        undefined,
      ]);
      expect(hrefs(answer)).toEqual(['/bff/login']);
      expect(answer.body).not.toMatch(/pay|a=b|<form|<input|<script/i);
      expect(await attack.judge(answer)).toEqual(refused(401, 'not_logged_in'));
    });

    it('by a form of another site gets a refusal without a way on', async () => {
      const answer = await attack.ask(post(...MAILED, COOKIE));
      expect([answer.body.includes('/api/pay'), hrefs(answer).filter((it) => it.includes('/api'))]).toEqual([false, []]);
      expect(await attack.judge(answer)).toEqual(refused(403, 'csrf_refused'));
    });
  });

  describe('a mailed link', () => {
    it.each(['GET', 'HEAD'])('by %s waits for a click', async (method) => {
      const bytes = head(`${method} /api/report.pdf`, HOST, ...MAILED);
      const answer = await attack.ask(bytes, { bodiless: method === 'HEAD' });
      expect([header(answer, 'refresh'), header(answer, 'location'), header(answer, 'set-cookie')]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      if (method === 'GET') expect(hrefs(answer)).toContain('/api/report.pdf');
      expect(await attack.judge(answer)).toEqual(refused(403, 'csrf_refused'));
    });

    it('goes on by itself where the route says so, to the same URL and no other', async () => {
      const answer = await attack.ask(head('GET /allowed/report.pdf?a=1', HOST, ...MAILED));
      expect([answer.status, header(answer, 'refresh'), attack.upstream.requests]).toEqual([200, '0;url=/allowed/report.pdf?a=1', []]);
    });

    it('with the cookie passes there', async () => {
      expect(await attack.outcome(head('GET /allowed/x', HOST, COOKIE, ...MAILED))).toMatchObject({
        status: 200,
        upstream: ['GET /allowed/x'],
      });
    });

    it.each(['/api/"onmouseover="x', "/api/'x", '/api/<script>', '/api/x?"><script>'])(
      'to %s puts no markup into the page',
      async (path) => {
        const answer = await attack.ask(head(`GET ${path}`, HOST, ...MAILED));
        expect([answer.status, /<script|onmouseover="x/.test(answer.body)]).toEqual([403, false]);
      },
    );
  });

  describe('a signed-out navigation', () => {
    it('gets a page with the way to the login and back, and no redirect', async () => {
      const answer = await attack.ask(head('GET /api/x?y=1', HOST, ...OWN));
      expect([header(answer, 'location'), header(answer, 'refresh'), hrefs(answer)]).toEqual([
        undefined,
        undefined,
        [`/bff/login?returnTo=${encodeURIComponent('/api/x?y=1')}`],
      ]);
      expect(await attack.judge(answer)).toEqual(refused(401, 'not_logged_in'));
    });

    it('passes where a session is optional', async () => {
      expect(await attack.outcome(head('GET /maybe/x', HOST, ...OWN))).toMatchObject({ status: 200, upstream: ['GET /maybe/x'] });
    });
  });

  it('a frame of our own page is one of ours', async () => {
    const frame = ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe', `Origin: ${PUBLIC}`];
    expect(await attack.outcome(head('GET /api/x', HOST, COOKIE, ...frame))).toMatchObject({ status: 200 });
  });
});
