import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ERRORS, type Failure } from '../../src/kernel/errors.ts';
import type { ForwardEnd, Forwarder, ForwardPlan } from '../../src/proxy/forwarder.ts';
import { header, rawExchange, RawClient } from '../support/raw-http.ts';
import { bodyOf, RawUpstream, UpstreamStub } from '../support/upstream-stub.ts';

export interface ForwarderLimits {
  readonly connections: number;
  /** Milliseconds. */
  readonly connectTimeout: number;
}

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const UPLOAD = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n';

/** What any forwarder must do, whoever carries the bytes. */
export function forwarderContract(name: string, create: (origin: string, limits: ForwarderLimits) => Forwarder): void {
  describe(name, () => {
    let server: Server;
    let forwarder: Forwarder;
    let upstream: { readonly origin: string; close(): Promise<void> } | undefined;
    let ends: ForwardEnd[];
    let failures: Failure[];
    let seenHeads: number[];
    let plan: Partial<ForwardPlan>;
    let whenEnded: () => void;

    beforeEach(() => {
      ends = [];
      failures = [];
      seenHeads = [];
      plan = {};
      whenEnded = () => undefined;
    });

    afterEach(async () => {
      server.close();
      server.closeAllConnections();
      await forwarder.close();
      await upstream?.close();
    });

    async function open(origin: string, limits: Partial<ForwarderLimits> = {}): Promise<number> {
      forwarder = create(origin, { connections: 20, connectTimeout: 2_000, ...limits });
      server = createServer((request, response) => {
        forwarder.forward(request, response, {
          method: request.method ?? '',
          path: request.url ?? '',
          headers: ['x-fixed', 'yes', ...contentHeaders(request.headers)],
          headersTimeout: 5_000,
          idleTimeout: 5_000,
          maxBody: undefined,
          onLive: () => () => undefined,
          onHead: (status, headers) => {
            seenHeads.push(status);
            const kept = Object.entries(headers).filter(([it]) => !/^(?:connection|keep-alive|transfer-encoding)$/.test(it));
            return { kind: 'head', headers: kept.flatMap(([it, value]) => [value ?? ''].flat().flatMap((one) => [it, one])) };
          },
          onFailure: (failure) => {
            failures.push(failure);
            response.writeHead(ERRORS[failure.code].status).end(failure.code);
          },
          onEnd: (end) => {
            ends.push(end);
            whenEnded();
          },
          ...plan,
        });
      });
      server.on('checkContinue', (request, response) => server.emit('request', request, response));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    }

    async function withStub(...given: Parameters<typeof UpstreamStub.start>): Promise<{ stub: UpstreamStub; port: number }> {
      const stub = await UpstreamStub.start(...given);
      upstream = stub;
      return { stub, port: await open(stub.origin) };
    }

    async function withRaw(...given: Parameters<typeof RawUpstream.start>): Promise<{ raw: RawUpstream; port: number }> {
      const raw = await RawUpstream.start(...given);
      upstream = raw;
      return { raw, port: await open(raw.origin) };
    }

    const ended = (): Promise<void> => (ends.length > 0 ? Promise.resolve() : new Promise((resolve) => (whenEnded = resolve)));

    describe('a whole exchange', () => {
      it('sends exactly the planned headers and gives back status, headers and body', async () => {
        const { stub, port } = await withStub((_request, response) => response.writeHead(201, { 'x-up': 'a' }).end('hello'));
        const answer = await rawExchange(port, GET);
        expect([answer.status, header(answer, 'x-up'), answer.body]).toEqual([201, 'a', 'hello']);
        const seen = await stub.request();
        expect(seen.rawHeaders.filter((_, at) => at % 2 === 0).map((it) => it.toLowerCase())).toEqual(['host', 'connection', 'x-fixed']);
        expect(seen.headers.host).toBe(stub.authority);
        expect([ends, failures, seenHeads]).toEqual([['complete'], [], [201]]);
      });

      it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'OPTIONS'])('keeps the body of a %s and its Content-Length', async (method) => {
        const { stub, port } = await withStub();
        await rawExchange(port, `${method} /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`);
        const seen = await stub.request();
        expect([seen.method, bodyOf(seen), seen.headers['content-length'], seen.headers['transfer-encoding']]).toEqual([
          method,
          'hello',
          '5',
          undefined,
        ]);
      });

      it('passes a chunked body on as one body', async () => {
        const { stub, port } = await withStub();
        await rawExchange(port, 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n');
        const seen = await stub.request();
        expect([bodyOf(seen), seen.headers['transfer-encoding'], seen.headers['content-length']]).toEqual(['abcde', 'chunked', undefined]);
      });

      it('answers HEAD with the length of the body that is not there', async () => {
        const { port } = await withStub((_request, response) => response.writeHead(200, { 'content-length': '5' }).end());
        const client = await RawClient.open(port);
        const head = await client.send('HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n').answer({ bodiless: true });
        const next = await client.send(GET).answer({ bodiless: true });
        expect([head.status, header(head, 'content-length'), next.status]).toEqual([200, '5', 200]);
        client.destroy();
      });

      it.each([204, 304])('answers %i without a body and keeps the connection', async (status) => {
        const { port } = await withStub((_request, response) => response.writeHead(status).end());
        const client = await RawClient.open(port);
        const first = await client.send(GET).answer();
        const second = await client.send(GET).answer();
        expect([first.status, second.status, client.received]).toEqual([status, status, '']);
        client.destroy();
      });

      it('does not take an interim answer for the answer', async () => {
        const { port } = await withRaw((socket) => {
          socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        });
        const answer = await rawExchange(port, GET);
        expect([answer.status, answer.body, seenHeads]).toEqual([200, 'ok', [200]]);
      });

      it('answers HTTP/1.0 without chunks, up to an orderly end', async () => {
        const { port } = await withStub((_request, response) => {
          response.write('a');
          response.end('b');
        });
        const client = await RawClient.open(port);
        const answer = await client.send(GET.replace('HTTP/1.1', 'HTTP/1.0')).answer();
        expect([answer.body, header(answer, 'transfer-encoding'), client.wasReset]).toEqual(['ab', undefined, false]);
      });

      it('meets an expectation itself', async () => {
        const { stub, port } = await withStub();
        const client = await RawClient.open(port);
        client.send(UPLOAD.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'));
        await client.until((it) => it.startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
        const answer = await client.send('0123456789').answer();
        const seen = await stub.request();
        expect([answer.status, bodyOf(seen), seen.headers.expect]).toEqual([200, '0123456789', undefined]);
        client.destroy();
      });
    });

    describe('streaming', () => {
      it('gives each part of the answer to the client as it is written', async () => {
        let write: (text: string) => void = () => undefined;
        const { port } = await withStub((_request, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
          write = (text) => response.write(text);
        });
        const client = await RawClient.open(port);
        await client.send(GET).until((it) => it.includes('\r\n\r\n'));
        write('data: 1\n\n');
        await client.until((it) => it.includes('data: 1\n\n'));
        write('data: 2\n\n');
        await client.until((it) => it.includes('data: 2\n\n'));
        expect(ends).toEqual([]);
        client.destroy();
        await ended();
      });

      it('gives each part of the request to the upstream as it comes', async () => {
        const { stub, port } = await withStub();
        const client = await RawClient.open(port);
        client.send(`${UPLOAD}01234`);
        const seen = await stub.request();
        while (bodyOf(seen).length < 5) await new Promise((resolve) => setImmediate(resolve));
        expect(bodyOf(seen)).toBe('01234');
        const answer = await client.send('56789').answer();
        expect([answer.status, bodyOf(seen)]).toEqual([200, '0123456789']);
        client.destroy();
      });

      it('stops reading from the upstream while the client does not read', async () => {
        const block = Buffer.alloc(1024 * 1024);
        let written = 0;
        const { port } = await withStub((_request, response) => {
          const more = (): void => {
            while (written < 200 && response.write(block)) written++;
            written++;
            if (written < 200) response.once('drain', more);
            else response.end();
          };
          more();
        });
        const client = await RawClient.open(port);
        client.socket.pause();
        client.send(GET);
        // Twice the same count with time for far more in between: nobody takes any further byte.
        for (let last = -1; last !== written || written === 0;) {
          last = written;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        expect(written).toBeLessThan(100);
        client.destroy();
        await ended();
        expect(ends).toEqual(['client_gone']);
      });

      it('stops reading from the client while the upstream does not read', async () => {
        const { port } = await withStub((request) => request.pause());
        const size = 64 * 1024 * 1024;
        const client = await RawClient.open(port);
        client.send(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`).send(Buffer.alloc(size));
        for (let last = -1; last !== client.socket.bytesWritten - client.socket.writableLength;) {
          last = client.socket.bytesWritten - client.socket.writableLength;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        expect(client.socket.writableLength).toBeGreaterThan(size / 2);
        client.destroy();
        await ended();
      });

      it('ends an event stream in order when its lifetime is over', async () => {
        plan = { onLive: endAfter(0) };
        const { port } = await withStub((_request, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).write('data: 1\n\n');
        });
        const answer = await rawExchange(port, GET);
        expect(answer.body).toBe('data: 1\n\n');
        await ended();
        expect(ends).toEqual(['complete']);
      });

      it('does not bind an event stream to the idle limit, but every other answer', async () => {
        plan = { idleTimeout: 30 };
        let finish: () => void = () => undefined;
        const { port } = await withStub((request, response) => {
          const type = request.url === '/events' ? 'text/event-stream' : 'text/plain';
          response.writeHead(200, { 'content-type': type }).write('a');
          finish = () => response.end('b');
        });
        const stream = await RawClient.open(port);
        await stream.send(GET.replace('/x', '/events')).until((it) => it.includes('\r\na\r\n'));
        const finishStream = finish;
        const plain = await RawClient.open(port);
        const received = await plain.send(GET).closed();
        expect(received).not.toMatch(/\r\n0\r\n\r\n$/);
        await ended();
        expect(ends).toEqual(['upstream_lost']);
        finishStream();
        expect((await stream.answer()).body).toBe('ab');
      });
    });

    it('cuts an event stream off at the end of its lifetime when its client does not read', async () => {
      let isOver: () => void = () => undefined;
      plan = { onLive: endAfter(2_000), idleTimeout: 60_000 };
      const { port } = await withStub((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const more = (): void => {
          while (response.write(Buffer.alloc(1024 * 1024)));
          response.once('drain', more);
        };
        more();
      });
      const closed = new Promise<void>((resolve) => (isOver = resolve));
      server.on('connection', (socket) => socket.on('close', isOver));
      const client = await RawClient.open(port);
      client.socket.pause();
      client.send(GET);
      await closed;
      expect(ends).toEqual(['client_gone']);
      client.destroy();
    });

    describe('a side that goes away', () => {
      it('ends the upstream request when the client leaves before the response head', async () => {
        const { stub, port } = await withStub(() => undefined);
        const client = await RawClient.open(port);
        client.send(GET);
        const seen = await stub.request();
        client.destroy();
        expect(await seen.closed).toBe(false);
        await ended();
        expect([ends, failures]).toEqual([['client_gone'], []]);
      });

      it('ends the upstream request when the client leaves during the body', async () => {
        const { stub, port } = await withStub((_request, response) => void response.writeHead(200).write('part'));
        const client = await RawClient.open(port);
        await client.send(GET).until((it) => it.includes('part'));
        client.destroy();
        expect(await (await stub.request()).closed).toBe(false);
        await ended();
        expect(ends).toEqual(['client_gone']);
      });

      it('ends the upstream request when the client leaves during its own body', async () => {
        const { stub, port } = await withStub();
        const client = await RawClient.open(port);
        client.send(`${UPLOAD}01234`);
        const seen = await stub.request();
        client.destroy();
        expect(await seen.whole).toBe(false);
        await ended();
        expect([ends, failures]).toEqual([['client_gone'], []]);
      });

      it.each([
        ['a chunked body', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'],
        ['a body of known length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart'],
      ])('destroys the client connection when the upstream leaves during %s', async (_, bytes) => {
        const { port } = await withRaw((socket) => socket.write(bytes, () => socket.destroy()));
        const client = await RawClient.open(port);
        const received = await client.send(GET).closed();
        expect(received).not.toMatch(/\r\n0\r\n\r\n$/);
        expect(ends).toEqual(['upstream_lost']);
        expect(failures).toEqual([]);
      });

      it('resets an HTTP/1.0 client, for which an orderly end would be the end of the body', async () => {
        const { port } = await withRaw((socket) => {
          socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n');
          setTimeout(() => socket.destroy(), 5);
        });
        const client = await RawClient.open(port);
        await client.send(GET.replace('HTTP/1.1', 'HTTP/1.0')).closed();
        expect([client.received.endsWith('part'), client.wasReset, ends]).toEqual([true, true, ['upstream_lost']]);
      });

      it('lets the client read an early answer while it still sends, and both connections stay usable', async () => {
        const { stub, port } = await withStub((_request, response) => response.writeHead(413).end('too big'));
        const client = await RawClient.open(port);
        const answer = await client.send(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n${'a'.repeat(1000)}`).answer();
        expect([answer.status, answer.body]).toEqual([413, 'too big']);
        const next = await client.send('a'.repeat(299_000) + GET).answer();
        expect([next.status, stub.requests.map((it) => it.method)]).toEqual([413, ['POST', 'GET']]);
        client.destroy();
      });
    });

    describe('an upstream that fails before its head', () => {
      const BODY = 'Content-Length: 2\r\n\r\nok';
      it.each([
        ['is not there', undefined, 'upstream_unreachable'],
        ['closes at once', '', 'upstream_unreachable'],
        ['speaks something else', 'SSH-2.0-x\r\n', 'upstream_protocol'],
        ['answers with a status below 100', `HTTP/1.1 099 Odd\r\n${BODY}`, 'upstream_protocol'],
        ['sends two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok', 'upstream_protocol'],
        ['sends a length and chunks', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${BODY}`, 'upstream_protocol'],
        ['sends an unsolicited 100', `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n${BODY}`, 'upstream_protocol'],
        [
          'switches protocols unasked',
          'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
          'upstream_protocol',
        ],
        ['floods with interim answers', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(100), 'upstream_protocol'],
        ['sends an endless head', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(200_000)}`, 'upstream_protocol'],
      ])('answers for one that %s', async (_, bytes, code) => {
        const raw = await RawUpstream.start((socket) => (bytes === '' ? socket.destroy() : socket.write(bytes ?? '')));
        upstream = bytes === undefined ? undefined : raw;
        const port = await open(raw.origin);
        if (bytes === undefined) await raw.close();
        const answer = await rawExchange(port, GET);
        expect([answer.status, answer.body]).toEqual([502, code]);
        expect([ends, failures.map((it) => it.code), seenHeads]).toEqual([['failed'], [code], []]);
        expect(raw.heads).toHaveLength(bytes === undefined ? 0 : 1); // exactly one attempt
      });

      it('answers 504 when the response head does not come in time', async () => {
        plan = { headersTimeout: 50 };
        const { stub, port } = await withStub(() => undefined);
        const answer = await rawExchange(port, GET);
        expect([answer.status, answer.body]).toEqual([504, 'upstream_timeout']);
        expect(await (await stub.request()).closed).toBe(false);
        expect(stub.requests).toHaveLength(1);
      });

      it('refuses a head that its owner refuses, with the upstream connection closed', async () => {
        plan = { onHead: () => ({ kind: 'refused', detail: 'no' }) };
        const { stub, port } = await withStub((_request, response) => void response.writeHead(200).write('secret'));
        const answer = await rawExchange(port, GET);
        expect([answer.status, answer.body, failures[0]?.detail]).toEqual([502, 'upstream_protocol', 'no']);
        expect(await (await stub.request()).closed).toBe(false);
      });

      it('lets the client finish its body after an answer for an upstream that is not there', async () => {
        const raw = await RawUpstream.start(() => undefined);
        const port = await open(raw.origin);
        await raw.close();
        const client = await RawClient.open(port);
        const answer = await client.send(`${UPLOAD}01234`).answer();
        const next = await client.send(`56789${GET}`).answer();
        expect([answer.status, next.status]).toEqual([502, 502]);
        client.destroy();
      });
    });

    it('refuses a chunked body that grows over the limit', async () => {
      plan = { maxBody: 4 };
      const { stub, port } = await withStub();
      const chunked = 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
      const answer = await rawExchange(port, `${chunked}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`);
      expect([answer.status, answer.body, ends]).toEqual([413, 'payload_too_large', ['failed']]);
      expect(stub.requests.length === 0 || (await stub.requests[0]?.whole) === false).toBe(true);
    });

    it('sends nothing upstream for a client that left while the request waited for a connection', async () => {
      const stub = await UpstreamStub.start(() => undefined);
      upstream = stub;
      const port = await open(stub.origin, { connections: 1 });
      const first = await RawClient.open(port);
      first.send(GET);
      const seen = await stub.request();
      const second = await RawClient.open(port);
      second.send(GET);
      await new Promise((resolve) => setTimeout(resolve, 20));
      second.destroy();
      await ended();
      first.destroy();
      await seen.closed;
      stub.handler = (_request, response) => response.end('ok');
      const third = await rawExchange(port, GET.replace('/x', '/third'));
      expect([third.status, stub.requests.map((it) => it.url)]).toEqual([200, ['/x', '/third']]);
      expect(ends).toEqual(['client_gone', 'client_gone', 'complete']);
    });
  });
}

/** The owner ends what has begun to live after `ms`. */
const endAfter =
  (ms: number): ForwardPlan['onLive'] =>
  (end) => {
    const timer = setTimeout(() => end('max_age'), ms);
    return () => clearTimeout(timer);
  };

function contentHeaders(headers: NodeJS.Dict<string | string[]>): string[] {
  const length = headers['content-length'];
  return typeof length === 'string' ? ['content-length', length] : [];
}
