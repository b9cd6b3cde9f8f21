import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Forwarder, ForwardPlan, HeadDecision } from '../../src/proxy/forwarder.ts';
import { UndiciForwarder } from '../../src/proxy/undici-forwarder.ts';
import { GET } from './forwarder/case.ts';
import { ForwarderStage, passedOn } from './forwarder/stage.ts';

const MEGABYTE = 1024 * 1024;

describe('undici forwarder, while its owner has not decided about a head', () => {
  let stage: ForwarderStage;
  let forwarder: Forwarder;
  let last: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly plan: ForwardPlan } | undefined;
  let decide: (decision: HeadDecision) => void;
  let heads: number[];

  beforeEach(() => {
    heads = [];
    last = undefined;
    stage = new ForwarderStage((origin, limits) => {
      const undici = new UndiciForwarder({ origin, ...limits });
      forwarder = {
        forward: (request, response, plan) => {
          last = { request, response, plan };
          undici.forward(request, response, plan);
        },
        close: () => undici.close(),
      };
      return forwarder;
    });
    const { promise, resolve } = Promise.withResolvers<HeadDecision>();
    decide = resolve;
    stage.plan = {
      onHead: (status) => {
        heads.push(status);
        return promise;
      },
    };
  });
  afterEach(() => stage.close());

  const undecided = (): Promise<void> => stage.until(() => heads.length > 0);
  const PLAIN: HeadDecision = { kind: 'head', headers: ['content-length', '4'] };

  it('does not read the body, and gives it whole afterwards', async () => {
    let written = 0;
    const { port } = await stage.withStub((_request, response) => {
      response.writeHead(200, { 'content-length': 50 * MEGABYTE });
      const more = (): void => {
        while (written < 50 && response.write(Buffer.alloc(MEGABYTE))) written++;
        if (++written < 50) response.once('drain', more);
        else response.end();
      };
      more();
    });
    const client = await stage.client(port);
    client.send(GET);
    await undecided();
    expect(await stage.settled(() => written)).toBeLessThan(30);
    expect(client.received).toBe('');
    decide({ kind: 'head', headers: ['content-length', String(50 * MEGABYTE)] });
    const answer = await client.answer();
    expect([answer.status, answer.body.length, stage.ends]).toEqual([200, 50 * MEGABYTE, ['complete']]);
  });

  it('still stops reading for a client that does not read', async () => {
    let written = 0;
    const { port } = await stage.withStub((_request, response) => {
      const more = (): void => {
        while (written < 200 && response.write(Buffer.alloc(MEGABYTE))) written++;
        if (++written < 200) response.once('drain', more);
        else response.end();
      };
      more();
    });
    const client = await stage.client(port);
    client.socket.pause();
    client.send(GET);
    await undecided();
    decide({ kind: 'head', headers: [] });
    expect(await stage.settled(() => written)).toBeLessThan(100);
  });

  it('counts the time until the head only until the head', async () => {
    stage.plan = { ...stage.plan, headersTimeout: 50 };
    const { port } = await stage.withStub((request, response) => (request.url === '/x' ? void response.end('body') : undefined));
    const client = await stage.client(port);
    client.send(GET);
    await undecided();
    const late = await stage.exchange(port, GET.replace('/x', '/never'));
    expect([late.status, stage.failures.length]).toEqual([504, 1]);
    decide(PLAIN);
    expect((await client.answer()).body).toBe('body');
  });

  it('keeps a whole answer of an upstream that closes behind it', async () => {
    const { port } = await stage.withRaw((socket) => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody'));
    const client = await stage.client(port);
    client.send(GET);
    await undecided();
    await stage.settled(() => 1);
    decide(PLAIN);
    expect([(await client.answer()).body, stage.ends]).toEqual(['body', ['complete']]);
  });

  it('keeps the answer to a HEAD', async () => {
    const { port } = await stage.withStub((_request, response) => response.writeHead(200, { 'content-length': '4' }).end());
    const client = await stage.client(port);
    client.send(GET.replace('GET', 'HEAD'));
    await undecided();
    await stage.settled(() => 1);
    decide(PLAIN);
    expect((await client.answer({ bodiless: true })).status).toBe(200);
  });

  it('ends the upstream request when the client leaves, and nothing comes of the decision', async () => {
    const { stub, port } = await stage.withStub((_request, response) => void response.writeHead(200).write('part'));
    const client = await stage.client(port);
    client.send(GET);
    await undecided();
    client.destroy();
    expect(await (await stub.request()).closed).toBe(false);
    decide(PLAIN);
    await stage.exchange(await stage.open(await stage.nowhere()), GET);
    expect([stage.ends, heads]).toEqual([['client_gone', 'failed'], [200]]);
  });

  it('answers 502 once when the upstream is lost, and nothing comes of the decision', async () => {
    const { port } = await stage.withRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n');
      void undecided().then(() => socket.destroy());
    });
    const client = await stage.client(port);
    client.send(GET);
    const answer = await client.answer();
    decide(PLAIN);
    expect([answer.status, answer.body]).toEqual([502, 'upstream_unreachable']);
    await stage.exchange(await stage.open(await stage.nowhere()), GET);
    expect([stage.ends, stage.failures.length, heads]).toEqual([['failed', 'failed'], 2, [200]]);
  });

  it.each([
    ['before the answer is whole', 'GET'],
    ['when the answer is whole', 'HEAD'],
  ])('answers 500 when the head that is decided on cannot be written, %s', async (_, method) => {
    const { port } = await stage.withStub();
    const client = await stage.client(port);
    client.send(GET.replace('GET', method));
    await undecided();
    decide({ kind: 'head', headers: ['x', 'a\r\nb: c'] });
    expect([(await client.answer({ bodiless: method === 'HEAD' })).status, stage.ends]).toEqual([500, ['failed']]);
  });

  describe('and then discards it', () => {
    const forwardAgain = (plan: Partial<ForwardPlan>): void => {
      if (last === undefined) throw new Error('nothing was forwarded');
      forwarder.forward(last.request, last.response, { ...last.plan, ...plan });
    };

    it('sends nothing, closes that connection, and can forward the request again', async () => {
      const { stub, port } = await stage.withStub((_request, response) => response.end(`answer ${String(stub.requests.length)}`));
      const ends: string[] = [];
      stage.plan = {
        ...stage.plan,
        onEnd: (end) => {
          ends.push(end);
          if (end !== 'discarded') return;
          forwardAgain({ onHead: (_status, headers) => ({ kind: 'head', headers: passedOn(headers) }) });
        },
      };
      const client = await stage.client(port);
      client.send(GET);
      await undecided();
      decide({ kind: 'discard' });
      const answer = await client.answer();
      expect([answer.status, answer.body, ends]).toEqual([200, 'answer 2', ['discarded', 'complete']]);
      expect([stub.requests.length, client.received]).toEqual([2, '']);
      expect((await client.send(GET).answer()).body).toBe('answer 4');
    });

    it('leaves nothing on the response, however often that happens', async () => {
      const { stub, port } = await stage.withStub();
      const listeners: number[] = [];
      const count = (): number => ['close', 'error'].reduce((sum, it) => sum + (last?.response.listenerCount(it) ?? 0), 0);
      stage.plan = {
        onHead: () => {
          listeners.push(count());
          return stub.requests.length < 20 ? { kind: 'discard' } : Promise.resolve({ kind: 'head', headers: [] });
        },
        onEnd: (end) => (end === 'discarded' ? forwardAgain({}) : undefined),
      };
      expect((await stage.exchange(port, GET)).status).toBe(200);
      expect([stub.requests.length, new Set(listeners).size, listeners.length]).toEqual([20, 1, 20]);
    });
  });
});
