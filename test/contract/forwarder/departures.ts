import { expect } from '@jest/globals';
import { GET, type ForwarderCase, type ForwarderCases, UPLOAD } from './case.ts';

const CHUNKED_PART = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n';
const CHUNKED_END = /\r\n0\r\n\r\n$/;

export const DEPARTURES: ForwarderCases = {
  subject: 'a side that goes away',
  cases: [
    {
      title: 'ends the upstream request when the client leaves before the response head',
      play: async (stage) => {
        const { stub, port } = await stage.withStub(() => undefined);
        const client = await stage.client(port);
        client.send(GET);
        const seen = await stub.request();
        client.destroy();
        expect(await seen.closed).toBe(false);
        await stage.ended();
        expect([stage.ends, stage.failures]).toEqual([['client_gone'], []]);
      },
    },
    {
      title: 'ends the upstream request when the client leaves during the answer',
      play: async (stage) => {
        const { stub, port } = await stage.withStub((_request, response) => void response.writeHead(200).write('part'));
        const client = await stage.client(port);
        await client.send(GET).until((it) => it.includes('part'));
        client.destroy();
        expect(await (await stub.request()).closed).toBe(false);
        await stage.ended();
        expect(stage.ends).toEqual(['client_gone']);
      },
    },
    {
      title: 'ends the upstream request when the client leaves during its own body',
      play: async (stage) => {
        const { stub, port } = await stage.withStub();
        const client = await stage.client(port);
        client.send(`${UPLOAD}01234`);
        const seen = await stub.request();
        client.destroy();
        expect(await seen.whole).toBe(false);
        await stage.ended();
        expect([stage.ends, stage.failures]).toEqual([['client_gone'], []]);
      },
    },
    ...(
      [
        ['a chunked body', CHUNKED_PART],
        ['a body of known length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart'],
      ] as const
    ).map(([what, bytes]): ForwarderCase => ({
      title: `destroys the client connection when the upstream leaves during ${what}`,
      play: async (stage) => {
        const { port } = await stage.withRaw((socket) => socket.write(bytes, () => socket.destroy()));
        const client = await stage.client(port);
        const received = await client.send(GET).closed();
        expect(received).not.toMatch(CHUNKED_END);
        expect([stage.ends, stage.failures]).toEqual([['upstream_lost'], []]);
      },
    })),
    {
      title: 'resets an HTTP/1.0 client, for which an orderly end would be the end of the body',
      play: async (stage) => {
        const { port } = await stage.withRaw((socket) => {
          socket.write(CHUNKED_PART);
          setTimeout(() => socket.destroy(), 5);
        });
        const client = await stage.client(port);
        await client.send(GET.replace('HTTP/1.1', 'HTTP/1.0')).closed();
        expect([client.received.endsWith('part'), client.wasReset, stage.ends]).toEqual([true, true, ['upstream_lost']]);
      },
    },
    {
      title: 'sends nothing upstream for a client that left while the request waited for a connection',
      play: async (stage) => {
        const stub = await stage.stub(() => undefined);
        const port = await stage.open(stub.origin, { connections: 1 });
        const first = await stage.client(port);
        first.send(GET);
        const seen = await stub.request();
        const second = await stage.client(port);
        second.send(GET);
        await new Promise((resolve) => setTimeout(resolve, 20));
        second.destroy();
        await stage.ended();
        first.destroy();
        await seen.closed;
        stub.handler = (_request, response) => response.end('ok');
        const third = await stage.exchange(port, GET.replace('/x', '/third'));
        expect([third.status, stub.requests.map((it) => it.url)]).toEqual([200, ['/x', '/third']]);
        expect(stage.ends).toEqual(['client_gone', 'client_gone', 'complete']);
      },
    },
  ],
};
