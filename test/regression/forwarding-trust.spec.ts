import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ForwardedHeaders } from '../../src/proxy/forwarded.ts';
import { HostCheck } from '../../src/proxy/host-check.ts';
import { TrustedProxies } from '../../src/proxy/trusted-proxies.ts';
import { Attack, head, HOST, refused, SIGNED, signedHead } from '../support/attack.ts';
import { header } from '../support/raw-http.ts';

const PUBLIC = 'https://app.example.com';
const SPOOFED = [
  ...[
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Proto: http',
    'X-Forwarded-Port: evil',
    'X-Forwarded-Prefix: /evil',
  ],
  ...[
    'X-Forwarded-Server: evil.example',
    'X-Forwarded-Scheme: http',
    'X-Forwarded-Ssl: evil',
    'X-Real-IP: 6.6.6.6',
    'Front-End-Https: evil',
  ],
  ...['Forwarded: for=6.6.6.6;host=evil.example;proto=http', 'X-Original-Host: evil.example', 'X-Request-Id: evil'],
];
const OURS = {
  'x-forwarded-for': '127.0.0.1',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'app.example.com',
  forwarded: 'for=127.0.0.1;host=app.example.com;proto=https',
};

describe('A50 CVE-2026-3635: X-Forwarded-* of a stranger', () => {
  let attack: Attack;
  beforeAll(async () => (attack = await Attack.open({ trustedProxies: ['10.0.0.0/8'] })));
  afterEach(() => attack.forget());
  afterAll(() => attack.close());

  it('tells the upstream nothing', async () => {
    await attack.ask(signedHead('GET /api', ...SPOOFED, ...SPOOFED));
    const { headers, rawHeaders } = await attack.upstream.request();
    expect(rawHeaders.join('\n')).not.toMatch(/evil|6\.6\.6\.6/);
    expect(headers).toMatchObject(OURS);
    expect(
      Object.keys(headers)
        .filter((it) => /forwarded|real-ip/.test(it))
        .sort(),
    ).toEqual(Object.keys(OURS).sort());
  });

  it('does not stand in for the Host, nor spoil a right one', async () => {
    expect(await attack.outcome(head('GET /api', 'Host: evil.example', 'X-Forwarded-Host: app.example.com'))).toEqual(
      refused(421, 'wrong_host'),
    );
    expect(await attack.outcome(signedHead('GET /api', 'X-Forwarded-Host: evil.example'))).toMatchObject({ status: 200 });
  });

  it('leads no navigation elsewhere', async () => {
    const navigation = ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'];
    const answer = await attack.ask(head('GET /a?b', 'Host: evil.example', ...navigation, ...SPOOFED));
    expect([answer.status, header(answer, 'location'), header(answer, 'set-cookie')]).toEqual([308, `${PUBLIC}/a?b`, undefined]);
  });

  it('gives no request id', async () => {
    const answer = await attack.ask(head('GET /api', HOST, 'X-Request-Id: evil'));
    expect(header(answer, 'x-request-id')).toMatch(/^[0-9A-Z]{26}$/);
  });
});

