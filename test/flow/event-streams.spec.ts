import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { openHouse, type House } from '../support/house.ts';
import { pageRequest } from '../support/page-request.ts';
import { RawClient } from '../support/raw-http.ts';
import { UpstreamStub } from '../support/upstream-stub.ts';
import type { UserAgent } from '../support/user-agent.ts';

const HOUR = 3_600_000;
/** What ends an answer in chunks in order; EventSource connects again after it. */
const LAST_CHUNK = /\r\n0\r\n\r\n$/;
const TYPE = { 'content-type': 'text/event-stream' };

describe('event streams', () => {
  let house: House;
  let upstream: UpstreamStub;
  let agent: UserAgent;
  let answers: ServerResponse[];
  let clients: RawClient[] = [];

  beforeAll(async () => {
    upstream = await UpstreamStub.start();
    house = await openHouse({
      config: { session: { absolute: '1h', idle: '1h' }, listen: { bodyIdleTimeout: '1s' }, shutdown: { grace: '60s' } },
      routes: () => [
        { path: '/events', upstream: upstream.origin, idleTimeout: '50ms' },
        { path: '/maybe', upstream: upstream.origin, token: 'optional' },
        { path: '/short', upstream: upstream.origin, maxAge: '1s' },
      ],
    });
  });

  beforeEach(async () => {
    answers = [];
    upstream.requests.length = 0;
    begins(TYPE);
    agent = await signedIn();
  });

  afterEach(() => {
    for (const client of clients) client.destroy();
    clients = [];
  });

  afterAll(async () => {
    await house.close();
    await upstream.close();
  });

  async function signedIn(user = 'alice'): Promise<UserAgent> {
    const made = house.newAgent();
    await made.login(user);
    return made;
  }

  /** The upstream answers every request with this head and a first event. */
  function begins(headers: Readonly<Record<string, string>>): void {
    upstream.handler = (_request, response) => {
      answers.push(response);
      response.writeHead(200, headers).write('data: first\n\n');
    };
  }

  /** A stream whose first event is there. */
  async function opened(path = '/events', who = agent, ...lines: string[]): Promise<RawClient> {
    const client = await RawClient.open(house.port);
    clients.push(client);
    client.send(pageRequest(house, house.cookiesOf(who), `GET ${path}`, ...lines));
    await client.until((it) => it.includes('data: first\n\n'));
    return client;
  }

  /** What came up to the last chunk, or up to the end of the connection. */
  const lastOf = (client: RawClient): Promise<string> =>
    Promise.race([client.until((it) => it.endsWith('\r\n0\r\n\r\n')), client.closed()]);

  const write = (at: number, text: string): boolean | undefined => answers[at]?.write(text);

  it('bring each piece to the client as it is written, before the next one is', async () => {
    const client = await opened();
    for (const piece of ['id: 1\n', 'data: a\n', 'data: b\n\n', ': comment\n\n', '\n', 'data: \u00fc\n\n', 'event: x\r\ndata: y\r\n\r\n']) {
      write(0, piece);
      const bytes = Buffer.from(piece);
      const chunk = `\r\n${bytes.length.toString(16)}\r\n${bytes.toString('latin1')}\r\n`;
      expect(await client.until((it) => it.endsWith(chunk))).not.toMatch(LAST_CHUNK);
    }
    answers[0]?.end();
    expect(await lastOf(client)).toMatch(LAST_CHUNK);
  });

  it('keep the headers that keep others from buffering, and get no coding from us', async () => {
    begins({ ...TYPE, 'x-accel-buffering': 'no', 'cache-control': 'no-cache, no-transform' });
    const client = await opened('/events', agent, 'Accept-Encoding: gzip, br');
    const [head = ''] = client.received.toLowerCase().split('\r\n\r\n');
    expect(head).toContain('\r\nx-accel-buffering: no');
    expect(head).toContain('\r\ncache-control: no-cache, no-transform');
    expect(head).not.toContain('content-encoding');
  });

  it('tell the upstream the last event that the browser has', async () => {
    await opened('/events', agent, 'Last-Event-ID: 42:a/b');
    expect((await upstream.request()).headers['last-event-id']).toBe('42:a/b');
  });

  it.each(['text/event-stream', 'text/event-stream; charset=utf-8', 'text/event-stream;charset="UTF-8"', 'Text/Event-Stream ; x=y'])(
    'may be silent far longer than the idle limit of their route: %s',
    async (type) => {
      begins({ 'content-type': type });
      const client = await opened();
      await new Promise((resolve) => setTimeout(resolve, 200));
      write(0, 'data: late\n\n');
      await client.until((it) => it.includes('data: late\n\n'));
    },
  );

  it.each(['text/event-streams', 'text/plain; x=text/event-stream', 'application/x-ndjson'])('are not what %s is', async (type) => {
    begins({ 'content-type': type });
    const client = await opened();
    expect(await client.closed()).not.toMatch(LAST_CHUNK);
  });

  it('may be silent longer than the idle limit of the listener', async () => {
    const client = await opened();
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    write(0, 'data: late\n\n');
    await client.until((it) => it.includes('data: late\n\n'));
  });

  it('end upstream when the client goes', async () => {
    const client = await opened();
    client.destroy();
    expect(await (await upstream.request()).closed).toBe(false);
  });

  it('break off, and do not end in order, when the upstream breaks off', async () => {
    const client = await opened();
    answers[0]?.destroy();
    expect(await client.closed()).not.toMatch(LAST_CHUNK);
  });

  describe('end in order, on both sides', () => {
    const bothEnd = async (client: RawClient, at = 0): Promise<void> => {
      expect(await lastOf(client)).toMatch(LAST_CHUNK);
      expect(await (await upstream.request(at)).closed).toBe(false);
    };

    it('at the logout of their session, all of them at once, while those of another session go on', async () => {
      const other = await signedIn('bob');
      const [one, two, others] = [await opened(), await opened(), await opened('/events', other)];
      const answer = await agent.fetch('/bff/logout', { method: 'POST', headers: { 'x-csrf': '1' } });
      expect(answer.status).toBe(200);
      await bothEnd(one, 0);
      await bothEnd(two, 1);
      write(2, 'data: on\n\n');
      await others.until((it) => it.includes('data: on\n\n'));
      expect(others.received).not.toMatch(LAST_CHUNK);
    });

    it('when a new login in the same browser replaces their session', async () => {
      const client = await opened();
      await agent.navigate('/bff/login');
      await bothEnd(client);
    });

    it('at the maximum age of their route', async () => {
      await bothEnd(await opened('/short'));
    });
  });

  it('that promised a length are cut off at the logout: after an orderly end the client would take the next answer for the rest', async () => {
    begins({ ...TYPE, 'content-length': '300' });
    const client = await opened();
    await agent.fetch('/bff/logout', { method: 'POST', headers: { 'x-csrf': '1' } });
    expect(await client.closed()).toMatch(/\r\n\r\ndata: first\n\n$/);
    expect(await (await upstream.request()).closed).toBe(false);
  });

  it('of a session that was ended while the upstream was asked never begin', async () => {
    upstream.handler = () => undefined;
    const answer = house.call('/events', { cookie: house.cookiesOf(agent) });
    const late = new Promise<ServerResponse>((resolve) => (upstream.handler = (_request, response) => resolve(response)));
    await agent.fetch('/bff/logout', { method: 'POST', headers: { 'x-csrf': '1' } });
    (await late).writeHead(200, TYPE).write('data: secret\n\n');
    expect([(await answer).status, (await answer).headers.get('cloakroom-error')]).toEqual([401, 'session_revoked']);
    expect((await answer).headers.getSetCookie().join()).toContain('Max-Age=0');
    expect(await (await upstream.request()).closed).toBe(false);
  });

  it('of a session that was ended while the upstream was asked begin without it, where no session is needed', async () => {
    upstream.handler = () => undefined;
    const client = await RawClient.open(house.port);
    clients.push(client);
    client.send(pageRequest(house, house.cookiesOf(agent), 'GET /maybe'));
    const late = new Promise<ServerResponse>((resolve) => (upstream.handler = (_request, response) => resolve(response)));
    const first = await late;
    await agent.fetch('/bff/logout', { method: 'POST', headers: { 'x-csrf': '1' } });
    begins(TYPE);
    first.writeHead(200, TYPE).write('data: secret\n\n');
    expect(await client.until((it) => it.includes('data: first\n\n'))).not.toContain('secret');
    expect(upstream.requests.map((it) => it.headers.authorization?.split(' ')[0])).toEqual(['Bearer', undefined]);
    write(0, 'data: more\n\n');
    await client.until((it) => it.includes('data: more\n\n'));
  });

  it('that answer a WebSocket handshake end at the logout like any other', async () => {
    const client = await opened(
      '/events',
      agent,
      `Origin: ${house.origin}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    );
    await new Promise((resolve) => setTimeout(resolve, 200)); // longer than the idle limit of the route
    write(0, 'data: late\n\n');
    await client.until((it) => it.includes('data: late\n\n'));
    await agent.fetch('/bff/logout', { method: 'POST', headers: { 'x-csrf': '1' } });
    expect(await client.closed()).toMatch(LAST_CHUNK);
    expect(await (await upstream.request()).closed).toBe(false);
  });

  it('of a session that was ended while its token was renewed never begin', async () => {
    house.expireAccessToken();
    const gate = house.provider.control.hold('token');
    const cookie = house.cookiesOf(agent);
    const stream = house.call('/events', { cookie });
    while (gate.arrived === 0) await new Promise((resolve) => setImmediate(resolve));
    const logout = agent.fetch('/bff/logout', { method: 'POST', headers: { 'x-csrf': '1' } });
    while ((await house.call('/bff/session', { cookie }).then((it) => it.text())).includes('"authenticated":true'));
    gate.open();
    expect([(await stream).status, (await logout).status, upstream.requests.length]).toEqual([401, 200, 0]);
  });

  it('end in order at once when the process stops, whatever time it has', async () => {
    const client = await opened();
    const stopped = house.app.stop();
    expect(await client.closed()).toMatch(LAST_CHUNK);
    await stopped;
    await house.reopen({});
  });

  // Last, because the provider does not live in the time that this skips.
  it('end in order at the absolute limit of their session, however much they were used', async () => {
    house.clock.skip(HOUR - 1_500);
    const client = await opened();
    write(0, 'data: busy\n\n');
    expect(await lastOf(client)).toMatch(LAST_CHUNK);
    expect(await (await upstream.request()).closed).toBe(false);
    const again = await house.call('/events', { cookie: house.cookiesOf(agent) });
    expect([again.status, again.headers.get('cloakroom-error')]).toEqual([401, 'session_expired']);
  });
});
