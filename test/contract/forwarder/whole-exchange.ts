import { expect } from '@jest/globals';
import { header } from '../../support/raw-http.ts';
import { bodyOf } from '../../support/upstream-stub.ts';
import { CHUNKED, GET, type ForwarderCase, type ForwarderCases, UPLOAD } from './case.ts';

export const WHOLE_EXCHANGE: ForwarderCases = {
  subject: 'a whole exchange',
  cases: [
    {
      title: 'sends exactly the planned headers and gives back status, headers and body',
      play: async (stage) => {
        const { stub, port } = await stage.withStub((_request, response) => response.writeHead(201, { 'x-up': 'a' }).end('hello'));
        const answer = await stage.exchange(port, GET);
        expect([answer.status, header(answer, 'x-up'), answer.body]).toEqual([201, 'a', 'hello']);
        const seen = await stub.request();
        const names = seen.rawHeaders.filter((_, at) => at % 2 === 0).map((it) => it.toLowerCase());
        expect(names.sort()).toEqual(['connection', 'host', 'x-fixed']);
        expect(seen.headers.host).toBe(stub.authority);
        expect([stage.ends, stage.failures, stage.seenHeads]).toEqual([['complete'], [], [201]]);
      },
    },
    ...['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'OPTIONS'].map((method): ForwarderCase => ({
      title: `keeps the body and the Content-Length of ${method}`,
      play: async (stage) => {
        const { stub, port } = await stage.withStub();
        await stage.exchange(port, `${method} /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`);
        const seen = await stub.request();
        const framing = [seen.headers['content-length'], seen.headers['transfer-encoding']];
        expect([seen.method, bodyOf(seen), ...framing]).toEqual([method, 'hello', '5', undefined]);
      },
    })),
    {
      title: 'passes a chunked body on as one body',
      play: async (stage) => {
        const { stub, port } = await stage.withStub();
        await stage.exchange(port, `${CHUNKED}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`);
        const seen = await stub.request();
        const framing = [seen.headers['content-length'], seen.headers['transfer-encoding']];
        expect([bodyOf(seen), ...framing]).toEqual(['abcde', undefined, 'chunked']);
      },
    },
    {
      title: 'answers HEAD with the length of the body that is not there',
      play: async (stage) => {
        const { port } = await stage.withStub((_request, response) => response.writeHead(200, { 'content-length': '5' }).end('hello'));
        const client = await stage.client(port);
        const head = await client.send('HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n').answer({ bodiless: true });
        const next = await client.send(GET).answer();
        expect([head.status, header(head, 'content-length'), next.body]).toEqual([200, '5', 'hello']);
      },
    },
    ...[204, 304].map((status): ForwarderCase => ({
      title: `answers ${String(status)} without a body and keeps the connection`,
      play: async (stage) => {
        const { port } = await stage.withStub((_request, response) => response.writeHead(status).end());
        const client = await stage.client(port);
        const first = await client.send(GET).answer();
        const second = await client.send(GET).answer();
        expect([first.status, second.status, client.received]).toEqual([status, status, '']);
      },
    })),
    {
      title: 'does not take an interim answer for the answer',
      play: async (stage) => {
        const interim = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n';
        const { port } = await stage.withRaw((socket) => socket.write(`${interim}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`));
        const answer = await stage.exchange(port, GET);
        expect([answer.status, answer.body, stage.seenHeads]).toEqual([200, 'ok', [200]]);
      },
    },
    {
      title: 'answers HTTP/1.0 without chunks, up to an orderly end',
      play: async (stage) => {
        const { port } = await stage.withStub((_request, response) => {
          response.write('a');
          response.end('b');
        });
        const client = await stage.client(port);
        const answer = await client.send(GET.replace('HTTP/1.1', 'HTTP/1.0')).answer();
        expect([answer.body, header(answer, 'transfer-encoding'), client.wasReset]).toEqual(['ab', undefined, false]);
      },
    },
    {
      title: 'meets an expectation itself',
      play: async (stage) => {
        const { stub, port } = await stage.withStub();
        const client = await stage.client(port);
        client.send(UPLOAD.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'));
        await client.until((it) => it.startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
        const answer = await client.send('0123456789').answer();
        const seen = await stub.request();
        expect([answer.status, bodyOf(seen), seen.headers.expect]).toEqual([200, '0123456789', undefined]);
      },
    },
  ],
};