describe('A51 X-Forwarded-For behind a trusted proxy', () => {
  let attack: Attack;
  const routes = [{ path: '/api' }, { path: '/kept', preserveHost: true }];
  beforeAll(async () => (attack = await Attack.open({ routes, trustedProxies: ['127.0.0.1', '10.0.0.0/8'] })));
  afterEach(() => attack.forget());
  afterAll(() => attack.close());

  const chain = async (...values: readonly string[]): Promise<unknown> => {
    const answer = await attack.ask(signedHead('GET /api', ...values.map((it) => `X-Forwarded-For: ${it}`)));
    expect(answer.status).toBe(200);
    return (await attack.upstream.request()).headers['x-forwarded-for'];
  };

  it.each([
    ['192.0.2.7', '192.0.2.7, 127.0.0.1'],
    ['6.6.6.6, 192.0.2.7', '192.0.2.7, 127.0.0.1'],
    ['6.6.6.6, 192.0.2.7, 10.1.2.3', '192.0.2.7, 10.1.2.3, 127.0.0.1'],
    ['10.9.9.9, 192.0.2.7', '192.0.2.7, 127.0.0.1'],
    ['192.0.2.7:4711', '192.0.2.7, 127.0.0.1'],
    ['2001:db8::7', '2001:db8::7, 127.0.0.1'],
    ['[2001:db8::7]:4711', '2001:db8::7, 127.0.0.1'],
    ['::ffff:192.0.2.7', '192.0.2.7, 127.0.0.1'],
    ['unknown', '127.0.0.1'],
    ['_hidden', '127.0.0.1'],
    ['192.0.2.7, unknown', '127.0.0.1'],
    ['evil.example', '127.0.0.1'],
    ['192.0.2.7, ', '127.0.0.1'],
    [' , ,', '127.0.0.1'],
    ['999.0.2.7', '127.0.0.1'],
    ['192.0.2.7;DROP', '127.0.0.1'],
    ['"192.0.2.7"', '127.0.0.1'],
    ['192.0.2.07', '127.0.0.1'],
    ['3221225991', '127.0.0.1'],
    ['\xe9', '127.0.0.1'],
    ['', '127.0.0.1'],
  ])('%j gives %s', async (value, expected) => expect(await chain(value)).toBe(expected));

  it('in several lines is one list, read from its end', async () => {
    expect(await chain('6.6.6.6', '192.0.2.7', '10.1.1.1')).toBe('192.0.2.7, 10.1.1.1, 127.0.0.1');
  });

  it('of a thousand entries is cut', async () => {
    const hops = String(await chain(Array.from({ length: 1_000 }, () => '10.1.1.1').join(', '))).split(', ');
    expect([hops.length, new Set(hops)]).toEqual([32, new Set(['10.1.1.1', '127.0.0.1'])]);
  });

  it('is not believed for what a client wrote in front, however much', async () => {
    expect(await chain(`${'6.6.6.6,'.repeat(1_000)}192.0.2.7`)).toBe('192.0.2.7, 127.0.0.1');
  });

  it('says nothing of scheme and host: they are publicUrl’s', async () => {
    await attack.ask(signedHead('GET /api', 'X-Forwarded-Proto: http', 'X-Forwarded-Host: app.example.com', 'X-Forwarded-Port: 80'));
    expect((await attack.upstream.request()).headers).toMatchObject(OURS);
  });

  it('may name the Host, and only ours', async () => {
    expect(await attack.outcome(signedHead('GET /api', 'X-Forwarded-Host: evil.example'))).toEqual(refused(421, 'wrong_host'));
    const inner = head('GET /api', 'Host: inner:8080', 'X-Forwarded-Host: app.example.com', ...signedHead('').split('\r\n').slice(2, 4));
    expect(await attack.outcome(inner)).toMatchObject({ status: 200, upstream: ['GET /api'] });
  });

  it.each(['internal.evil', '"bad host"', 'app.example.com.evil.example', '', 'inner:8080'])(
    'may send the Host %j along, which a route that preserves the public one does not pass on',
    async (host) => {
      const lines = [`Host: ${host}`, 'X-Forwarded-Host: app.example.com', ...SIGNED.slice(1)];
      expect((await attack.ask(head('GET /kept', ...lines))).status).toBe(200);
      const { rawHeaders } = await attack.upstream.request();
      expect(rawHeaders.filter((_, at) => rawHeaders[at - (at % 2)]?.toLowerCase() === 'host')).toEqual(['host', 'app.example.com']);
    },
  );

  it('does not make up for a Host that is there twice', async () => {
    const twice = head('GET /kept', HOST, 'Host: internal.evil', 'X-Forwarded-Host: app.example.com', ...SIGNED.slice(1));
    expect(await attack.outcome(twice)).toEqual(refused(421, 'wrong_host'));
  });

  it('stands in for a Host that is missing under HTTP/1.0', async () => {
    const old = head('GET /kept', 'X-Forwarded-Host: app.example.com', ...SIGNED.slice(1)).replace('HTTP/1.1', 'HTTP/1.0');
    expect((await attack.ask(old)).status).toBe(200);
    expect((await attack.upstream.request()).headers.host).toBe('app.example.com');
  });

  it.each(['ok-1.2_3', 'a'.repeat(64)])('keeps the request id %s', async (id) => {
    expect(header(await attack.ask(signedHead('GET /api', `X-Request-Id: ${id}`)), 'x-request-id')).toBe(id);
    expect((await attack.upstream.request()).headers['x-request-id']).toBe(id);
  });

  it.each(['a b', 'a'.repeat(65), '<script>', '\xe9', ''])('takes no other request id: %j', async (id) => {
    expect(header(await attack.ask(signedHead('GET /api', `X-Request-Id: ${id}`)), 'x-request-id')).toMatch(/^[0-9A-Z]{26}$/);
  });
});

describe('A52 oauth2-proxy#3374: a peer without an address, such as a Unix socket’s', () => {
  it.each([
    [undefined, 'unknown'],
    ['', 'unknown'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
  ])('%j is nobody’s trusted proxy, and is forwarded for as %s', (remoteAddress, expected) => {
    const trustedProxies = new TrustedProxies(['0.0.0.0/0', 'fd00::/8']);
    const forwarded = new ForwardedHeaders({ publicOrigin: PUBLIC, trustedProxies });
    const request = {
      socket: { remoteAddress },
      rawHeaders: ['Host', 'x'],
      headers: { host: 'x', 'x-forwarded-for': '6.6.6.6', 'x-forwarded-host': 'app.example.com' },
    };
    const headers: string[] = [];
    forwarded.append(headers, request);
    expect(headers.slice(0, 2)).toEqual(['x-forwarded-for', expected]);
    expect(new HostCheck({ publicOrigin: PUBLIC, trustedProxies }).check(request).kind).toBe('wrong');
  });
});
