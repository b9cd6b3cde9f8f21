import { expect } from '@jest/globals';
import { once } from 'node:events';
import type { ForwardPlan } from '../../../src/proxy/forwarder.ts';
import { CHUNKED, GET, type ForwarderCases } from './case.ts';

/** What a forwarder of ours is told beyond carrying bytes: limits, lifetimes, and its owner's refusal of a head. */
export const LIMITS: ForwarderCases = {
  subject: 'limits of its owner',
  cases: [
    {
      title: 'ends an event stream in order when its lifetime is over',
      play: async (stage) => {
        stage.plan = { onLive: endAfter(0) };
        const { port } = await stage.withStub((_request, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).write('data: 1\n\n');
        });
        const answer = await stage.exchange(port, GET);
        expect(answer.body).toBe('data: 1\n\n');
        await stage.ended();
        expect(stage.ends).toEqual(['complete']);
      },
    },
    {
      title: 'does not bind an event stream to the idle limit, but every other answer',
      play: async (stage) => {
        stage.plan = { idleTimeout: 30 };
        let finish: () => void = () => undefined;
        const { port } = await stage.withStub((request, response) => {
          const type = request.url === '/events' ? 'text/event-stream' : 'text/plain';
          response.writeHead(200, { 'content-type': type }).write('a');
          finish = () => response.end('b');
        });
        const stream = await stage.client(port);
        await stream.send(GET.replace('/x', '/events')).until((it) => it.includes('\r\na\r\n'));
        const finishStream = finish;
        const plain = await stage.client(port);
        const received = await plain.send(GET).closed();
        expect(received).not.toMatch(/\r\n0\r\n\r\n$/);
        await stage.ended();
        expect(stage.ends).toEqual(['upstream_lost']);
        finishStream();
        expect((await stream.answer()).body).toBe('ab');
      },
    },
    {
      title: 'resets an HTTP/1.0 client when the idle limit cuts its answer: an orderly end would be the end of the body',
      play: async (stage) => {
        stage.plan = { idleTimeout: 30 };
        const { port } = await stage.withStub((_request, response) => response.writeHead(200).write('part'));
        const client = await stage.client(port);
        await client.send(GET.replace('HTTP/1.1', 'HTTP/1.0')).closed();
        expect([client.received.endsWith('part'), client.wasReset]).toEqual([true, true]);
        await stage.ended();
        expect(stage.ends).toEqual(['upstream_lost']);
      },
    },
    {
      title: 'cuts an event stream off at the end of its lifetime when its client does not read',
      play: async (stage) => {
        stage.plan = { onLive: endAfter(2_000), idleTimeout: 60_000 };
        const { port } = await stage.withStub((_request, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          const more = (): void => {
            while (response.write(Buffer.alloc(1024 * 1024)));
            response.once('drain', more);
          };
          more();
        });
        const client = await stage.client(port);
        client.socket.pause();
        client.send(GET);
        await stage.until(() => stage.accepted.length > 0);
        for (const socket of stage.accepted) await once(socket, 'close');
        expect(stage.ends).toEqual(['client_gone']);
      },
    },
    {
      title: 'refuses a head that its owner refuses, with the upstream connection closed',
      play: async (stage) => {
        stage.plan = { onHead: () => ({ kind: 'refused', detail: 'no' }) };
        const { stub, port } = await stage.withStub((_request, response) => void response.writeHead(200).write('secret'));
        const answer = await stage.exchange(port, GET);
        expect([answer.status, answer.body, stage.failures[0]?.detail]).toEqual([502, 'upstream_protocol', 'no']);
        expect(await (await stub.request()).closed).toBe(false);
      },
    },
    {
      title: 'refuses a chunked body that grows over the limit',
      play: async (stage) => {
        stage.plan = { maxBody: 4 };
        const { stub, port } = await stage.withStub();
        const answer = await stage.exchange(port, `${CHUNKED}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`);
        expect([answer.status, answer.body, stage.ends]).toEqual([413, 'payload_too_large', ['failed']]);
        expect(stub.requests.length === 0 || (await stub.requests[0]?.whole) === false).toBe(true);
      },
    },
  ],
};

/** The owner ends what has begun to live after `ms`. */
const endAfter =
  (ms: number): ForwardPlan['onLive'] =>
  (end) => {
    const timer = setTimeout(() => end('max_age'), ms);
    return () => clearTimeout(timer);
  };
