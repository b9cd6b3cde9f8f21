import { expect } from '@jest/globals';
import { bodyOf } from '../../support/upstream-stub.ts';
import { GET, type ForwarderCases, UPLOAD } from './case.ts';

const MEGABYTE = 1024 * 1024;
const EVENTS = { 'content-type': 'text/event-stream' };

export const STREAMING: ForwarderCases = {
  subject: 'streaming',
  cases: [
    {
      title: 'gives the head of the answer to the client before there is a body',
      play: async (stage) => {
        const { port } = await stage.withStub((_request, response) => response.writeHead(200, EVENTS).flushHeaders());
        const received = await (await stage.client(port)).send(GET).until((it) => it.includes('\r\n\r\n'));
        expect([received.slice(0, 15), stage.ends]).toEqual(['HTTP/1.1 200 OK', []]);
      },
    },
    {
      title: 'gives each part of the answer to the client as it is written',
      play: async (stage) => {
        let write: (text: string) => void = () => undefined;
        const { port } = await stage.withStub((_request, response) => {
          response.writeHead(200, EVENTS).write('data: 1\n\n');
          write = (text) => response.write(text);
        });
        const client = await stage.client(port);
        await client.send(GET).until((it) => it.includes('data: 1\n\n'));
        write('data: 2\n\n');
        await client.until((it) => it.includes('data: 2\n\n'));
        expect(stage.ends).toEqual([]);
      },
    },
    {
      title: 'gives each part of the request to the upstream as it comes',
      play: async (stage) => {
        const { stub, port } = await stage.withStub();
        const client = await stage.client(port);
        client.send(`${UPLOAD}01234`);
        const seen = await stub.request();
        await stage.until(() => bodyOf(seen).length >= 5);
        expect(bodyOf(seen)).toBe('01234');
        const answer = await client.send('56789').answer();
        expect([answer.status, bodyOf(seen)]).toEqual([200, '0123456789']);
      },
    },
    {
      title: 'stops reading from the upstream while the client does not read',
      play: async (stage) => {
        const block = Buffer.alloc(MEGABYTE);
        let written = 0;
        const { port } = await stage.withStub((_request, response) => {
          const more = (): void => {
            while (written < 200 && response.write(block)) written++;
            written++;
            if (written < 200) response.once('drain', more);
            else response.end();
          };
          more();
        });
        const client = await stage.client(port);
        client.socket.pause();
        client.send(GET);
        expect(await stage.settled(() => written)).toBeLessThan(100);
        client.destroy();
        await stage.ended();
        expect(stage.ends).toEqual(['client_gone']);
      },
    },
    {
      title: 'stops reading from the client while the upstream does not read',
      play: async (stage) => {
        const { port } = await stage.withStub((request) => request.pause());
        const size = 64 * MEGABYTE;
        const client = await stage.client(port);
        client.send(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${String(size)}\r\n\r\n`).send(Buffer.alloc(size));
        await stage.settled(() => client.socket.bytesWritten - client.socket.writableLength);
        expect(client.socket.writableLength).toBeGreaterThan(size / 2);
      },
    },
  ],
};
