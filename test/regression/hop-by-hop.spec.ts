import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Attack, HOST, refused, SIGNED, signedHead } from '../support/attack.ts';
import { SIGNED_IN } from '../support/proxy-stand.ts';
import { header, RawClient } from '../support/raw-http.ts';
import { bodyOf, type SeenRequest } from '../support/upstream-stub.ts';

describe('hop-by-hop headers', () => {
  let attack: Attack;
  beforeAll(async () => {
    const route = { identityHeaders: { 'X-User': 'sub' }, cookies: ['theme'] };
    attack = await Attack.open({ route });
  });
  afterEach(() => {
    attack.forget();
    attack.upstream.handler = (_request, response, seen) => void seen.whole.then(() => response.end('ok'));
  });
  afterAll(() => attack.close());

  async function seen(bytes: string): Promise<SeenRequest> {
    const answer = await attack.ask(bytes);
    expect([answer.status, attack.upstream.requests.length]).toEqual([200, 1]);
    return attack.upstream.request();
  }

  describe('A23 CVE-2026-33805, CVE-2025-48865: Connection names a header of the proxy', () => {
    const names = ['Authorization', 'Host', 'Cookie', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'Forwarded'];
    const spellings = (name: string): string[] => [
      name,
      name.toLowerCase(),
      `close, ${name}`,
      `keep-alive,\t${name} ,`,
      `${name}, ${name}`,
    ];

    it.each([...names, 'X-Request-Id', 'Content-Length', 'Content-Type', 'Sec-Fetch-Site', 'Origin', 'X-User'].flatMap(spellings))(
      '%s: it arrives all the same',
      async (value) => {
        const lines = [
          HOST,
          'Sec-Fetch-Site: same-origin',
          `Cookie: ${SIGNED_IN}; theme=dark`,
          'Content-Type: text/plain',
          'Origin: https://app.example.com',
        ];
        const start = ['POST /api HTTP/1.1', ...lines, 'X-User: root', 'Content-Length: 2', `Connection: ${value}`, '', 'ok'];
        const { headers, ...request } = await seen(start.join('\r\n'));
        expect(bodyOf({ ...request, headers })).toBe('ok');
        expect(headers).toMatchObject({
          authorization: 'Bearer access-token',
          host: attack.upstream.authority,
          cookie: 'theme=dark',
          'content-length': '2',
          'content-type': 'text/plain',
          origin: 'https://app.example.com',
          'sec-fetch-site': 'same-origin',
          'x-forwarded-for': '127.0.0.1',
          'x-forwarded-proto': 'https',
          'x-forwarded-host': 'app.example.com',
          forwarded: 'for=127.0.0.1;host=app.example.com;proto=https',
          'x-request-id': expect.stringMatching(/^\w{26}$/),
        });
        expect(headers['x-user']).toBeUndefined();
      },
    );

    it('and in two lines', async () => {
      const { headers } = await seen(signedHead('GET /api', 'Connection: Authorization', 'Connection: X-Forwarded-For, Host'));
      expect([headers.authorization, headers['x-forwarded-for'], headers.host]).toEqual([
        'Bearer access-token',
        '127.0.0.1',
        attack.upstream.authority,
      ]);
    });

    it('takes away the client’s own header', async () => {
      const { headers } = await seen(signedHead('GET /api', 'Connection: X-Mine', 'X-Mine: 1', 'X-Other: 2'));
      expect([headers['x-mine'], headers['x-other'], headers.connection]).toEqual([undefined, '2', 'keep-alive']);
    });

    it('of an upstream takes away its own header, and nothing that is ours to send', async () => {
      attack.upstream.handler = (_request, response) => {
        response.writeHead(200, {
          connection: 'X-Hop, X-Request-Id, Set-Cookie, Content-Length, Cache-Control, Vary',
          'x-hop': '1',
          'content-length': '2',
          vary: 'Accept',
        });
        response.end('ok');
      };
      const answer = await attack.ask(signedHead('GET /api'));
      expect([header(answer, 'x-hop'), header(answer, 'content-length'), header(answer, 'cache-control'), answer.body]).toEqual([
        undefined,
        '2',
        'private',
        'ok',
      ]);
      expect([header(answer, 'x-request-id')?.length, header(answer, 'vary')]).toEqual([26, 'Accept']);
    });
  });

  describe('A24 harmless ones (reply-from answers 500 to some of them)', () => {
    it.each([
      'Keep-Alive: timeout=5',
      'Keep-Alive: x',
      'Upgrade: foo',
      'Upgrade: websocket',
      'Connection: upgrade',
      'Connection: ,',
      'Connection:',
      'Proxy-Connection: keep-alive',
      'Proxy-Authenticate: Basic',
      'Proxy-Authorization: Basic x',
      'Trailer: X-T',
      'TE: trailers',
      'Connection: TE\r\nTE: trailers',
      'TE: gzip;q=1, trailers',
      'Expect: odd',
      'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA',
      'Max-Forwards: 0',
    ])('%j: the request succeeds, without it', async (line) => {
      const { headers } = await seen(signedHead('GET /api', line));
      const gone = [
        'keep-alive',
        'upgrade',
        'proxy-connection',
        'proxy-authenticate',
        'proxy-authorization',
        'trailer',
        'te',
        'expect',
        'http2-settings',
      ];
      expect(gone.filter((name) => name in headers)).toEqual([]);
    });

    it('of an upstream stay behind as well', async () => {
      const hop = {
        'keep-alive': 'timeout=7',
        'proxy-authenticate': 'Basic',
        'proxy-connection': 'x',
        trailer: 'X-T',
        upgrade: 'h2c',
        te: 'x',
      };
      attack.upstream.handler = (_request, response) =>
        response.writeHead(200, { ...hop, 'x-kept': '1', 'transfer-encoding': 'chunked' }).end('ok');
      const answer = await attack.ask(signedHead('GET /api'));
      expect([header(answer, 'x-kept'), header(answer, 'keep-alive')]).toEqual(['1', 'timeout=75']);
      expect(answer.lines.filter(([name]) => name !== 'keep-alive' && name in hop)).toEqual([]);
    });
  });

  describe('A25 Expect: 100-continue (http-proxy skips its header hook)', () => {
    it('changes nothing of what goes upstream', async () => {
      const client = await RawClient.open(attack.stand.port);
      client.send(signedHead('POST /api', 'Content-Length: 2', 'Expect: 100-continue', 'Authorization: Bearer evil', 'X-User: root'));
      await client.until((it) => it.startsWith('HTTP/1.1 100 '));
      const answer = await client.send('ok').answer();
      client.destroy();
      const { headers } = await attack.upstream.request();
      expect([answer.status, headers.authorization, headers.cookie, headers.expect, headers['x-user']]).toEqual([
        200,
        'Bearer access-token',
        undefined,
        undefined,
        undefined,
      ]);
    });

    it.each(['100-CONTINUE', '100-continue, 100-continue', '200-ok'])('%s hangs nobody', async (value) => {
      const answer = await attack.ask(`${signedHead('POST /api', 'Content-Length: 2', `Expect: ${value}`)}ok`);
      expect([answer.status, (await attack.upstream.request()).headers.expect]).toEqual([200, undefined]);
    });

    it('is ignored in HTTP/1.0, which knows no interim answers', async () => {
      const client = await RawClient.open(attack.stand.port);
      const bytes = signedHead('POST /api', 'Content-Length: 2', 'Expect: 100-continue').replace('HTTP/1.1', 'HTTP/1.0');
      expect(await client.send(`${bytes}ok`).closed()).toMatch(/^HTTP\/1\.1 200 /);
      expect((await attack.upstream.request()).headers.expect).toBeUndefined();
    });

    it('asks for no body that is refused anyway, and the connection is closed', async () => {
      const client = await RawClient.open(attack.stand.port);
      const bytes = ['POST /api HTTP/1.1', ...SIGNED.slice(0, 2), 'Content-Length: 2', 'Expect: 100-continue', '', ''].join('\r\n');
      const answer = await client.send(bytes).answer();
      expect(await client.closed()).toBe('');
      expect(await attack.judge(answer)).toEqual(refused(401, 'not_logged_in'));
    });
  });
});
