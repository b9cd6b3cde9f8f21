import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { once } from 'node:events';
import { Attack, SIGNED, signedHead } from '../support/attack.ts';
import { header, RawClient } from '../support/raw-http.ts';

const IDLE = 60;

describe('A32 slow clients (slow loris)', () => {
  let attack: Attack;
  beforeAll(async () => {
    attack = await Attack.open({ server: { bodyIdleTimeout: IDLE, headersTimeout: 200, keepAliveTimeout: 200, maxConnections: 6 } });
  });
  afterEach(() => attack.forget());
  afterAll(() => attack.close());

  const whole = async (): Promise<readonly boolean[]> => Promise.all(attack.upstream.requests.map((it) => it.whole));

  describe('bodies that stand still', () => {
    it.each([
      ['before they were asked for', signedHead('POST /api', 'Content-Length: 10')],
      ['in the middle', `${signedHead('POST /api', 'Content-Length: 10')}01234`],
      ['in a chunk', `${signedHead('POST /api', 'Transfer-Encoding: chunked')}5\r\n01`],
      ['between two chunks', `${signedHead('POST /api', 'Transfer-Encoding: chunked')}2\r\n01\r\n`],
      ['in a chunk size', `${signedHead('POST /api', 'Transfer-Encoding: chunked')}5`],
      ['in a trailer', `${signedHead('POST /api', 'Transfer-Encoding: chunked')}0\r\nX-T: 1`],
      ['after 100 Continue', signedHead('POST /api', 'Content-Length: 10', 'Expect: 100-continue')],
    ])('%s end with 408 and a closed connection, and upstream too', async (_, bytes) => {
      const client = await RawClient.open(attack.stand.port);
      const answer = await client.send(bytes).answer();
      await client.closed();
      expect([answer.status, header(answer, 'cloakroom-error')]).toEqual([408, 'request_timeout']);
      expect(await whole()).not.toContain(true);
    });

    it.each([
      ['refused by CSRF', 403, (it: string) => it.replace('same-origin', 'cross-site')],
      ['signed out', 401, (it: string) => it.replace(/Cookie:.*\r\n/, '')],
      ['refused for its path', 400, (it: string) => it.replace('/api', '/api/..')],
    ])('that were answered already (%s) end with a closed connection, whatever is still to come', async (_, status, change) => {
      const client = await RawClient.open(attack.stand.port);
      const answer = await client.send(`${change(signedHead('POST /api', 'Content-Length: 10'))}01234`).answer();
      await client.closed();
      expect([answer.status, attack.upstream.requests]).toEqual([status, []]);
    });
  });

  describe('a byte at a time, each within the limit', () => {
    it('is no crime: a body that goes on comes through', async () => {
      const client = await RawClient.open(attack.stand.port);
      client.send(signedHead('POST /api', 'Transfer-Encoding: chunked'));
      for (const piece of ['1', '\r\n', 'a', '\r\n', '1\r\n', 'b', '\r\n', '0\r\n\r\n']) {
        client.send(piece);
        await new Promise((resolve) => setTimeout(resolve, IDLE / 4));
      }
      expect([(await client.answer()).status, await whole()]).toEqual([200, [true]]);
      client.destroy();
    });

    it('is one in a head: its limit is a total', async () => {
      const client = await RawClient.open(attack.stand.port);
      const bytes = signedHead('GET /api', `X-Long: ${'x'.repeat(500)}`);
      let sent = 0;
      const drip = setInterval(() => client.send(bytes[sent++] ?? ''), 2);
      const answer = await client.answer();
      clearInterval(drip);
      await client.closed();
      expect([answer.status, header(answer, 'cloakroom-error'), attack.upstream.requests]).toEqual([408, 'request_timeout', []]);
      expect(sent).toBeLessThan(bytes.length);
    });
  });

  describe('heads that do not come to an end', () => {
    it.each([
      ['in the request line', 'GET /api'],
      ['in a header', 'GET /api HTTP/1.1\r\nHost: app'],
      ['before the empty line', `GET /api HTTP/1.1\r\n${SIGNED.join('\r\n')}\r\n`],
    ])('%s end with 408 and a closed connection', async (_, bytes) => {
      const client = await RawClient.open(attack.stand.port);
      const answer = await client.send(bytes).answer();
      await client.closed();
      expect([answer.status, header(answer, 'cloakroom-error'), attack.upstream.requests]).toEqual([408, 'request_timeout', []]);
    });

    it('on a kept connection end it as well', async () => {
      const client = await RawClient.open(attack.stand.port);
      await client.send(signedHead('GET /api')).answer();
      client.send('GET /api HTTP/1.1\r\nHost: app');
      expect([(await client.answer()).status, await client.closed()]).toEqual([408, '']);
    });

    it('because nothing ever came end the same way', async () => {
      const client = await RawClient.open(attack.stand.port);
      const answer = await client.answer();
      expect([answer.status, header(answer, 'cloakroom-error'), await client.closed()]).toEqual([408, 'request_timeout', '']);
    });
  });

  describe('what they can take', () => {
    it('is a number of connections, and given back', async () => {
      const open = await Promise.all(Array.from({ length: 6 }, () => RawClient.open(attack.stand.port)));
      const extra = connect({ port: attack.stand.port, host: '127.0.0.1' });
      extra.on('error', () => undefined); // a reset is a refusal too
      await once(extra, 'close');
      await Promise.all(open.map((it) => it.closed()));
      expect((await attack.ask(signedHead('GET /api'))).status).toBe(200);
    });
  });

  it('a connection between two requests lives as long as it was told, and is closed without a word', async () => {
    const client = await RawClient.open(attack.stand.port);
    const answer = await client.send(signedHead('GET /api')).answer();
    expect([header(answer, 'connection'), header(answer, 'keep-alive')]).toEqual(['keep-alive', 'timeout=0']);
    expect(await client.closed()).toBe('');
  });
});
