import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import { signedHead } from '../support/attack.ts';
import { openStand, type Stand } from '../support/proxy-stand.ts';
import { header, RawClient, rawExchange } from '../support/raw-http.ts';
import { RawUpstream } from '../support/upstream-stub.ts';

const lines = (...parts: readonly string[]): string => parts.join('\r\n');
const OK = lines('HTTP/1.1 200 OK', 'Content-Length: 4', '', 'fine');

describe('framing of answers', () => {
  let play: (socket: Socket, head: string) => void;
  let upstream: RawUpstream;
  let stand: Stand;

  beforeAll(async () => {
    upstream = await RawUpstream.start((socket, head) => play(socket, head));
    stand = await openStand({ upstream: upstream.origin, route: { idleTimeout: 100, headersTimeout: 1_000 } });
  });

  afterEach(() => void upstream.heads.splice(0));

  afterAll(async () => {
    await stand.close();
    await upstream.close();
  });

  /** The next request must be answered by the upstream's next word, never by what is left of the last one. */
  async function next(): Promise<readonly [string, number]> {
    const before = upstream.connections;
    play = (socket) => socket.write(OK);
    const answer = await rawExchange(stand.port, signedHead('GET /api/next'));
    return [answer.body, upstream.connections - before];
  }

  describe('A33 an answer that two readers could cut differently: 502, and its connection is never used again', () => {
    it.each([
      ['a length and chunks', lines('HTTP/1.1 200 OK', 'Content-Length: 4', 'Transfer-Encoding: chunked', '', '0', '', '')],
      ['chunks and a length', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Content-Length: 4', '', '0', '', '')],
      ['two lengths', lines('HTTP/1.1 200 OK', 'Content-Length: 4', 'Content-Length: 40', '', 'evil')],
      ['the same length twice', lines('HTTP/1.1 200 OK', 'Content-Length: 4', 'Content-Length: 4', '', 'evil')],
      ['a list of lengths', lines('HTTP/1.1 200 OK', 'Content-Length: 4, 4', '', 'evil')],
      ['a length with a sign', lines('HTTP/1.1 200 OK', 'Content-Length: +4', '', 'evil')],
      ['a hexadecimal length', lines('HTTP/1.1 200 OK', 'Content-Length: 0x4', '', 'evil')],
      ['a negative length', lines('HTTP/1.1 200 OK', 'Content-Length: -4', '', 'evil')],
      ['an empty length', lines('HTTP/1.1 200 OK', 'Content-Length:', '', 'evil')],
      ['an overflowing length', lines('HTTP/1.1 200 OK', 'Content-Length: 18446744073709551620', '', 'evil')],
      ['another coding', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: gzip, chunked', '', '0', '', '')],
      ['a coding behind chunked', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked, identity', '', '0', '', '')],
      ['two codings', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked', '', '0', '', '')],
      ['an odd coding', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: xchunked', '', '0', '', '')],
      ['a folded line', lines('HTTP/1.1 200 OK', 'X-A: 1', ' folded', 'Content-Length: 0', '', '')],
      ['a space before the colon', lines('HTTP/1.1 200 OK', 'Content-Length : 4', '', 'evil')],
      ['a bare line feed', 'HTTP/1.1 200 OK\nContent-Length: 4\n\nevil'],
      ['a bare carriage return in a value', lines('HTTP/1.1 200 OK', 'X-A: a\rSet-Cookie: b=c', 'Content-Length: 0', '', '')],
      ['a bare line feed in a value', lines('HTTP/1.1 200 OK', 'X-A: a\nSet-Cookie: b=c', 'Content-Length: 0', '', '')],
      ['NUL in a value', lines('HTTP/1.1 200 OK', 'X-A: a\0b', 'Content-Length: 0', '', '')],
      ['NUL in a name', lines('HTTP/1.1 200 OK', 'X-\0A: b', 'Content-Length: 0', '', '')],
      ['a line without a colon', lines('HTTP/1.1 200 OK', 'nonsense', '', '')],
      ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n'],
      ['HTTP/2', lines('HTTP/2 200 OK', 'Content-Length: 4', '', 'evil')],
      ['a status of two digits', lines('HTTP/1.1 20 OK', 'Content-Length: 4', '', 'evil')],
      ['a status of four digits', lines('HTTP/1.1 2000 OK', 'Content-Length: 4', '', 'evil')],
      ['a status of zero', lines('HTTP/1.1 000 OK', 'Content-Length: 4', '', 'evil')],
      ['a head without an end', lines('HTTP/1.1 200 OK', `X-A: ${'a'.repeat(100_000)}`, '', '')],
    ])('%s', async (_, bytes) => {
      play = (socket) => socket.write(bytes, 'latin1');
      const answer = await rawExchange(stand.port, signedHead('GET /api'));
      expect([answer.status, header(answer, 'cloakroom-error')]).toEqual([502, 'upstream_protocol']);
      expect(await next()).toEqual(['fine', 1]);
    });

    it('chunks under HTTP/1.0 are framed anew for the client, and that connection is never used again', async () => {
      play = (socket) => socket.write(lines('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked', '', '4', 'part', '0', '', ''));
      const answer = await rawExchange(stand.port, signedHead('GET /api'));
      expect([answer.body, header(answer, 'transfer-encoding')]).toEqual(['part', 'chunked']);
      expect(await next()).toEqual(['fine', 1]);
    });

    it('a second answer that nobody asked for is not the next one', async () => {
      play = (socket) => socket.write(OK + lines('HTTP/1.1 200 OK', 'Content-Length: 4', '', 'evil'));
      expect((await rawExchange(stand.port, signedHead('GET /api'))).body).toBe('fine');
      expect(await next()).toEqual(['fine', 1]);
    });

    it.each([
      ['a malformed chunk', 'zz\r\n'],
      ['a chunk size with a sign', '-1\r\n'],
      ['more bytes than the chunk says', '1\r\nevil\r\n0\r\n\r\n'],
      ['an endless trailer', `0\r\nX-T: ${'a'.repeat(100_000)}\r\n\r\n`],
    ])('%s breaks the client off as well', async (_, chunks) => {
      play = (socket) => socket.write(`${lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '4', 'part', '')}${chunks}`);
      const client = await RawClient.open(stand.port);
      const received = await client.send(signedHead('GET /api')).closed();
      expect(received).not.toMatch(/\r\n0\r\n\r\n$/);
      expect(await next()).toEqual(['fine', 1]);
    });
  });

  describe('A22 a body where none can be', () => {
    it.each([
      ['204 with a length and bytes', 'GET', lines('HTTP/1.1 204 No Content', 'Content-Length: 4', '', 'evil'), 204],
      ['204 with chunks', 'GET', lines('HTTP/1.1 204 No Content', 'Transfer-Encoding: chunked', '', '4', 'evil', '0', '', ''), 204],
      ['304 with a length and bytes', 'GET', lines('HTTP/1.1 304 Not Modified', 'Content-Length: 4', '', 'evil'), 304],
      ['HEAD with bytes', 'HEAD', lines('HTTP/1.1 200 OK', 'Content-Length: 4', '', 'evil'), 200],
      ['HEAD with chunks', 'HEAD', lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '4', 'evil', '0', '', ''), 200],
    ])('%s reaches nobody', async (_, method, bytes, status) => {
      play = (socket, head) => void socket.write(head.includes('/next') ? OK : bytes);
      const client = await RawClient.open(stand.port);
      const answer = await client.send(signedHead(`${method} /api`)).answer({ bodiless: true });
      const second = await client.send(signedHead('GET /api/next')).answer();
      client.destroy();
      expect([answer.status, second.status, second.body]).toEqual([status, 200, 'fine']);
    });

    it.each([204, 304])('a %i has no framing of its own but what it says of the resource', async (status) => {
      play = (socket) => socket.write(lines(`HTTP/1.1 ${String(status)} X`, 'Content-Length: 4', '', ''));
      const answer = await rawExchange(stand.port, signedHead('GET /api'));
      expect([header(answer, 'content-length'), header(answer, 'transfer-encoding')]).toEqual([
        status === 304 ? '4' : undefined,
        undefined,
      ]);
    });
  });

  describe('A22 interim answers', () => {
    it.each([
      ['102 Processing', 'HTTP/1.1 102 Processing'],
      ['103 Early Hints', 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload'],
    ])('of a %s only what is harmless goes on, and it is not the answer', async (status, passed) => {
      const hints = ['Link: </a>; rel=preload', 'Set-Cookie: a=b', 'Location: http://10.0.0.5/'];
      play = (socket) => socket.write(lines(`HTTP/1.1 ${status}`, ...hints, '', OK));
      const client = await RawClient.open(stand.port);
      const received = await client.send(signedHead('GET /api', 'Connection: close')).closed();
      expect(received.split('\r\n\r\n').map((it) => it.slice(0, passed.length))).toEqual([
        passed,
        expect.stringMatching(/^HTTP\/1\.1 200 /),
        'fine',
      ]);
      expect(received).not.toMatch(/set-cookie|10\.0\.0\.5/i);
    });

    it.each(['Link: no link', 'Link: </a>\x80', 'Link: </a>; rel=preload, evil', 'X-A: 1'])('%j in a 103 breaks nothing', async (line) => {
      play = (socket) => socket.write(lines('HTTP/1.1 103 Early Hints', line, '', OK), 'latin1');
      expect((await rawExchange(stand.port, signedHead('GET /api'))).body).toBe('fine');
    });

    it.each([
      ['a flood of them', lines('HTTP/1.1 103 Early Hints', '', '').repeat(1_000)],
      ['a 100 that nobody asked for', lines('HTTP/1.1 100 Continue', '', OK)],
      ['a 101 that nobody asked for', lines('HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', '', 'evil')],
      ['a 101 without a word of what', lines('HTTP/1.1 101 Switching Protocols', '', OK)],
      ['a 199 that never ends', lines('HTTP/1.1 199 X', '', '').repeat(20)],
    ])('%s: 502, and the connection is never used again', async (_, bytes) => {
      play = (socket) => socket.write(bytes);
      const answer = await rawExchange(stand.port, signedHead('GET /api'));
      expect([answer.status, header(answer, 'cloakroom-error')]).toEqual([502, 'upstream_protocol']);
      expect(await next()).toEqual(['fine', 1]);
    });
  });
});
