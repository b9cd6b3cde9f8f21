import { expect } from '@jest/globals';
import { bodyOf } from '../../support/upstream-stub.ts';
import { CHUNKED, GET, type ForwarderCase, type ForwarderCases } from './case.ts';

const INNER = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';
const AFTER = GET.replace('/x', '/after');
const OWN_ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown';

const smuggled = (method: string): ForwarderCase => ({
  title: `sends one request upstream when the chunked body of ${method} looks like another one`,
  play: async (stage) => {
    const { stub, port } = await stage.withStub();
    const client = await stage.client(port);
    const size = INNER.length.toString(16);
    const first = await client.send(`${CHUNKED.replace('POST', method)}${size}\r\n${INNER}\r\n0\r\n\r\n`).answer();
    const next = await client.send(AFTER).answer();
    expect(stub.requests.map((it) => `${it.method} ${it.url}`)).toEqual([`${method} /x`, 'GET /after']);
    expect([first.status, next.status, bodyOf(await stub.request())]).toEqual([200, 200, INNER]);
  },
});

/** What an upstream says after its answer, or in one that has no body. */
const SURPLUS: readonly (readonly [string, string, string])[] = [
  ['a body in answer to HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nextra'],
  ['a body with 204', 'GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nextra'],
  ['a body with 304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nextra'],
  ['a second answer', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nextra'],
];

const surplus = ([what, method, bytes]: (typeof SURPLUS)[number]): ForwarderCase => ({
  title: `never takes ${what} for the answer to the next request`,
  play: async (stage) => {
    const { port } = await stage.withRaw((socket, head) => socket.write(head.includes('/after') ? OWN_ANSWER : bytes));
    const client = await stage.client(port);
    const first = await client.send(GET.replace('GET', method)).answer({ bodiless: method === 'HEAD' });
    const next = await client.send(AFTER).answer();
    // Refusing such an answer altogether is as good.
    expect([Number(bytes.slice(9, 12)), 502]).toContain(first.status);
    expect([next.status, next.body, client.received]).toEqual([200, 'own', '']);
  },
});

const lengthWithoutBody = (status: number): ForwarderCase => ({
  title: `does not wait for the body of a ${String(status)} that has a Content-Length`,
  play: async (stage) => {
    const bytes = `HTTP/1.1 ${String(status)} Odd\r\nContent-Length: 5\r\n\r\n`;
    const { port } = await stage.withRaw((socket, head) => socket.write(head.includes('/after') ? OWN_ANSWER : bytes));
    const client = await stage.client(port);
    const first = await client.send(GET).answer();
    const next = await client.send(AFTER).answer();
    expect([first.status, next.status, next.body]).toEqual([status, 200, 'own']);
  },
});

export const FRAMING: ForwarderCases = {
  subject: 'framing',
  cases: [
    ...['DELETE', 'OPTIONS', 'GET', 'POST'].map(smuggled),
    ...SURPLUS.map(surplus),
    ...[204, 304].map(lengthWithoutBody),
    {
      title: 'drops the trailers of a request and keeps its body',
      play: async (stage) => {
        const { stub, port } = await stage.withStub();
        const head = CHUNKED.replace('\r\n\r\n', '\r\nTrailer: Authorization\r\n\r\n');
        const answer = await stage.exchange(port, `${head}3\r\nabc\r\n0\r\nAuthorization: Bearer evil\r\n\r\n`);
        const seen = await stub.request();
        expect([answer.status, bodyOf(seen), seen.headers.authorization, seen.trailers]).toEqual([200, 'abc', undefined, {}]);
      },
    },
    {
      title: 'gives an answer with trailers back whole',
      play: async (stage) => {
        const bytes = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nSet-Cookie: evil=1\r\n\r\n';
        const { port } = await stage.withRaw((socket) => socket.write(bytes));
        const client = await stage.client(port);
        const first = await client.send(GET).answer();
        const next = await client.send(GET).answer();
        expect([first.body, next.body, client.received]).toEqual(['ok', 'ok', '']);
      },
    },
  ],
};
