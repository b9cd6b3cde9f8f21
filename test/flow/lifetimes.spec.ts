import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import { nameOf } from '../support/set-cookie.ts';
import { startDeafUpstream, type DeafUpstream } from '../support/deaf-upstream.ts';
import { freePort } from '../support/free-port.ts';
import { openHouse, type House } from '../support/house.ts';
import { pageRequest } from '../support/page-request.ts';
import { header, headers, RawClient } from '../support/raw-http.ts';
import { RawUpstream, UpstreamStub } from '../support/upstream-stub.ts';

const SESSION = '__Host-Http-cloakroom';
const PART = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n';

describe('the lives of a request and its answer', () => {
  let house: House;
  let stub: UpstreamStub;
  let raw: RawUpstream;
  let deaf: DeafUpstream;
  let onHead: (socket: Socket) => void;
  let cookie: string;
  let clients: RawClient[] = [];

  beforeAll(async () => {
    stub = await UpstreamStub.start();
    raw = await RawUpstream.start((socket) => onHead(socket));
    deaf = await startDeafUpstream();
    const nobody = `http://127.0.0.1:${String(await freePort())}`;
    const route = (path: string, upstream: string) => ({ path, upstream, stripPrefix: true });
    house = await openHouse({
      routes: () => [
        route('/stub', stub.origin),
        { ...route('/hasty', stub.origin), headersTimeout: '100ms', idleTimeout: '100ms' },
        route('/raw', raw.origin),
        route('/nobody', nobody),
        { ...route('/deaf', deaf.origin), connectTimeout: '100ms' },
      ],
    });
  });

  beforeEach(async () => {
    for (const client of clients) client.destroy();
    clients = [];
    stub.requests.length = 0;
    house.log.lines.length = 0;
    stub.handler = (_request, response, seen) => void seen.whole.then(() => response.end('ok'));
    const agent = house.newAgent();
    await agent.login('alice');
    cookie = house.cookiesOf(agent);
    house.provider.stats.reset();
  });

  afterAll(async () => {
    for (const client of clients) client.destroy();
    await house.close();
    await Promise.all([stub.close(), raw.close(), deaf.close()]);
  });

  async function sent(...requests: string[]): Promise<RawClient> {
    const client = await RawClient.open(house.port);
    clients.push(client);
    return client.send(requests.join(''));
  }

  const request = (target: string, ...lines: string[]): string => pageRequest(house, cookie, target, ...lines);

  describe('a client that goes away takes the upstream’s exchange with it', () => {
    it.each<[string, string, UpstreamStub['handler']]>([
      ['before the head of its answer', 'GET /stub/x', () => undefined],
      [
        'during the body of its answer',
        'GET /stub/x',
        (_request, response) => response.writeHead(200, { 'content-length': 9 }).write('part'),
      ],
      ['during an answer in chunks', 'GET /stub/x', (_request, response) => response.writeHead(200).write('part')],
      [
        'during an event stream',
        'GET /stub/x',
        (_request, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: part\n\n'),
      ],
    ])('%s', async (_, target, handler) => {
      stub.handler = handler;
      const client = await sent(request(target));
      const seen = await stub.request();
      if (handler.length > 0) await client.until((it) => it.includes('part'));
      client.destroy();
      expect(await seen.closed).toBe(false);
      expect(stub.requests).toHaveLength(1);
    });

    it.each([
      ['with its length', 'Content-Length: 100', 'part'],
      ['in chunks', 'Transfer-Encoding: chunked', '4\r\npart\r\n'],
    ])('during its own body, %s', async (_, framing, part) => {
      const client = await sent(request('POST /stub/x', framing), part);
      const seen = await stub.request();
      while (seen.chunks.length === 0) await new Promise((resolve) => setImmediate(resolve));
      client.destroy();
      expect([await seen.whole, await seen.closed]).toEqual([false, false]);
    });

    it.each([
      ['three', 3],
      ['three hundred', 300],
    ])('and of %s requests that it sent ahead of an answer that does not end, the upstream hears of the first only', async (_, count) => {
      stub.handler = (_request, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: part\n\n');
      const paths = Array.from({ length: count - 1 }, (_it, at) => (at % 2 === 0 ? '/nowhere' : '/stub/ahead'));
      const client = await sent(request('GET /stub/first'), ...paths.map((it) => request(`GET ${it}`)));
      const seen = await stub.request();
      await client.until((it) => it.includes('part'));
      client.destroy();
      expect([await seen.closed, stub.requests.map(({ url }) => url)]).toEqual([false, ['/first']]);
    });

    it('and the upstream never hears of it when it goes while the token is renewed, which goes on for the next request', async () => {
      house.expireAccessToken();
      const gate = house.provider.control.hold('token');
      const client = await sent(request('GET /stub/abandoned'));
      while (gate.arrived === 0) await new Promise((resolve) => setImmediate(resolve));
      client.destroy();
      expect((await house.call('/bff/session')).status).toBe(200); // by now its end is known
      gate.open();
      const next = await (await sent(request('GET /stub/next'))).answer();
      expect([next.status, headers(next, 'set-cookie').map(nameOf)]).toEqual([200, [SESSION]]);
      expect([stub.requests.map(({ url }) => url), house.provider.stats.refreshes]).toEqual([['/next'], 1]);
    });
  });

  describe('an upstream that goes away in the middle', () => {
    it.each<[string, string]>([
      ['of a known length', `${PART}Content-Length: 100\r\n\r\npart`],
      ['of chunks', `${PART}Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n`],
      ['of a chunk', `${PART}Transfer-Encoding: chunked\r\n\r\n64\r\npart`],
      ['of an event stream', `${PART.replace('plain', 'event-stream')}Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n`],
    ])('%s breaks the client’s connection: it can tell that this is not the whole', async (_, bytes) => {
      for (const leave of ['end', 'resetAndDestroy'] as const) {
        let upstream: Socket | undefined;
        onHead = (socket) => {
          upstream = socket;
          socket.write(bytes);
        };
        const client = await sent(request('GET /raw/x'));
        await client.until((it) => it.includes('part'));
        upstream?.[leave]();
        const received = await client.closed();
        expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
        expect(received).not.toMatch(/0\r\n\r\n$/);
        expect(received.split('\r\n\r\n')[1]?.length).toBeLessThan(20);
      }
    });
  });

  describe('a limit in time', () => {
    it('of the head is a 504', async () => {
      stub.handler = () => undefined;
      const answer = await (await sent(request('GET /hasty/x'))).answer();
      expect([answer.status, header(answer, 'cloakroom-error')]).toEqual([504, 'upstream_timeout']);
      expect(await (await stub.request()).closed).toBe(false);
    });

    it('of the silence in a body cuts the connection on both sides', async () => {
      stub.handler = (_request, response) => response.writeHead(200, { 'content-length': 100 }).write('part');
      const received = await (await sent(request('GET /hasty/x'))).closed();
      expect(received).toMatch(/\r\n\r\npart$/);
      expect(await (await stub.request()).closed).toBe(false);
    });

    it('begins for a request that was sent ahead when it is its turn', async () => {
      let finishFirst: () => void = () => undefined;
      stub.handler = ({ url }, response) => {
        if (url === '/first') finishFirst = () => response.end('first');
        else response.end('second '.repeat(30_000));
      };
      const client = await sent(request('GET /stub/first'), request('GET /hasty/second'));
      await stub.request();
      await new Promise((resolve) => setTimeout(resolve, 250)); // more than twice the limit
      expect(stub.requests).toHaveLength(1);
      finishFirst();
      expect((await client.answer()).body).toBe('first');
      expect((await client.answer()).body).toHaveLength(210_000);
    });
  });

  describe('a renewed ticket goes out although the upstream fails', () => {
    it.each<[string, string, number, string]>([
      ['nobody listens', '/nobody/x', 502, 'upstream_unreachable'],
      ['nobody accepts', '/deaf/x', 504, 'upstream_timeout'],
      ['it resets', '/raw/reset', 502, 'upstream_unreachable'],
      ['it closes', '/raw/close', 502, 'upstream_unreachable'],
      ['it speaks something else', '/raw/garbage', 502, 'upstream_protocol'],
      ['it says nothing', '/hasty/x', 504, 'upstream_timeout'],
    ])('when %s', async (_, path, status, code) => {
      stub.handler = () => undefined;
      onHead = (socket) => {
        if (path.endsWith('reset')) socket.resetAndDestroy();
        else if (path.endsWith('close')) socket.end();
        else socket.write('SSH-2.0-OpenSSH\r\n\r\n');
      };
      house.expireAccessToken();
      const answer = await (await sent(request(`GET ${path}`))).answer();
      expect([answer.status, header(answer, 'cloakroom-error'), header(answer, 'cache-control')]).toEqual([status, code, 'no-store']);
      const [line = ''] = headers(answer, 'set-cookie');
      expect(nameOf(line)).toBe(SESSION);
      // It is the one that the browser needs: nothing is renewed again.
      cookie = line.split(';')[0] ?? '';
      stub.handler = (_request, response) => response.end('ok');
      const next = await (await sent(request('GET /stub/next'))).answer();
      expect([next.status, next.body, house.provider.stats.refreshes]).toEqual([200, 'ok', 1]);
    });
  });

  describe('exactly one request upstream', () => {
    it.each([429, 500, 502, 503, 504])('for a %i with Retry-After, which passes untouched', async (status) => {
      stub.handler = (incoming, response) => {
        incoming.resume();
        response.writeHead(status, { 'retry-after': '1', 'content-type': 'text/plain' }).end('not now');
      };
      for (const target of ['GET /stub/x', 'POST /stub/x']) {
        stub.requests.length = 0;
        const answer = await (await sent(request(target, ...(target.startsWith('POST') ? ['Content-Length: 0'] : [])))).answer();
        expect([answer.status, answer.body, header(answer, 'retry-after'), header(answer, 'cloakroom-error')]).toEqual([
          status,
          'not now',
          '1',
          undefined,
        ]);
        expect(stub.requests).toHaveLength(1);
      }
    });

    it.each<[string, (socket: Socket) => void]>([
      ['closes', (socket) => socket.end()],
      ['resets', (socket) => socket.resetAndDestroy()],
      ['breaks off', (socket) => socket.end('HTTP/1.1 200 OK\r\nConte')],
      ['speaks something else', (socket) => socket.end('nonsense\r\n\r\n')],
    ])('for an upstream that %s on a new connection', async (_, leave) => {
      const other = await RawUpstream.start(leave);
      await house.reopen({ routes: [{ path: '/raw', upstream: other.origin }] });
      const answer = await (await sent(request('GET /raw/x'))).answer();
      expect([answer.status, other.connections, other.heads.length]).toEqual([502, 1, 1]);
      await other.close();
    });
  });
});
