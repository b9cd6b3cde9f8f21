import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { signedHead } from '../support/attack.ts';
import { openStand, SESSION_COOKIE, active, type Stand } from '../support/proxy-stand.ts';
import { header, headers, rawExchange, type RawAnswer } from '../support/raw-http.ts';
import { RawUpstream } from '../support/upstream-stub.ts';

const HINT = '__Secure-cloakroom-hint';
const UTF8 = Buffer.from('é–中').toString('latin1');

describe('A27 header values of an upstream', () => {
  let lines: readonly string[] = [];
  let upstream: RawUpstream;
  let stand: Stand;

  beforeAll(async () => {
    upstream = await RawUpstream.start((socket) => {
      socket.write(['HTTP/1.1 200 OK', ...lines, 'Content-Length: 0', '', ''].join('\r\n'), 'latin1');
    });
    stand = await openStand({
      upstream: upstream.origin,
      route: { setCookie: ['a', 'b', '__Secure-c', HINT, SESSION_COOKIE, `${SESSION_COOKIE}.0`] },
      // A refresh has happened: a cookie of ours goes out with every answer.
      fresh: (it) => ({ kind: 'usable', session: it.session, taken: { ticket: active().ticket, takenAt: 0 } }),
      setCookies: () => [`${SESSION_COOKIE}=ours; Path=/`],
    });
  });

  afterAll(async () => {
    await stand.close();
    await upstream.close();
  });

  async function answered(...given: readonly string[]): Promise<RawAnswer> {
    lines = given;
    return rawExchange(stand.port, signedHead('GET /api'));
  }

  it.each([
    ['bytes above 0x7f', 'caf\xe9'],
    ['bytes of UTF-8', UTF8],
    ['bytes that are no UTF-8', '\xff\xfe'],
    ['a tab', 'a\tb'],
  ])('with %s come through byte by byte', async (_, value) => {
    expect(header(await answered(`X-Name: ${value}`), 'x-name')).toBe(value);
  });

  it.each([
    ['NUL', '\0'],
    ['a bare carriage return', '\r'],
    ['a bare line feed', '\n'],
    ['a control character', '\x01'],
    ['an escape', '\x1b[31m'],
    ['DEL', '\x7f'],
  ])('with %s are an answer that cannot be passed on, and the cookie of the refresh goes out with ours', async (_, text) => {
    const answer = await answered(`X-Name: a${text}Set-Cookie: ${SESSION_COOKIE}=evil`);
    expect([answer.status, header(answer, 'cloakroom-error'), header(answer, 'x-name')]).toEqual([502, 'upstream_protocol', undefined]);
    expect(headers(answer, 'set-cookie')).toEqual([`${SESSION_COOKIE}=ours; Path=/`]);
  });

  it.each([
    ['a header named like a property of objects', '__proto__: x', '__proto__'],
    ['a header named like a method of objects', 'constructor: x', 'constructor'],
    ['toString', 'toString: x', 'tostring'],
  ])('%s is a header like others', async (_, line, name) => expect(header(await answered(line), name)).toBe('x'));

  it.each([
    ['a Location', `Location: /a${UTF8}`, 200],
    ['a Set-Cookie', `Set-Cookie: a=${UTF8}`, 200],
    ['a Content-Disposition', `Content-Disposition: attachment; filename="${UTF8}.pdf"`, 200],
  ])('%s with bytes of UTF-8 splits nothing and ends nothing', async (_, line, status) => {
    expect((await answered(line)).status).toBe(status);
  });

  describe('Set-Cookie', () => {
    const cookies = async (...given: readonly string[]): Promise<readonly string[]> =>
      headers(await answered(...given.map((it) => `Set-Cookie: ${it}`)), 'set-cookie').filter(
        (it) => !it.startsWith(`${SESSION_COOKIE}=ours`),
      );

    it.each([
      ['ours', `${SESSION_COOKIE}=evil; Path=/`],
      ['ours, cleared', `${SESSION_COOKIE}=; Max-Age=0; Path=/`],
      ['the logout hint of ours', `${HINT}=evil; Secure`],
      ['a chunk of ours', `${SESSION_COOKIE}.0=evil`],
      ['one that is nameless, and ours when it is sent back', `=${SESSION_COOKIE}=evil`],
      ['one without an equals sign', SESSION_COOKIE],
      ['ours behind spaces', `  ${SESSION_COOKIE} =evil`],
      ['one that no route names', 'other=1'],
      ['an allowed name in another case', 'A=1'],
      ['an allowed name behind another', 'x; a=1'],
    ])('of %s never comes back', async (_, line) => expect(await cookies(line)).toEqual([]));

    it.each([
      ['a=1; Path=/', 'a=1; Path=/api'],
      ['a=1; path=/api/deep; PATH=/', 'a=1; Path=/api'],
      ['a=1; Path=/api/deep', 'a=1; Path=/api/deep'],
      ['a=1; Path=/api/../', 'a=1; Path=/api'],
      ['a=1; Path=/api/%2e%2e/', 'a=1; Path=/api'],
      ['a=1; Path=/api/%61', 'a=1; Path=/api'],
      ['a=1; Path=/apix', 'a=1; Path=/api'],
      ['a=1; Path="/"', 'a=1; Path=/api'],
      ['a=1; Path', 'a=1; Path=/api'],
      ['a=1; DOMAIN=example.com', 'a=1; Path=/api'],
      ['a=1; Domain', 'a=1; Path=/api'],
      ['a=1; Domain = .example.com ; Path = / ', 'a=1; Path=/api'],
      ['a=1; ; Domain=example.com;', 'a=1; Path=/api'],
      ['a=1; Secure; HttpOnly; SameSite=None; Partitioned', 'a=1; Path=/api; Secure; HttpOnly; SameSite=None; Partitioned'],
      ['a=1; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'a=1; Path=/api; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT'],
      ['__Secure-c=1; Secure', '__Secure-c=1; Path=/api; Secure'],
      ['a=x=y==', 'a=x=y==; Path=/api'],
    ])('%s comes back as %s', async (given, expected) => expect(await cookies(given)).toEqual([expected]));

    it('three of the upstream and ours come back, each once', async () => {
      expect(await cookies('a=1', 'b=2', '__Secure-c=3; Secure')).toEqual([
        'a=1; Path=/api',
        'b=2; Path=/api',
        '__Secure-c=3; Path=/api; Secure',
      ]);
      expect(headers(await answered('Set-Cookie: a=1'), 'set-cookie')).toEqual(['a=1; Path=/api', `${SESSION_COOKIE}=ours; Path=/`]);
    });
  });
});
