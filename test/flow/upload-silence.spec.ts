import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { pageRequest } from '../support/page-request.ts';
import { header, RawClient } from '../support/raw-http.ts';
import { bodyOf, UpstreamStub } from '../support/upstream-stub.ts';

const LIMIT_MS = 100;
const LARGE = 64 * 1024 * 1024; // more than sockets and streams on the way hold

const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LIMIT_MS / 5));

describe('a request body that stands still', () => {
  let house: House;
  let upstream: UpstreamStub;
  let cookie: string;
  let client: RawClient;

  beforeAll(async () => {
    upstream = await UpstreamStub.start();
    const route = (path: string, limits: object) => ({ path, upstream: upstream.origin, ...limits });
    house = await openHouse({
      routes: () => [
        route('/body', { idleTimeout: `${String(LIMIT_MS)}ms`, headersTimeout: '1h' }),
        route('/head', { idleTimeout: '1h', headersTimeout: `${String(LIMIT_MS)}ms` }),
      ],
    });
    const agent = house.newAgent();
    await agent.login('alice');
    cookie = house.cookiesOf(agent);
  });

  beforeEach(async () => {
    upstream.requests.length = 0;
    upstream.handler = (_request, response, seen) => void seen.whole.then(() => response.end('ok'));
    house.log.lines.length = 0;
    client = await RawClient.open(house.port);
  });

  afterAll(async () => {
    client.destroy();
    await house.close();
    await upstream.close();
  });

  const post = (path: string, length: number): RawClient =>
    client.send(pageRequest(house, cookie, `POST ${path}`, `Content-Length: ${String(length)}`));

  async function outcome(): Promise<unknown[]> {
    const answer = await client.answer();
    return [answer.status, header(answer, 'cloakroom-error'), header(answer, 'connection')];
  }

  it('because its client is silent is a 408, after which the connection is closed; the upstream sees the request break off', async () => {
    post('/body', 100).send('part');
    expect(await outcome()).toEqual([408, 'request_timeout', 'close']);
    await client.closed();
    const seen = await upstream.request();
    expect([await seen.whole, await seen.closed, bodyOf(seen)]).toEqual([false, false, 'part']);
    expect([house.log.of('request_refused').length, house.log.of('upstream_failed')]).toEqual([1, []]);
  });

  it('because its upstream does not read it is a 504', async () => {
    let reads: () => void = () => undefined;
    upstream.handler = (request) => {
      request.removeAllListeners('data').pause();
      reads = () => void request.resume();
    };
    post('/body', LARGE).send('x'.repeat(LARGE));
    expect((await outcome()).slice(0, 2)).toEqual([504, 'upstream_timeout']);
    const seen = await upstream.request();
    reads(); // and finds that the connection is lost
    expect(await seen.whole).toBe(false);
    expect(house.log.of('upstream_failed')[0]?.fields).toMatchObject({ code: 'upstream_timeout', cause: 'UpstreamSilent' });
    client.destroy();
  });

  it('is not cut as long as it goes on, however slowly', async () => {
    post('/body', 20);
    for (let i = 0; i < 20; i++) {
      client.send('x');
      await aWhile();
    }
    expect((await outcome())[0]).toBe(200);
    client.destroy();
  });

  it('is not cut by the limit of the response head, be it the client or the upstream that pauses', async () => {
    let reads: () => void = () => undefined;
    upstream.handler = (request, response) => {
      request.removeAllListeners('data').pause();
      reads = () => void request.resume().on('end', () => response.end('ok'));
    };
    post('/head', LARGE);
    for (let i = 0; i < 15; i++) await aWhile();
    client.send('x'.repeat(LARGE));
    for (let i = 0; i < 15; i++) await aWhile();
    reads();
    expect((await outcome())[0]).toBe(200);
    client.destroy();
  });

  it('at its end waits for the head as long as headersTimeout says', async () => {
    upstream.handler = () => undefined;
    post('/head', 4).send('body');
    expect((await outcome()).slice(0, 2)).toEqual([504, 'upstream_timeout']);
    const seen = await upstream.request();
    expect([await seen.whole, await seen.closed]).toEqual([true, false]);
    client.destroy();
  });

  it('keeps waiting for the head while the upstream says with interim answers that it works', async () => {
    upstream.handler = (_request, response) => {
      void (async () => {
        for (let i = 0; i < 10; i++) {
          response.writeProcessing();
          await aWhile();
        }
        response.end('ok');
      })();
    };
    post('/head', 4).send('body');
    const answers = await client.until((it) => it.includes('HTTP/1.1 200'));
    expect(answers.match(/HTTP\/1\.1 102/g)).toHaveLength(10);
    client.destroy();
  });

  it('keeps an answer alive that began before it was whole: the two of them are one conversation', async () => {
    upstream.handler = (_request, response, seen) => {
      response.writeHead(200, { 'content-length': 9 }).write('part ');
      void seen.whole.then(() => response.end('rest'));
    };
    post('/body', 21).send('x');
    await client.until((it) => it.includes('part'));
    for (let i = 0; i < 20; i++) {
      client.send('x');
      await aWhile();
    }
    expect((await client.answer()).body).toBe('part rest');
    client.destroy();
  });
});
