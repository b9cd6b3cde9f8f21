import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Attack, signedHead } from '../support/attack.ts';
import { header, RawClient } from '../support/raw-http.ts';
import { bodyOf } from '../support/upstream-stub.ts';

describe('A26 node-http-proxy#1647: trailers', () => {
  let attack: Attack;
  beforeAll(async () => (attack = await Attack.open({ route: { identityHeaders: { 'X-User': 'sub' } } })));
  afterEach(() => {
    attack.forget();
    attack.upstream.handler = (_request, response, seen) => void seen.whole.then(() => response.end('ok'));
  });
  afterAll(() => attack.close());

  it.each(['Authorization: evil', 'Cookie: a=b', 'X-User: root', 'X-Forwarded-For: 1.1.1.1', 'Host: evil'])(
    'such as %s set no header and hold nothing up',
    async (line) => {
      const name = line.split(':', 1)[0] ?? '';
      const chunks = `2\r\nok\r\n0\r\n${line}\r\nX-T: 1\r\n\r\n`;
      const answer = await attack.ask(signedHead('POST /api', 'Transfer-Encoding: chunked', `Trailer: ${name}, X-T`) + chunks);
      expect([answer.status, attack.upstream.requests.length]).toEqual([200, 1]);
      const request = await attack.upstream.request();
      const { headers } = request;
      expect([bodyOf(request), headers.authorization, headers.cookie, headers['x-forwarded-for'], headers.host]).toEqual([
        'ok',
        'Bearer access-token',
        undefined,
        '127.0.0.1',
        attack.upstream.authority,
      ]);
      expect([headers['x-user'], headers['x-t'], headers.trailer]).toEqual([undefined, undefined, undefined]);
    },
  );

  it.each(['Content-Length: 5', 'Transfer-Encoding: chunked'])(
    'such as %s, which frame a message, make the request unreadable',
    async (line) => {
      const answer = await attack.ask(`${signedHead('POST /api', 'Transfer-Encoding: chunked')}2\r\nok\r\n0\r\n${line}\r\n\r\n`);
      expect([answer.status, header(answer, 'cloakroom-error')]).toEqual([400, 'bad_request']);
      expect(await Promise.all(attack.upstream.requests.map((it) => it.whole))).not.toContain(true);
    },
  );

  it('of an upstream are not passed on', async () => {
    attack.upstream.handler = (_request, response) => {
      response.writeHead(200, { trailer: 'Set-Cookie' }).write('ok');
      response.addTrailers({ 'Set-Cookie': 'a=b' });
      response.end();
    };
    const client = await RawClient.open(attack.stand.port);
    const received = await client.send(signedHead('GET /api', 'Connection: close')).closed();
    expect([received.includes('\r\n0\r\n\r\n'), /set-cookie|trailer/i.test(received)]).toEqual([true, false]);
  });
});
