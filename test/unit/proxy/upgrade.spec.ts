import { afterEach, describe, expect, it } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { RequestFact } from '../../../src/kernel/request-fact.ts';
import { active, openStand, PUBLIC, session, SESSION_COOKIE, SIGNED_IN, type Stand, type StandOptions } from '../../support/proxy-stand.ts';
import { header, RawClient } from '../../support/raw-http.ts';
import { RawUpstream } from '../../support/upstream-stub.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='; // RFC 6455 §1.3
const SWITCH = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n`;

/** What becomes of a handshake on the data path; the tunnel has tests of its own. */
describe('a WebSocket handshake on a route', () => {
  let stand: Stand;
  let upstream: RawUpstream;
  let facts: RequestFact[];
  let answerBy: (head: string) => string;

  afterEach(async () => {
    await stand.close();
    await upstream.close();
  });

  async function open(answer: string, options: Partial<StandOptions> = {}): Promise<void> {
    facts = [];
    answerBy = () => answer;
    upstream = await RawUpstream.start((socket, head) => {
      if (head.startsWith('GET ')) socket.write(answerBy(head));
    });
    stand = await openStand({ upstream: upstream.origin, onAnswered: (fact) => facts.push(fact), ...options });
  }

  const handshake = (...lines: string[]): string =>
    [
      'GET /api/socket HTTP/1.1',
      'Host: app.example.com',
      `Origin: ${PUBLIC}`,
      `Cookie: ${SIGNED_IN}`,
      'Connection: keep-alive, Upgrade',
      'Upgrade: websocket',
      `Sec-WebSocket-Key: ${KEY}`,
      'Sec-WebSocket-Version: 13',
      ...lines,
      '',
      '',
    ].join('\r\n');
  const told = async (): Promise<readonly unknown[]> => {
    while (facts.length === 0) await new Promise((resolve) => setImmediate(resolve));
    return facts.map(({ status, route }) => [status, route]);
  };

  it('that becomes a tunnel is told with 101, once it is over', async () => {
    await open(`${SWITCH}Set-Cookie: theirs=1\r\nX-Up: a\r\n\r\n`);
    const client = await RawClient.open(stand.port);
    const head = await client.send(handshake()).until((it) => it.includes('\r\n\r\n'));
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    expect(head.toLowerCase()).toContain('x-up: a');
    expect(head.toLowerCase()).not.toContain('set-cookie');
    expect(facts).toEqual([]);
    client.send(Buffer.from('88800000000', 'hex'));
    client.destroy();
    expect(await told()).toEqual([[101, '/api']]);
    const [request = ''] = upstream.heads;
    expect(request).toMatch(/\r\nauthorization: Bearer access-token\r\n/i);
    expect(request).toMatch(/\r\nconnection: Upgrade\r\n/i);
    expect(request.toLowerCase()).not.toContain('cookie');
  });

  it('that becomes a tunnel keeps its place for as long as that lives, and neither its request nor the bytes of that', async () => {
    await open(`${SWITCH}\r\n`, { websocket: { total: 1, perSession: 1 } });
    const heads: WeakRef<IncomingMessage>[] = [];
    const bytes: WeakRef<ArrayBufferLike>[] = [];
    stand.server.on('upgrade', (request: IncomingMessage, _socket: unknown, early: Buffer) => {
      heads.push(new WeakRef(request));
      bytes.push(new WeakRef(early.buffer));
    });
    const client = await RawClient.open(stand.port);
    await client.send(handshake()).until((it) => it.includes('\r\n\r\n'));
    const second = await RawClient.open(stand.port);
    expect((await second.send(handshake()).answer()).status).toBe(503);
    await second.closed();
    for (let turns = 0; turns < 20 && heads.some((it) => it.deref() !== undefined); turns++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      collectGarbage();
    }
    expect([...heads, ...bytes].map((it) => it.deref() === undefined)).toEqual([true, true, true, true]);
    client.destroy();
    while (facts.length < 2) await new Promise((resolve) => setImmediate(resolve));
    const third = await RawClient.open(stand.port);
    expect(await third.send(handshake()).until((it) => it.includes('\r\n\r\n'))).toMatch(/^HTTP\/1\.1 101 /);
    third.destroy();
  }, 60_000);

  it('takes the ticket of a refresh along, and no re-seal', async () => {
    const touched: string[] = [];
    const renewed = { ticket: { value: 'renewed', session: session() }, takenAt: 0 };
    await open(`${SWITCH}\r\n`, {
      lookup: { ...active(), taken: renewed },
      touch: () => {
        touched.push('touched');
        return undefined;
      },
    });
    const client = await RawClient.open(stand.port);
    const head = await client.send(handshake()).until((it) => it.includes('\r\n\r\n'));
    expect(head.match(/set-cookie: (.*)/gi)).toEqual([`set-cookie: ${SESSION_COOKIE}=renewed; Path=/`]);
    expect(touched).toEqual([]);
    client.destroy();
    await told();
  });

  it.each([
    ['refuses it', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nSet-Cookie: theirs=1\r\n\r\nno', 403, undefined, 'no'],
    [
      'redirects it elsewhere',
      'HTTP/1.1 302 Found\r\nLocation: http://internal/\r\nContent-Length: 0\r\n\r\n',
      502,
      'upstream_protocol',
      undefined,
    ],
    ['accepts it for somebody else', `${SWITCH.replace(ACCEPT, 'AAAA')}\r\n`, 502, 'upstream_protocol', undefined],
    ['speaks something else', 'SSH-2.0-x\r\n', 502, 'upstream_protocol', undefined],
  ])('is answered and closed when the upstream %s', async (_, answer, status, code, body) => {
    await open(answer);
    const client = await RawClient.open(stand.port);
    const response = await client.send(handshake()).answer();
    expect([response.status, header(response, 'cloakroom-error'), header(response, 'connection')]).toEqual([status, code, 'close']);
    if (body !== undefined) expect(response.body).toBe(body);
    expect(header(response, 'set-cookie')).toBeUndefined();
    await client.closed();
    expect(await told()).toEqual([[status, '/api']]);
    expect(upstream.connections).toBe(1);
  });

  it('that the upstream refuses with 401 is tried once more with a renewed token, where the route says so', async () => {
    const newer = session({ generation: 2, accessToken: 'renewed' });
    await open('', {
      route: { retryOn401: true },
      refreshNow: () =>
        Promise.resolve({ kind: 'usable', session: newer, taken: { ticket: { value: 'newer', session: newer }, takenAt: 0 } }),
    });
    answerBy = (head) => (head.includes('Bearer renewed') ? `${SWITCH}\r\n` : 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno');
    const client = await RawClient.open(stand.port);
    const head = await client.send(handshake() + 'early').until((it) => it.includes('\r\n\r\n'));
    expect([head.slice(0, 13), head.match(/set-cookie: (.*)/gi)]).toEqual([
      'HTTP/1.1 101 ',
      [`set-cookie: ${SESSION_COOKIE}=newer; Path=/`],
    ]);
    while (upstream.heads.length < 3) await new Promise((resolve) => setImmediate(resolve));
    expect(upstream.heads[2]).toBe('early'); // what came behind the handshake is not lost
    client.destroy();
    expect(await told()).toEqual([[101, '/api']]);
  });

  it('that is answered by us leaves its connection closed, and its place free', async () => {
    await open('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n', { websocket: { total: 1, perSession: 1 } });
    for (let i = 0; i < 3; i++) {
      const client = await RawClient.open(stand.port);
      const response = await client.send(handshake()).answer();
      expect([response.status, header(response, 'cloakroom-error')]).toEqual([503, undefined]);
      await client.closed();
    }
  });

  it('over HTTP/1.0 is an ordinary request', async () => {
    await open('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    const client = await RawClient.open(stand.port);
    const response = await client.send(handshake('Sec-Fetch-Site: same-origin').replace('HTTP/1.1', 'HTTP/1.0')).answer();
    expect([response.status, response.body]).toEqual([200, 'ok']);
    expect((upstream.heads[0] ?? '').toLowerCase()).not.toContain('upgrade');
  });
});
