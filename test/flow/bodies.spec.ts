import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { AWKWARD_BODIES, framed, framingsOf, type AwkwardBody, type Framing } from '../support/awkward-bodies.ts';
import { openHouse, type House } from '../support/house.ts';
import { header, headers, RawClient, type RawAnswer } from '../support/raw-http.ts';
import { RawUpstream, UpstreamStub } from '../support/upstream-stub.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const lines = (all: Readonly<Record<string, string>>): string[] => Object.entries(all).map(([name, value]) => `${name}: ${value}`);
const cases = AWKWARD_BODIES.flatMap((it) => framingsOf(it).map((framing) => [it.name, framing, it] as const));

describe('bodies, byte for byte through the whole house', () => {
  let house: House;
  let stub: UpstreamStub;
  let raw: RawUpstream;
  let reply: Buffer;
  let closes: boolean;
  let client: RawClient;
  let cookie: string;

  beforeAll(async () => {
    stub = await UpstreamStub.start();
    raw = await RawUpstream.start((socket) => {
      if (closes) socket.end(reply);
      else socket.write(reply);
    });
    house = await openHouse({
      routes: () => [
        { path: '/in', upstream: stub.origin, stripPrefix: true },
        { path: '/out', upstream: raw.origin, stripPrefix: true },
      ],
    });
    const agent = house.newAgent();
    await agent.login('alice');
    cookie = house.cookiesOf(agent);
    client = await RawClient.open(house.port);
  });

  afterAll(async () => {
    client.destroy();
    await house.close();
    await stub.close();
    await raw.close();
  });

  const head = (method: string, path: string, ...more: string[]): string =>
    [
      `${method} ${path} HTTP/1.1`,
      `Host: localhost:${String(house.port)}`,
      `Cookie: ${cookie}`,
      'Sec-Fetch-Site: same-origin',
      ...more,
      '\r\n',
    ].join('\r\n');

  describe('of a request', () => {
    /** What arrived, after a request that all others of this page share their connection with. */
    async function sent(method: string, body: AwkwardBody, framing: Framing): Promise<readonly unknown[]> {
      const at = stub.requests.length;
      const [framingLine, wire] = framed(body.bytes, framing);
      client.send(head(method, '/in/x', ...lines(body.headers), framingLine)).send(wire);
      const answer = await client.answer();
      const seen = await stub.request(at);
      const { 'content-type': type, 'content-encoding': encoding, 'content-length': length, 'transfer-encoding': coding } = seen.headers;
      const bytes = Buffer.concat(seen.chunks);
      return [answer.status, seen.method, bytes.length, sha256(bytes), type, encoding, length ?? coding];
    }

    const expected = (method: string, { bytes, headers: own }: AwkwardBody, framing: Framing): readonly unknown[] => {
      // No byte in chunks is sent as no byte of length 0: the same message (RFC 9112 §6.3).
      const length = framing === 'with its length' || bytes.length === 0 ? String(bytes.length) : 'chunked';
      return [200, method, bytes.length, sha256(bytes), own['content-type'], own['content-encoding'], length];
    };

    it.each(cases)('%s, %s', async (_, framing, body) => {
      expect(await sent('POST', body, framing)).toEqual(expected('POST', body, framing));
    });

    it.each(['GET', 'DELETE', 'OPTIONS', 'PUT', 'PATCH', 'QUERY'])('whatever the method: %s', async (method) => {
      const body = AWKWARD_BODIES.find(({ name }) => name.startsWith('multipart')) ?? neverHere();
      for (const framing of ['with its length', 'in one chunk'] as const) {
        expect(await sent(method, body, framing)).toEqual(expected(method, body, framing));
      }
    });

    it('is empty where a GET or DELETE sends no byte in chunks', async () => {
      const empty = AWKWARD_BODIES.find(({ bytes }) => bytes.length === 0) ?? neverHere();
      for (const method of ['GET', 'DELETE', 'POST'])
        expect((await sent(method, empty, 'in one chunk')).slice(0, 3)).toEqual([200, method, 0]);
    });
  });

  describe('of an answer', () => {
    async function received(wire: Buffer | string, own: readonly string[], method = 'GET', status = '200 OK'): Promise<RawAnswer> {
      reply = Buffer.concat([Buffer.from([`HTTP/1.1 ${status}`, ...own, '\r\n'].join('\r\n')), Buffer.from(wire)]);
      closes = !own.some((line) => /^(?:content-length|transfer-encoding):/i.test(line)) && wire.length > 0;
      client.send(head(method, '/out/x', 'Accept-Encoding: gzip, br'));
      return client.answer({ bodiless: method === 'HEAD' });
    }

    it.each(cases)('%s, %s', async (_, framing, body) => {
      const [framingLine, wire] = framed(body.bytes, framing);
      const answer = await received(wire, [...lines(body.headers), framingLine]);
      const bytes = Buffer.from(answer.body, 'latin1');
      expect([answer.status, bytes.length, sha256(bytes)]).toEqual([200, body.bytes.length, sha256(body.bytes)]);
      expect([headers(answer, 'content-type'), headers(answer, 'content-encoding')]).toEqual([
        [body.headers['content-type'] ?? []].flat(),
        [body.headers['content-encoding'] ?? []].flat(),
      ]);
      expect(header(answer, 'content-length')).toBe(framing === 'with its length' ? String(body.bytes.length) : undefined);
    });

    it.each(AWKWARD_BODIES.filter(({ bytes }) => bytes.length > 0).map((it) => [it.name, it] as const))(
      '%s, up to the end of the connection',
      async (_, body) => {
        const answer = await received(body.bytes, lines(body.headers));
        expect([answer.status, sha256(Buffer.from(answer.body, 'latin1'))]).toEqual([200, sha256(body.bytes)]);
      },
    );

    it('is not there, but its length and coding are, for a HEAD', async () => {
      const answer = await received('', ['Content-Length: 12345', 'Content-Encoding: br', 'ETag: W/"1"'], 'HEAD');
      expect(['content-length', 'content-encoding', 'etag'].map((it) => header(answer, it))).toEqual(['12345', 'br', 'W/"1"']);
      expect(client.received).toBe('');
    });

    it.each(['204 No Content', '304 Not Modified'])(
      'is not there for a %s, whose headers pass, and the connection goes on',
      async (status) => {
        const first = await received('', ['ETag: "1"', 'Content-Location: /x'], 'GET', status);
        expect([first.status, header(first, 'etag'), header(first, 'content-location'), client.received]).toEqual([
          Number(status.slice(0, 3)),
          '"1"',
          '/out/x',
          '',
        ]);
        expect((await received('ok', ['Content-Length: 2'])).body).toBe('ok');
      },
    );

    it('keeps the length that a 304 tells of the body that it does not send', async () => {
      const answer = await received('', ['Content-Length: 12345'], 'GET', '304 Not Modified');
      expect([header(answer, 'content-length'), client.received]).toEqual(['12345', '']);
    });
  });

  it('neither direction changes an accent in a header value', async () => {
    reply = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Name: J\xfcrgen\r\n\r\n', 'latin1');
    closes = false;
    const answer = await client.send(head('GET', '/out/x')).answer();
    expect(header(answer, 'x-name')).toBe('J\xfcrgen');
    const at = stub.requests.length;
    await client.send(head('GET', '/in/x', 'X-Name: J\xfcrgen')).answer();
    expect((await stub.request(at)).headers['x-name']).toBe('J\xfcrgen');
  });
});

function neverHere(): never {
  throw new Error('no such body');
}
