import { expect } from '@jest/globals';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { bodyOf } from '../../support/upstream-stub.ts';
import { GET, type ForwarderCase, type ForwarderCases } from './case.ts';

/** Bytes as one character each. */
interface Body {
  readonly method?: string;
  /** Header lines. */
  readonly lines?: readonly string[];
  readonly bytes: string;
}

const JSON_TYPE = ['Content-Type: application/json'];
const MULTIPART = '--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n\0\xff\r\n--b--\r\n';
const EVERY_BYTE = String.fromCharCode(...Array.from({ length: 256 }, (_, at) => at));
const GZIPPED = gzipSync('{"a":1}').toString('latin1');

const BODIES: Readonly<Record<string, Body>> = {
  'JSON with a key twice': { lines: JSON_TYPE, bytes: '{ "a": 1,\n "a":2 }' },
  'JSON with 64-bit numbers': { lines: JSON_TYPE, bytes: '{"id":9223372036854775807,"x":1.0}' },
  'JSON that is not UTF-8': { lines: JSON_TYPE, bytes: '{"a":"\xff\xc0\x80"}' },
  'JSON with a byte order mark': { lines: JSON_TYPE, bytes: '\xef\xbb\xbf{"a":1}' },
  'an empty body of type JSON': { lines: JSON_TYPE, bytes: '' },
  'broken JSON': { lines: JSON_TYPE, bytes: '{"a":' },
  'multipart with a file': { lines: ['Content-Type: multipart/form-data; boundary=b'], bytes: MULTIPART },
  'JSON lines': { lines: ['Content-Type: application/x-ndjson'], bytes: '{"a":1}\n{"a":2}\n' },
  'a compressed body': { lines: [...JSON_TYPE, 'Content-Encoding: gzip'], bytes: GZIPPED },
  'a body without a type': { bytes: EVERY_BYTE },
  'a body of an unknown type': { lines: ['Content-Type: x/y;v="1;2"'], bytes: EVERY_BYTE },
  'a body with a charset': { lines: ['Content-Type: text/plain; charset=iso-8859-1'], bytes: 'caf\xe9' },
  'the body of a GET': { method: 'GET', lines: JSON_TYPE, bytes: '{"q":1}' },
  'the body of a DELETE': { method: 'DELETE', lines: JSON_TYPE, bytes: '{"ids":[1]}' },
};

const requestBody = ([what, { method = 'POST', lines = [], bytes }]: [string, Body]): ForwarderCase => ({
  title: `keeps ${what} byte for byte, by its length and in chunks`,
  play: async (stage) => {
    const { stub, port } = await stage.withStub();
    const client = await stage.client(port);
    for (const framed of [
      `Content-Length: ${String(bytes.length)}\r\n\r\n${bytes}`,
      `Transfer-Encoding: chunked\r\n\r\n${inChunks(bytes)}`,
    ]) {
      const head = [`${method} /x HTTP/1.1`, 'Host: a', ...lines].join('\r\n');
      const answer = await client.send(`${head}\r\n${framed}`).answer();
      const seen = stub.requests.at(-1);
      const sent = ['type', 'encoding'].map((name) => valueOf(lines, `Content-${name}`));
      expect([answer.status, seen?.headers['content-type'], seen?.headers['content-encoding']]).toEqual([200, ...sent]);
      expect(digest(seen === undefined ? '' : bodyOf(seen))).toBe(digest(bytes));
    }
    expect(stub.requests).toHaveLength(2);
  },
});

const answerBody = ([what, { lines = [], bytes }]: [string, Body]): ForwarderCase => ({
  title: `gives ${what} back byte for byte`,
  play: async (stage) => {
    const head = ['HTTP/1.1 200 OK', ...lines, `Content-Length: ${String(bytes.length)}`].join('\r\n');
    const { port } = await stage.withRaw((socket) => socket.write(`${head}\r\n\r\n${bytes}`, 'latin1'));
    const answer = await stage.exchange(port, GET);
    expect([answer.status, digest(answer.body)]).toEqual([200, digest(bytes)]);
  },
});

export const BYTES: ForwarderCases = {
  subject: 'bodies',
  cases: [
    ...Object.entries(BODIES).map(requestBody),
    ...Object.entries(BODIES)
      .filter(([what]) => /compressed|without a type|not UTF-8/.test(what))
      .map(answerBody),
  ],
};

const digest = (bytes: string): string => createHash('sha256').update(bytes, 'latin1').digest('hex');

const valueOf = (lines: readonly string[], name: string): string | undefined =>
  lines.find((it) => it.toLowerCase().startsWith(`${name.toLowerCase()}: `))?.slice(name.length + 2);

/** Chunks of five bytes, so that most things are cut somewhere. */
function inChunks(bytes: string): string {
  const pieces = bytes.match(/[^]{1,5}/g) ?? [];
  return [...pieces, ''].map((it) => `${it.length.toString(16)}\r\n${it}\r\n`).join('');
}
