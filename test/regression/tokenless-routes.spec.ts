import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { SessionLookup } from '../../src/session/session-lookup.ts';
import { Attack, head, HOST, refused, signedHead } from '../support/attack.ts';
import { session, SIGNED_IN } from '../support/proxy-stand.ts';
import { header } from '../support/raw-http.ts';

const NONE = { token: 'none' as const };
const ROUTES = [
  { path: '/api' },
  { path: '/removed', ...NONE },
  { path: '/open', ...NONE, csrf: false },
  { path: '/machine', ...NONE, csrf: false, clientAuthorization: 'pass' as const },
  { path: '/cookies', ...NONE, cookies: ['theme', '__Host-Http-cloakroom', '__Host-Http-cloakroom.0', '__Secure-cloakroom-hint'] },
];
const MACHINE = 'Authorization: Bearer machine';
const FOREIGN = ['Sec-Fetch-Site: cross-site', 'Origin: https://evil.example'];

describe('routes without a token', () => {
  let attack: Attack;
  let lookups = 0;
  beforeAll(async () => {
    const lookup = (): SessionLookup => {
      lookups++;
      return { kind: 'none' };
    };
    attack = await Attack.open({ routes: ROUTES, lookup, ownPath: '/removed' });
  });
  afterEach(() => {
    attack.forget();
    lookups = 0;
  });
  afterAll(() => attack.close());

  const headersOf = async (bytes: string): Promise<Readonly<Record<string, unknown>>> => {
    expect((await attack.ask(bytes)).status).toBe(200);
    return (await attack.upstream.request()).headers;
  };

  it('carry no Authorization of the client unless they say so', async () => {
    expect((await headersOf(signedHead('GET /removed', MACHINE)))['authorization']).toBeUndefined();
    attack.forget();
    expect((await headersOf(signedHead('GET /open', MACHINE)))['authorization']).toBeUndefined();
    attack.forget();
    expect((await headersOf(signedHead('GET /machine', MACHINE)))['authorization']).toBe('Bearer machine');
  });

  it('carry it for a machine that sends no Fetch Metadata, whatever the method', async () => {
    const bytes = `${head('POST /machine/x', HOST, MACHINE, 'Content-Length: 2')}{}`;
    expect((await headersOf(bytes))['authorization']).toBe('Bearer machine');
  });

  it('keep no way open for other kinds of credentials', async () => {
    const headers = await headersOf(
      signedHead('GET /machine', 'Proxy-Authorization: Basic x', 'Authorization_: evil', 'X-Forwarded-User: root'),
    );
    expect(JSON.stringify(headers)).not.toMatch(/Basic|evil|root/);
  });

  it('never read the session, set or clear a cookie', async () => {
    for (const { path } of ROUTES.slice(1)) {
      const answer = await attack.ask(signedHead(`GET ${path}`));
      expect([answer.status, header(answer, 'set-cookie'), header(answer, 'cache-control')]).toEqual([200, undefined, undefined]);
    }
    expect(lookups).toBe(0);
  });

  it('keep the CSRF policy unless they say so', async () => {
    const post = (path: string): string => `${head(`POST ${path}`, HOST, ...FOREIGN, 'Content-Length: 2')}ok`;
    for (const path of ['/removed', '/cookies']) expect(await attack.outcome(post(path))).toEqual(refused(403, 'csrf_refused'));
    for (const path of ['/open', '/machine']) expect(await attack.outcome(post(path))).toMatchObject({ status: 200 });
  });

  it('pass the cookies they name, and never one of ours', async () => {
    const cookies = `Cookie: theme=dark; ${SIGNED_IN}; other=1; __Host-Http-cloakroom.0=x; __Secure-cloakroom-hint=y; __Host-Http-cloakroom-login.abc=z`;
    expect((await headersOf(head('GET /cookies', HOST, cookies)))['cookie']).toBe('theme=dark');
    attack.forget();
    expect((await headersOf(head('GET /cookies', HOST, cookies.replace('theme', 'none'))))['cookie']).toBeUndefined();
  });

  it('give the answer of their upstream as it is, a 401 or 431 too: not ours, and no reason to clear anything', async () => {
    const handler = attack.upstream.handler;
    for (const status of [401, 431]) {
      attack.upstream.handler = (_request, response) => response.writeHead(status).end();
      const answer = await attack.ask(signedHead('GET /open'));
      expect([answer.status, header(answer, 'cloakroom-error'), header(answer, 'set-cookie')]).toEqual([status, undefined, undefined]);
    }
    attack.upstream.handler = handler;
  });
});

describe('pain 6: what goes upstream of a cookie, on a retry too', () => {
  let attack: Attack;
  let grants = 0;
  beforeAll(async () => {
    attack = await Attack.open({
      route: { cookies: ['theme'], retryOn401: true },
      refreshNow: () => Promise.resolve({ kind: 'usable', session: session({ accessToken: `renewed-${String(++grants)}` }) }),
    });
  });
  afterAll(() => attack.close());

  it('is what the route names, with the renewed bearer, twice at most', async () => {
    attack.upstream.handler = (_request, response) => response.writeHead(401).end();
    const answer = await attack.ask(
      head('GET /api', HOST, 'Sec-Fetch-Site: same-origin', `Cookie: ${SIGNED_IN}; theme=dark`, 'X-User: me'),
    );
    expect([answer.status, header(answer, 'cloakroom-error')]).toEqual([401, undefined]);
    expect(attack.upstream.requests.map(({ headers }) => [headers.authorization, headers.cookie, headers['x-user']])).toEqual([
      ['Bearer access-token', 'theme=dark', 'me'],
      ['Bearer renewed-1', 'theme=dark', 'me'],
    ]);
  });

  it('is no retry for what has a body', async () => {
    attack.forget();
    attack.upstream.handler = (_request, response) => response.writeHead(401).end();
    await attack.ask(`${signedHead('GET /api', 'Content-Length: 2')}ok`);
    await attack.ask(signedHead('POST /api', 'Content-Length: 0'));
    expect([attack.upstream.requests.length, grants]).toEqual([2, 1]);
  });
});
