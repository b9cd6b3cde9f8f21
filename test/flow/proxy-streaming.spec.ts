import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openHouse, type House } from '../support/house.ts';
import { UpstreamStub } from '../support/upstream-stub.ts';

const MIB = 1024 * 1024;
const LARGE = 50 * MIB;
const BLOCK = 64 * 1024;
/** Socket buffers and what is on its way; a body that is collected anywhere is more than this long before its end. */
const FLAT = 32 * MIB;

setFlagsFromString('--expose-gc');
/** Whole collections are slow in a process whose heap other tests have filled. */
const PATIENCE_MS = 180_000;
const collectGarbage = runInNewContext('gc') as () => void;

/** Memory held by buffers, sampled every five mebibytes of a stream. */
class BufferMemory {
  readonly #before: number;
  #next = 5 * MIB;
  most = 0;

  constructor() {
    collectGarbage();
    this.#before = process.memoryUsage().arrayBuffers;
  }

  passed(bytes: number): void {
    if (bytes < this.#next) return;
    this.#next += 5 * MIB;
    collectGarbage();
    collectGarbage(); // waits for what the first one only began to free
    this.most = Math.max(this.most, process.memoryUsage().arrayBuffers - this.#before);
  }
}

describe('streaming', () => {
  let house: House;
  let upstream: UpstreamStub;
  let cookie: string;

  beforeEach(async () => {
    upstream = await UpstreamStub.start();
    const routes = (echo: string) => [
      { path: '/api', upstream: echo, stripPrefix: true },
      { path: '/stub', upstream: upstream.origin, stripPrefix: true },
    ];
    house = await openHouse({ routes });
    const agent = house.newAgent();
    await agent.login('alice');
    cookie = house.cookiesOf(agent);
  });

  afterEach(async () => {
    await house.close();
    await upstream.close();
  });

  const open = (path: string, method = 'GET', headers: Readonly<Record<string, string>> = {}): ClientRequest =>
    request(new URL(path, house.origin), { method, agent: false, headers: { cookie, 'sec-fetch-site': 'same-origin', ...headers } });

  async function answerOf(outgoing: ClientRequest): Promise<IncomingMessage> {
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    return answer;
  }

  /** Blocks that differ from each other, counted and hashed on their way. */
  function* blocks(bytes: number, hash: Hash, memory: BufferMemory): Generator<Buffer> {
    for (let sent = 0; sent < bytes; sent += BLOCK) {
      const block = Buffer.alloc(BLOCK, `block ${String(sent)} `);
      hash.update(block);
      memory.passed(sent);
      yield block;
    }
  }

  it.each([
    ['with its length', { 'content-length': String(LARGE) }],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ])(
    'carries an upload of 50 MiB %s byte for byte, in flat memory',
    async (_, headers) => {
      const hash = createHash('sha256');
      const memory = new BufferMemory();
      const outgoing = open('/api/upload', 'POST', headers);
      Readable.from(blocks(LARGE, hash, memory), { highWaterMark: 1 }).pipe(outgoing);
      const answer = await answerOf(outgoing);
      expect(JSON.parse(await text(answer))).toMatchObject({ bytes: LARGE, sha256: hash.digest('hex') });
      expect(memory.most).toBeLessThan(FLAT);
    },
    PATIENCE_MS,
  );

  it(
    'carries a download of 50 MiB byte for byte, in flat memory',
    async () => {
      const memory = new BufferMemory();
      const [received, expected] = [createHash('sha256'), createHash('sha256')];
      const block = Buffer.alloc(BLOCK, 'echo ');
      for (let n = 0; n < LARGE; n += BLOCK) expected.update(block);
      const outgoing = open(`/api/download?bytes=${String(LARGE)}`);
      outgoing.end();
      const answer = await answerOf(outgoing);
      let bytes = 0;
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        received.update(chunk);
        memory.passed((bytes += chunk.length));
      }
      expect([answer.headers['content-length'], bytes]).toEqual([String(LARGE), LARGE]);
      expect(received.digest('hex')).toBe(expected.digest('hex'));
      expect(memory.most).toBeLessThan(FLAT);
    },
    PATIENCE_MS,
  );

  it.each<[string, Readonly<Record<string, string>>, Buffer]>([
    [
      'JSON with duplicate keys and 64-bit numbers',
      { 'content-type': 'application/json' },
      Buffer.from('{"a":1,"a":2, "n":9007199254740993 }\n'),
    ],
    ['invalid UTF-8', { 'content-type': 'text/plain; charset=utf-8' }, Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28])],
    ['a byte order mark', { 'content-type': 'application/json; charset=utf-8' }, Buffer.from('\ufeff{}')],
    ['no body with a JSON type', { 'content-type': 'application/json', 'content-length': '0' }, Buffer.alloc(0)],
    ['an unknown type', { 'content-type': 'application/x-odd; a="b;c"' }, Buffer.from('x')],
    ['no type', {}, Buffer.from('plain')],
    [
      'multipart',
      { 'content-type': 'multipart/form-data; boundary=x' },
      Buffer.from('--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'),
    ],
    ['gzip', { 'content-encoding': 'gzip', 'content-type': 'application/json' }, Buffer.from([0x1f, 0x8b, 8, 0, 0, 0])],
  ])('leaves a body alone: %s', async (_, headers, body) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const at = upstream.requests.length;
      const outgoing = open('/stub/x', method, { 'content-length': String(body.length), ...headers });
      outgoing.end(body);
      expect(await text(await answerOf(outgoing))).toBe('ok');
      const seen = await upstream.request(at);
      expect(Buffer.concat(seen.chunks).equals(body)).toBe(true);
      expect(seen.headers['content-type']).toBe(headers['content-type']);
      // An empty DELETE needs no length to be empty.
      const length = body.length === 0 && method === 'DELETE' ? undefined : String(body.length);
      expect(seen.headers['content-length']).toBe(length);
    }
  });

  it('hands on each server-sent event before the upstream sends the next one', async () => {
    const next: (() => void)[] = [];
    upstream.handler = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      let n = 0;
      const send = (): void => {
        n += 1;
        if (n > 5) response.end();
        else response.write(`data: ${String(n)}\n\n`);
      };
      next.push(send);
      send();
    };
    const outgoing = open('/stub/events');
    outgoing.end();
    const answer = await answerOf(outgoing);
    const seen: string[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      seen.push(chunk.toString());
      next[0]?.(); // the upstream goes on only now
    }
    expect(seen).toEqual([1, 2, 3, 4, 5].map((n) => `data: ${String(n)}\n\n`));
    expect(answer.headers['content-type']).toBe('text/event-stream');
  });

  it('hands on each piece of an upload before the client sends the next one', async () => {
    const outgoing = open('/stub/upload', 'POST', { 'transfer-encoding': 'chunked' });
    outgoing.write('1');
    const seen = await upstream.request();
    for (const piece of ['2', '3', '4']) {
      const before = seen.chunks.length;
      outgoing.write(piece);
      while (seen.chunks.length === before) await new Promise((resolve) => setImmediate(resolve));
    }
    outgoing.end();
    await answerOf(outgoing);
    expect(seen.chunks.map(String)).toEqual(['1', '2', '3', '4']);
  });

  it('gives the client a 413 that the upstream sent before it had read the body', async () => {
    upstream.handler = (incoming, response) => {
      incoming.pause();
      response.writeHead(413).end('too large');
    };
    const outgoing = open('/stub/x', 'POST', { 'transfer-encoding': 'chunked' });
    outgoing.on('error', () => undefined); // whatever is still sent goes nowhere
    const answered = answerOf(outgoing);
    const hash = createHash('sha256');
    Readable.from(blocks(20 * MIB, hash, new BufferMemory())).pipe(outgoing);
    const answer = await answered;
    expect([answer.statusCode, await text(answer)]).toEqual([413, 'too large']);
    const after = await house.call('/api/x', { cookie });
    expect(after.status).toBe(200);
  });

  it.each([1_000, 200_000, 5 * MIB])('gives the client the 413 of an upstream that hangs up right after it (%i bytes)', async (bytes) => {
    for (let n = 0; n < 5; n++) {
      const answer = await house.call('/api/early-413', { cookie, method: 'POST', body: Buffer.alloc(bytes) });
      expect([answer.status, await answer.text()]).toEqual([413, 'too large\n']);
    }
  });

  it('ends the upstream’s exchange when the client goes away: before the head, in the answer, in the upload', async () => {
    upstream.handler = () => undefined;
    const waiting = open('/stub/waiting');
    waiting.on('error', () => undefined);
    waiting.end();
    const first = await upstream.request(0);
    waiting.destroy();
    expect(await first.closed).toBe(false);

    upstream.handler = (_request, response) => response.write('begun');
    const reading = open('/stub/reading');
    reading.on('error', () => undefined);
    reading.end();
    const answer = await answerOf(reading);
    answer.on('error', () => undefined);
    reading.destroy();
    expect(await (await upstream.request(1)).closed).toBe(false);

    upstream.handler = () => undefined;
    const sending = open('/stub/sending', 'POST', { 'content-length': '1000' });
    sending.on('error', () => undefined);
    sending.write('begun');
    const third = await upstream.request(2);
    sending.destroy();
    expect(await third.whole).toBe(false);
    upstream.handler = (_request, response) => response.end('ok');
    expect((await house.call('/stub/after', { cookie })).status).toBe(200);
  });

  it.each(['/api/die-mid-body', '/api/die-mid-body?again'])(
    'breaks the client’s connection when the upstream dies in the middle (%s)',
    async (path) => {
      const outgoing = open(path);
      outgoing.end();
      const answer = await answerOf(outgoing);
      expect(answer.statusCode).toBe(200);
      await expect(text(answer)).rejects.toThrow('aborted');
    },
  );

  it('answers HEAD, 204 and 304 without a body, on a connection that stays good', async () => {
    for (const [method, path, status] of [
      ['HEAD', '/api/download?bytes=100', 200],
      ['GET', '/api/status/204', 204],
      ['GET', '/api/not-modified', 304],
    ] as const) {
      const outgoing = open(path, method);
      outgoing.end();
      const answer = await answerOf(outgoing);
      expect([answer.statusCode, await text(answer)]).toEqual([status, '']);
    }
  });
});
