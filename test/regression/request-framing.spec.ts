import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Attack, refused, signedHead } from '../support/attack.ts';
import { header, RawClient } from '../support/raw-http.ts';
import { bodyOf } from '../support/upstream-stub.ts';

const SMUGGLED = 'GET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked';
const post = (...lines: string[]): string => signedHead('POST /api', ...lines);

describe('framing of requests', () => {
  let attack: Attack;
  beforeAll(async () => (attack = await Attack.open()));
  afterEach(() => attack.forget());
  afterAll(() => attack.close());

  describe('A20 CVE-2026-29057: a chunked body that looks like a request', () => {
    it.each(['DELETE', 'OPTIONS', 'GET', 'POST', 'PATCH', 'QUERY'])(
      'as %s is one request upstream, on a kept connection',
      async (method) => {
        const client = await RawClient.open(attack.stand.port);
        const first = await client.send(signedHead(`${method} /api/a`, CHUNKED) + chunk(SMUGGLED) + chunk('')).answer();
        const second = await client.send(signedHead('GET /api/b')).answer();
        client.destroy();
        expect([first.status, second.status]).toEqual([200, 200]);
        expect(attack.upstream.requests.map((it) => [it.method, it.url, bodyOf(it)])).toEqual([
          [method, '/api/a', SMUGGLED],
          ['GET', '/api/b', ''],
        ]);
      },
    );

    it('and has a length is one request too', async () => {
      const answer = await attack.ask(signedHead('DELETE /api/a', `Content-Length: ${String(SMUGGLED.length)}`) + SMUGGLED);
      expect([answer.status, attack.upstream.requests.map((it) => [it.url, bodyOf(it)])]).toEqual([200, [['/api/a', SMUGGLED]]]);
    });
  });

  describe('A21 CL.TE, TE.CL, TE.TE and their relatives (RFC 9112 §6.3)', () => {
    it.each([
      ['a length and chunks', post('Content-Length: 5', CHUNKED) + '0\r\n\r\n'],
      ['chunks and a length', post(CHUNKED, 'Content-Length: 5') + '0\r\n\r\n'],
      ['two lengths', post('Content-Length: 5', 'Content-Length: 6') + 'hello'],
      ['the same length twice', post('Content-Length: 5', 'Content-Length: 5') + 'hello'],
      ['a length twice in one line', post('Content-Length: 5, 5') + 'hello'],
      ['a length with a sign', post('Content-Length: +5') + 'hello'],
      ['a negative length', post('Content-Length: -5') + 'hello'],
      ['a hexadecimal length', post('Content-Length: 0x5') + 'hello'],
      ['a fraction of a length', post('Content-Length: 5.0') + 'hello'],
      ['a length with a space inside', post('Content-Length: 5 5') + 'hello'],
      ['an overflowing length', post('Content-Length: 18446744073709551621') + 'hello'],
      ['an empty length', post('Content-Length:')],
      ['a word for a length', post('Content-Length: five') + 'hello'],
      ['another final coding', post('Transfer-Encoding: chunked, identity') + '0\r\n\r\n'],
      ['another coding before', post('Transfer-Encoding: gzip, chunked') + '0\r\n\r\n'],
      ['chunked twice', post('Transfer-Encoding: chunked, chunked') + '0\r\n\r\n'],
      ['chunked twice in two lines', post(CHUNKED, CHUNKED) + '0\r\n\r\n'],
      ['a second line with another coding', post(CHUNKED, 'Transfer-Encoding: identity') + '0\r\n\r\n'],
      ['identity', post('Transfer-Encoding: identity', 'Content-Length: 5') + 'hello'],
      ['an odd coding', post('Transfer-Encoding: xchunked') + '0\r\n\r\n'],
      ['a quoted coding', post('Transfer-Encoding: "chunked"') + '0\r\n\r\n'],
      ['a coding with a parameter', post('Transfer-Encoding: chunked;q=1') + '0\r\n\r\n'],
      ['a coding behind a vertical tab', post('Transfer-Encoding: \x0bchunked') + '0\r\n\r\n'],
      ['an empty coding', post('Transfer-Encoding:', 'Content-Length: 5') + 'hello'],
      ['a coding with a space before the colon', post('Transfer-Encoding : chunked') + '0\r\n\r\n'],
      ['a folded coding', post('Transfer-Encoding:', ' chunked') + '0\r\n\r\n'],
      ['a folded line', post('X-A: 1', ' folded')],
      ['a line folded with a tab', post('X-A: 1', '\tfolded')],
      ['a space before the colon', post('X-A : 1')],
      ['a space before the first header', signedHead('GET /api').replace('\r\nHost', '\r\n X: y\r\nHost')],
      ['NUL in a value', post('X-A: a\0b')],
      ['NUL in a name', post('X-\0A: b')],
      ['a bare carriage return in a value', post('X-A: a\rX-B: b')],
      ['a bare line feed in a value', post('X-A: a\nX-B: b')],
      ['a bare line feed at the end of a line', signedHead('GET /api').replace('\r\nSec', '\nSec')],
      ['bare line feeds at the end of the head', signedHead('GET /api').replace('\r\n\r\n', '\n\n')],
      ['a line without a colon', post('nonsense')],
      ['an empty name', post(': value')],
      ['raw non-ASCII in a name', post('X-\xe9: b')],
      ['no HTTP at all', 'hello\r\n\r\n'],
      ['no version', 'GET /api\r\n\r\n'],
      ['HTTP/0.9', signedHead('GET /api').replace('HTTP/1.1', 'HTTP/0.9')],
      ['HTTP/1.2', signedHead('GET /api').replace('HTTP/1.1', 'HTTP/1.2')],
      ['HTTP/2.0', signedHead('GET /api').replace('HTTP/1.1', 'HTTP/2.0')],
      ['a second version', signedHead('GET /api').replace('HTTP/1.1', 'HTTP/1.1 HTTP/1.1')],
      ['a lower-case method', signedHead('get /api')],
      ['A30 the preface of HTTP/2, which is not served', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ['HTTP/1.0 with chunks', post(CHUNKED).replace('HTTP/1.1', 'HTTP/1.0') + '0\r\n\r\n'],
    ])('%s: 400, the connection closed', async (_, bytes) => {
      const client = await RawClient.open(attack.stand.port);
      const answer = await client.send(bytes).answer();
      await client.closed();
      expect([header(answer, 'connection'), header(answer, 'content-type')]).toEqual(['close', 'application/problem+json']);
      expect(await attack.judge(answer)).toEqual(refused(400, 'bad_request'));
    });

    it.each([
      ['a malformed size', 'zz\r\n'],
      ['a size with a sign', '-1\r\n'],
      ['a hexadecimal mark', '0x2\r\nok\r\n0\r\n\r\n'],
      ['a size with a space before', ' 2\r\nok\r\n0\r\n\r\n'],
      ['an overflowing size', '10000000000000000\r\nok\r\n'],
      ['more bytes than the size says', '1\r\nok\r\n0\r\n\r\n'],
      ['a bare line feed behind the size', '2\nok\r\n0\r\n\r\n'],
      ['a bare line feed behind the bytes', '2\r\nok\n0\r\n\r\n'],
      ['a line feed in an extension', `2;a\nb\r\nok\r\n0\r\n\r\n`],
      ['an endless extension', `2;${'a'.repeat(20_000)}\r\nok\r\n0\r\n\r\n`],
      ['a malformed trailer', '2\r\nok\r\n0\r\nno colon\r\n\r\n'],
      ['an endless trailer', `2\r\nok\r\n0\r\nX-T: ${'a'.repeat(40_000)}\r\n\r\n`],
    ])('a chunk with %s never becomes a whole request upstream', async (_, chunks) => {
      const client = await RawClient.open(attack.stand.port);
      await client.send(post(CHUNKED) + chunks).closed();
      expect(client.received).not.toMatch(/^HTTP\/1\.1 2/);
      expect(await Promise.all(attack.upstream.requests.map((it) => it.whole))).not.toContain(true);
      attack.forget();
      expect((await attack.ask(signedHead('GET /api'))).status).toBe(200);
    });

    it.each([
      ['chunked behind a tab', 'Transfer-Encoding:\tchunked'],
      ['chunked in upper case', 'TRANSFER-ENCODING: CHUNKED'],
      ['chunked with spaces around', 'Transfer-Encoding:   chunked  '],
    ])('%s is chunked to every reader', async (_, line) => {
      const answer = await attack.ask(post(line) + chunk('ok') + chunk(''));
      const [seen] = attack.upstream.requests;
      expect([answer.status, attack.upstream.requests.length, seen === undefined ? '' : bodyOf(seen)]).toEqual([200, 1, 'ok']);
      expect(seen?.rawHeaders.filter((it) => /transfer-encoding|content-length/i.test(it)).length).toBe(1);
    });

    it('a small chunk extension goes no further', async () => {
      await attack.ask(post(CHUNKED) + '2;name="GET / HTTP/1.1"\r\nok\r\n0\r\n\r\n');
      expect(attack.upstream.requests.map(bodyOf)).toEqual(['ok']);
    });
  });

  describe('A22 a body where none is expected', () => {
    it.each(['GET', 'HEAD', 'OPTIONS', 'DELETE'])('a %s with a length carries its bytes, and is one request', async (method) => {
      const bytes = signedHead(`${method} /api`, 'Content-Length: 2') + 'ok';
      const answer = await attack.ask(bytes, { bodiless: method === 'HEAD' });
      expect([answer.status, attack.upstream.requests.map((it) => [it.method, bodyOf(it)])]).toEqual([200, [[method, 'ok']]]);
    });
  });

  describe('A34 pipelined requests', () => {
    it('are answered in their order, and only real ones go upstream', async () => {
      const client = await RawClient.open(attack.stand.port);
      client.send(signedHead('GET /api/1') + signedHead('GET /api/%2e%2e') + signedHead('GET /api/2'));
      const statuses = [await client.answer(), await client.answer(), await client.answer()].map((it) => it.status);
      client.destroy();
      expect([statuses, attack.upstream.requests.map((it) => it.url).sort()]).toEqual([
        [200, 400, 200],
        ['/api/1', '/api/2'],
      ]);
    });

    it('behind one that cannot be read never go upstream', async () => {
      const client = await RawClient.open(attack.stand.port);
      const received = await client.send(post('Content-Length: 5, 5') + signedHead('GET /api/behind')).closed();
      expect([received.match(/HTTP\/1\.1 \d/g)?.length, attack.upstream.requests]).toEqual([1, []]);
    });

    it('behind one with odd framing that Node lets through never go upstream', async () => {
      const client = await RawClient.open(attack.stand.port);
      const bytes = post('Transfer-Encoding: gzip, chunked') + '0\r\n\r\n' + signedHead('GET /api/behind');
      const received = await client.send(bytes).closed();
      expect([received.match(/HTTP\/1\.1 \d/g)?.length, attack.upstream.requests]).toEqual([1, []]);
    });
  });
});
