import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthApp, NAVIGATION } from '../../support/auth-app.ts';
import { settled } from '../../support/manual-clock.ts';
import { RawClient, header, headers, rawExchange } from '../../support/raw-http.ts';

const FORM = 'Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\nHost: x\r\n';

describe('the endpoints on a real socket', () => {
  let app: AuthApp;
  let port: number;
  let client: RawClient | undefined;
  beforeAll(async () => {
    app = await AuthApp.start();
    port = await app.listen();
  });
  afterEach(() => client?.destroy());
  afterAll(() => app.stop());

  it('read their own bodies, chunked or with a length, and keep the connection', async () => {
    client = await RawClient.open(port);
    client.send(`POST /bff/logout HTTP/1.1\r\n${FORM}Content-Length: 13\r\n\r\nreturnTo=/bye`);
    const first = await client.answer();
    client.send(`POST /bff/logout HTTP/1.1\r\n${FORM}Transfer-Encoding: chunked\r\n\r\n5\r\nretur\r\n8\r\nnTo=/bye\r\n0\r\n\r\n`);
    const second = await client.answer();
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(JSON.parse(second.body)).toEqual({ redirectTo: expect.stringContaining('/bff/logout/provider?id=') });
  });

  it('refuse a body that is announced too large without reading it, and close', async () => {
    const answer = await rawExchange(port, `POST /bff/logout HTTP/1.1\r\n${FORM}Content-Length: 16385\r\n\r\n`);
    expect(answer.status).toBe(413);
    expect(header(answer, 'connection')).toBe('close');
  });

  it('refuse a body that turns out too large, and close', async () => {
    const body = 'x'.repeat(20_000);
    const sent = `POST /bff/logout HTTP/1.1\r\n${FORM}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`;
    const answer = await rawExchange(port, sent);
    expect(answer.status).toBe(413);
  });

  it('refuse before they read a byte: CSRF does not wait for the body', async () => {
    const head = 'Content-Type: text/plain\r\nSec-Fetch-Site: cross-site\r\nHost: x\r\nContent-Length: 10\r\n\r\n';
    expect((await rawExchange(port, `POST /bff/logout HTTP/1.1\r\n${head}`)).status).toBe(403);
  });

  it('take a client that leaves in the middle of its body for no error', async () => {
    client = await RawClient.open(port);
    client.send(`POST /bff/logout HTTP/1.1\r\n${FORM}Content-Length: 10\r\n\r\nretu`);
    await settled();
    client.destroy();
    expect((await rawExchange(port, 'GET /bff/session HTTP/1.1\r\nHost: x\r\n\r\n')).status).toBe(200);
    expect(app.logger.of('internal_error')).toEqual([]);
  });

  it('write each cookie on a line of its own', async () => {
    const { callback } = await app.begin();
    const cookie = `Cookie: ${app.cookieHeader(callback)}`;
    const answer = await rawExchange(port, `GET ${callback} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n${cookie}\r\n\r\n`);
    expect(headers(answer, 'set-cookie')).toHaveLength(3);
  });
});

describe('the endpoints under rubbish', () => {
  const WORDS = [
    'returnTo',
    'state',
    'code',
    'iss',
    'id',
    'fresh',
    '=',
    '&',
    '%00',
    '%zz',
    '%ff',
    '//',
    '\\',
    '"',
    ';',
    'a',
    '[]',
    '{}',
    '__proto__',
  ];
  const COOKIES = ['__Host-Http-cloakroom', '.0', '-login.', '__Secure-cloakroom-hint', '=', '; ', 'Fe26.2*1*', '*', 'x', '~2', '"', ','];

  it('never answer 500, and never set a session', async () => {
    const app = await AuthApp.start();
    const next = numbers();
    const text = (words: readonly string[]): string => Array.from({ length: next() % 12 }, () => words[next() % words.length]).join('');
    const paths = ['login', 'callback', 'continue', 'session', 'refresh', 'logout', 'logout/provider', 'logged-out'];
    const types = ['application/json', 'application/x-www-form-urlencoded', 'text/plain', '', 'a/b;c="'];
    const statuses = new Set<number>();
    for (let round = 0; round < 1000; round++) {
      const answer = await app.send(`/bff/${String(paths[next() % paths.length])}?${text(WORDS)}`, {
        method: next() % 2 === 0 ? 'GET' : 'POST',
        headers: { ...NAVIGATION, 'sec-fetch-site': 'same-origin', 'content-type': String(types[next() % types.length]) },
        cookie: text(COOKIES),
        body: text(WORDS),
      });
      statuses.add(answer.status);
      expect({ round, status: answer.status }).not.toMatchObject({ status: 500 });
      expect(answer.setCookies.filter((line) => /^__Host-Http-cloakroom(\.\d)?=[^;]/.test(line))).toEqual([]);
    }
    expect([...statuses].sort()).toEqual(expect.arrayContaining([200, 302, 303, 400, 401, 403, 405, 415]));
    await app.stop();
  });

  /** The same numbers in every run. */
  function numbers(): () => number {
    let seed = 42;
    return () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed;
    };
  }
});
