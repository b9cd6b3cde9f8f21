import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startEchoApi, type EchoApi } from '../../../demo/api/echo-api.ts';
import { WebSocketClient, type OpenOptions, type Refusal } from '../../support/web-socket-client.ts';

let api: EchoApi;

beforeAll(async () => {
  api = await startEchoApi();
});
afterAll(() => api.close());
beforeEach(() => api.reset());

const dial = (path: string, more: Partial<OpenOptions> = {}): Promise<WebSocketClient | Refusal> =>
  WebSocketClient.open({ port: api.port, path, ...more });

async function open(path: string, more: Partial<OpenOptions> = {}): Promise<WebSocketClient> {
  const result = await dial(path, more);
  if (!(result instanceof WebSocketClient)) throw new Error(`refused with ${String(result.status)}`);
  return result;
}

/** Resolves when the API has noticed the end of as many connections. */
async function seenCloses(count: number): Promise<EchoApi['closes']> {
  while (api.closes.length < count) await new Promise((resolve) => setImmediate(resolve));
  return api.closes;
}

describe('a WebSocket of the echo API', () => {
  it('begins with what arrived, and never with a token or a cookie', async () => {
    const headers = { authorization: 'Bearer opaque-token', cookie: 'a=secret-value', 'x-request-id': 'r1' };
    const client = await open('/v1/socket?a=1', { headers, protocols: ['two', 'one'] });
    const text = await client.message();
    expect(JSON.parse(text)).toMatchObject({
      method: 'GET',
      url: '/v1/socket?a=1',
      bearer: { fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/) },
      cookie: true,
      headers: { 'x-request-id': 'r1' },
      headerNames: expect.arrayContaining(['sec-websocket-key', 'upgrade']),
      protocol: 'two',
    });
    expect(text).not.toMatch(/opaque-token|secret-value/);
    expect(client.socket.protocol).toBe('two');
    expect(api.requests).toMatchObject([{ url: '/v1/socket?a=1' }]);
    await client.close();
  });

  it('sends every message back as it came, text and binary', async () => {
    const client = await open('/socket');
    expect(JSON.parse(await client.message())).toMatchObject({ bearer: false, cookie: false, protocol: '' });
    expect(await client.ask('héllo')).toBe('héllo');
    client.socket.send(Buffer.from([0, 255]));
    const [message, binary] = (await once(client.socket, 'message')) as [Buffer, boolean];
    expect([[...message], binary]).toEqual([[0, 255], true]);
    await client.close();
  });

  it('is counted while it is open, and its end is told from the API’s side', async () => {
    const clients = [await open('/socket'), await open('/socket')];
    expect(api.sockets).toBe(2);
    await clients[0]?.close(4123);
    clients[1]?.socket.terminate();
    expect(await seenCloses(2)).toEqual(
      expect.arrayContaining([
        { code: 4123, reason: '' },
        { code: 1006, reason: '' },
      ]),
    );
    expect(api.sockets).toBe(0);
  });

  it('closes with the code it was asked for, after the first message', async () => {
    const client = await open('/socket?close=4000');
    await client.message();
    expect(await client.ask('last words')).toBe('last words');
    expect(await client.closed).toEqual({ code: 4000, reason: 'as asked for' });
  });

  it('is refused with the status it was asked for', async () => {
    expect(await dial('/socket?refuse=403')).toMatchObject({ status: 403, body: 'refused with 403\n' });
    expect(api.requests).toHaveLength(1);
  });

  it('answers pings, and neither pings nor messages when it is silent', async () => {
    const [loud, silent] = [await open('/socket'), await open('/socket?silent=1')];
    await Promise.all([loud.message(), silent.message()]);
    const answers: string[] = [];
    silent.socket.on('pong', () => answers.push('pong')).on('message', () => answers.push('message'));
    silent.socket.ping();
    silent.socket.send('hello');
    loud.socket.ping('p');
    expect(String((await once(loud.socket, 'pong'))[0])).toBe('p');
    expect(await silent.close(4000)).toMatchObject({ code: 4000 }); // after everything that was sent before it
    expect(answers).toEqual([]);
    await loud.close();
  });

  it('ends when the API goes down, without a word', async () => {
    const client = await open('/socket');
    await api.down();
    expect(await client.closed).toEqual({ code: 1006, reason: '' });
    await api.up();
    expect(api.sockets).toBe(0);
  });

  it('is found at no other path: an upgrade elsewhere is a request like any other', async () => {
    expect(await dial('/sockets')).toMatchObject({ status: 200 });
    expect(api.requests).toMatchObject([{ url: '/sockets' }]);
  });
});
