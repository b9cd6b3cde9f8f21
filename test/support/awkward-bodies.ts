import { gzipSync, brotliCompressSync } from 'node:zlib';
import { SeededRandom } from './random.ts';

/** A body that some framework has been seen to change, and the headers that made it. */
export interface AwkwardBody {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

const random = new SeededRandom(21);
const noise = (size: number): Buffer => Buffer.from(Array.from({ length: size }, () => random.integer(256)));
const body = (
  name: string,
  type: string | undefined,
  bytes: Buffer | string,
  more: Readonly<Record<string, string>> = {},
): AwkwardBody => ({
  name,
  headers: { ...(type === undefined ? {} : { 'content-type': type }), ...more },
  bytes: Buffer.from(bytes),
});

const JSON_TEXT = '{ "a":1, "a":2,\t"n":9007199254740993, "f":1.0, "e":1e2, "u":"\\u0041", "__proto__":{"x":1} }\r\n';
const FORM = [
  '--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: application/octet-stream\r\n\r\n',
  noise(500),
  '\r\n--x--\r\nepilogue',
];

export const AWKWARD_BODIES: readonly AwkwardBody[] = [
  body('JSON with duplicate keys, 64-bit numbers and odd spaces', 'application/json', JSON_TEXT),
  body('JSON in another charset', 'application/json; charset=iso-8859-1', Buffer.from('{"name":"J\xfcrgen"}', 'latin1')),
  body('JSON that is none', 'application/json', '{"a":'),
  body('invalid UTF-8', 'application/json; charset=utf-8', Buffer.from([0x22, 0xff, 0xfe, 0x00, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x22])),
  body('a byte order mark', 'application/json;charset="UTF-8"', '\ufeff{}'),
  body('nothing, with a JSON type', 'application/json', ''),
  body('multipart', 'multipart/form-data; boundary=x', Buffer.concat(FORM.map((it) => Buffer.from(it)))),
  body('a form', 'application/x-www-form-urlencoded', 'a=1&a=2&b=%zz&c=+%20&=&&d'),
  body('lines of JSON', 'application/x-ndjson', '{"a":1}\n{"a":9007199254740993}\n\n{"a":1}'),
  body('gzip', 'application/json', gzipSync(JSON_TEXT), { 'content-encoding': 'gzip' }),
  body('brotli', 'text/plain', brotliCompressSync('plain '.repeat(500)), { 'content-encoding': 'br' }),
  body('something that is not the gzip it claims to be', 'text/plain', 'no gzip', { 'content-encoding': 'gzip' }),
  body('an unknown type with parameters', 'application/x-odd; a="b;c"; A=d', noise(300)),
  body('a type that is none', 'nonsense', 'x'),
  body('no type', undefined, 'plain'),
  body('text like HTTP', 'message/http', 'GET / HTTP/1.1\r\nHost: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n0\r\n\r\n'),
  ...[1, 8_191, 8_192, 8_193, 65_535, 65_536, 65_537, 1_048_577].map((size) =>
    body(`${String(size)} bytes of noise`, 'application/octet-stream', noise(size)),
  ),
];

export type Framing = 'with its length' | 'in one chunk' | 'in chunks of one byte' | 'in chunks with extensions';

const SLOW_FRAMING_LIMIT = 2_000;

/** The framings worth a try for this body: a million chunks of one byte show no more than two thousand. */
export function framingsOf({ bytes }: AwkwardBody): readonly Framing[] {
  const quick: readonly Framing[] = ['with its length', 'in one chunk', 'in chunks with extensions'];
  return bytes.length > SLOW_FRAMING_LIMIT ? quick : [...quick, 'in chunks of one byte'];
}

/** The framing header and the bytes on the wire. */
export function framed(bytes: Buffer, framing: Framing): readonly [header: string, wire: Buffer] {
  if (framing === 'with its length') return [`Content-Length: ${String(bytes.length)}`, bytes];
  const size = framing === 'in chunks of one byte' ? 1 : framing === 'in one chunk' ? bytes.length : 3_001;
  const extension = framing === 'in chunks with extensions' ? ';name=value;other="quoted 5"' : '';
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    parts.push(Buffer.from(`${piece.length.toString(16)}${extension}\r\n`), piece, Buffer.from('\r\n'));
  }
  return ['Transfer-Encoding: chunked', Buffer.concat([...parts, Buffer.from(`0${extension}\r\n\r\n`)])];
}
