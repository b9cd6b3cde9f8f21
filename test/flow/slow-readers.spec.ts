import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EndlessPattern } from '../support/endless-pattern.ts';
import { openHouse, type House } from '../support/house.ts';
import { pageRequest } from '../support/page-request.ts';
import { RawClient } from '../support/raw-http.ts';
import { UpstreamStub } from '../support/upstream-stub.ts';

const MIB = 1024 * 1024;
const SIZE = 64 * MIB;
/** What sockets and streams between the two ends may hold: far less than the whole. */
const UNDER_WAY = SIZE / 2;
const pattern = new EndlessPattern();

describe('a side that does not read holds the other one up', () => {
  let house: House;
  let upstream: UpstreamStub;
  let cookie: string;

  beforeAll(async () => {
    upstream = await UpstreamStub.start();
    house = await openHouse({ routes: () => [{ path: '/api', upstream: upstream.origin }] });
    const agent = house.newAgent();
    await agent.login('alice');
    cookie = house.cookiesOf(agent);
  });

  afterAll(async () => {
    await house.close();
    await upstream.close();
  });

  /** The count once it stands still. */
  async function steady(count: () => number): Promise<number> {
    for (let before = -1; before !== count() || before === 0;) {
      before = count();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return count();
  }

  it('a client: the upstream waits, and every byte comes when it reads on', async () => {
    let sent = 0;
    upstream.handler = (_request, response) => {
      response.writeHead(200, { 'content-length': SIZE });
      void pattern.send(response, SIZE, (so) => (sent = so));
    };
    const client = await RawClient.open(house.port);
    client.socket.pause();
    client.send(pageRequest(house, cookie, 'GET /api/x'));
    expect(await steady(() => sent)).toBeLessThan(UNDER_WAY);
    const check = pattern.check();
    let isBody = false;
    client.socket.removeAllListeners('data');
    client.socket.on('data', (text: string) => {
      check.take(Buffer.from(isBody ? text : text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1'));
      isBody = true;
      if (check.bytes === SIZE) client.destroy();
    });
    client.socket.resume();
    await client.closed();
    expect([check.bytes, check.isIntact]).toEqual([SIZE, true]);
  });

  it('an upstream: the client waits, and every byte comes when it reads on', async () => {
    const check = pattern.check();
    const reads = Promise.withResolvers<() => void>();
    upstream.handler = (incoming, response) => {
      incoming.removeAllListeners('data');
      incoming.pause();
      incoming.on('data', (chunk: Buffer) => check.take(chunk));
      incoming.on('end', () => response.end('ok'));
      incoming.pause();
      reads.resolve(() => incoming.resume());
    };
    const client = await RawClient.open(house.port);
    let sent = 0;
    client.send(pageRequest(house, cookie, 'POST /api/x', `Content-Length: ${String(SIZE)}`));
    // The socket of a client is not to be ended, only written to.
    const whole = pattern.send(client.socket, SIZE, (so) => (sent = so), { ends: false });
    expect(await steady(() => sent)).toBeLessThan(UNDER_WAY);
    (await reads.promise)();
    await whole;
    const answer = await client.answer();
    client.destroy();
    expect([answer.status, check.bytes, check.isIntact]).toEqual([200, SIZE, true]);
  });
});
