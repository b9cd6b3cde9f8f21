import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { keepCookies } from '../../../src/cookie/cookie-header.ts';
import { ApiRoutes, type RouteOptions } from '../../../src/proxy/api-routes.ts';
import { ForwardedHeaders } from '../../../src/proxy/forwarded.ts';
import { RequestHead } from '../../../src/proxy/request-head.ts';
import { TrustedProxies } from '../../../src/proxy/trusted-proxies.ts';
import { routeOptions } from '../../support/proxy-stand.ts';
import { rawExchange } from '../../support/raw-http.ts';

interface Given {
  readonly route?: Partial<RouteOptions>;
  readonly accessToken?: string;
  readonly publicOrigin?: string;
  readonly trustedProxies?: readonly string[];
}

/** What goes upstream for a request with these header lines, as Node's parser gives them. */
async function built(lines: string, given: Given = {}): Promise<string[]> {
  const trustedProxies = new TrustedProxies(given.trustedProxies ?? []);
  const route = routeOptions({ upstream: { origin: 'http://api', path: '' }, forwarded: false, ...given.route });
  const routes = new ApiRoutes({ routes: [route], basePath: '/bff', publicPath: '' }).all;
  const forwarded = new ForwardedHeaders({ publicOrigin: given.publicOrigin ?? 'https://app.example.com', trustedProxies });
  const head = new RequestHead({ routes, forwarded, keepCookies, owns: (name) => name.startsWith('__Host-Http-cloakroom') });
  const context = { requestId: 'id', accessToken: given.accessToken };
  const server = createServer((request, response) => {
    const headers = routes.flatMap((it) => head.build(request, it, context));
    response.end(JSON.stringify(headers));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { body } = await rawExchange((server.address() as AddressInfo).port, `GET / HTTP/1.1\r\nHost: app.example.com\r\n${lines}\r\n`);
  server.close();
  server.closeAllConnections();
  const flat = JSON.parse(body) as string[];
  const pairs = flat.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${flat[at + 1] ?? ''}`] : []));
  return pairs.filter((it) => it !== 'x-request-id: id');
}

const block = (...lines: string[]): string => lines.map((it) => `${it}\r\n`).join('');

describe('a request head', () => {
  it('passes what is the client’s to say, as it said it', async () => {
    const lines = [
      'Accept: a/b',
      'X-Thing: 1',
      'X-Thing: 2',
      'Origin: https://a',
      'Referer: https://a/b',
      'Sec-Fetch-Mode: cors',
      'my_header: x',
    ];
    expect(await built(block(...lines))).toEqual(lines);
  });

  it('has the request id of ours, and no other', async () => {
    expect(await built(block('X-Request-Id: evil', 'x_request_id: evil'))).toEqual([]);
  });

  it('ends with the bearer, and has no other', async () => {
    const given = { accessToken: 'at' };
    expect(await built(block('Authorization: Bearer evil', 'authorization: Basic x', 'Accept: */*'), given)).toEqual([
      'Accept: */*',
      'authorization: Bearer at',
    ]);
    expect(await built(block('Authorization: Bearer evil'))).toEqual([]);
  });

  it('keeps the client’s own Authorization only where the route says so', async () => {
    expect(await built(block('Authorization: Bearer machine'), { route: { token: 'none', clientAuthorization: 'pass' } })).toEqual([
      'Authorization: Bearer machine',
    ]);
  });

  it.each([
    'Connection: keep-alive',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic x',
    'Proxy-Anything: x',
    'TE: trailers',
    'Trailer: X-Auth',
    'Upgrade: h2c',
    'HTTP2-Settings: x',
    'Expect: 100-continue',
    'X-CSRF: 1',
    'Forwarded: for=1.1.1.1',
    'X-Forwarded-For: 1.1.1.1',
    'X-Forwarded-User: root',
    'x-forwarded: x',
    'X_Forwarded_User: root',
    'x-forwarded_user: root',
    'Content_Length: 5',
    'content_type: text/html',
    'X-Real-IP: 1.1.1.1',
    'x_real_ip: 1.1.1.1',
    'X-Original-URL: /admin',
    'X-Rewrite-URL: /admin',
    'Cookie: a=1; __Host-Http-cloakroom=x',
  ])('drops %s', async (line) => expect(await built(block(line))).toEqual([]));

  it('drops every spelling of an identity header, duplicates too', async () => {
    const route = { identityHeaders: { 'X-User_Name': 'sub' } };
    const lines = block('X-User-Name: root', 'x_user_name: root', 'X-USER_NAME: root', 'X-User-Name: again', 'X-User-Names: x');
    expect(await built(lines, { route })).toEqual(['X-User-Names: x']);
  });

  it('drops what Connection names, and nothing that is not the client’s to take away', async () => {
    const lines = block(
      'Connection: close, X-Hop, Authorization, Cookie, Host, Content-Length, X-Forwarded-For',
      'X-Hop: 1',
      'Cookie: a=1',
    );
    const given = { accessToken: 'at', route: { cookies: ['a'], forwarded: true } };
    const headers = await built(lines, given);
    expect(headers).toEqual([
      'cookie: a=1',
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-proto: https',
      'x-forwarded-host: app.example.com',
      'forwarded: for=127.0.0.1;host=app.example.com;proto=https',
      'authorization: Bearer at',
    ]);
  });

  it('passes the cookies that the route names, but never ours', async () => {
    const given = { route: { cookies: ['a', '__Host-Http-cloakroom', '__Host-Http-cloakroom.0'] } };
    const lines = block('Cookie: a=1; b=2; __Host-Http-cloakroom=x', 'Cookie: __Host-Http-cloakroom.0=y; a=3');
    expect(await built(lines, given)).toEqual(['cookie: a=1; a=3']);
    expect(await built(block('Cookie: b=2'), given)).toEqual([]);
  });

  it('names the public Host only where the route says so', async () =>
    expect(await built('', { route: { preserveHost: true } })).toEqual(['host: app.example.com']));

  it.each([
    ['https://app.example.com:8443', 'app.example.com:8443'],
    ['http://[::1]:3000', '[::1]:3000'],
    ['https://other.example.com', 'other.example.com'],
  ])('with publicUrl %s names %s there, whatever the client calls us', async (publicOrigin, host) =>
    expect(await built('', { publicOrigin, route: { preserveHost: true } })).toEqual([`host: ${host}`]),
  );
});

describe('forwarding headers', () => {
  const spoof = block('X-Forwarded-For: 203.0.113.9', 'X-Forwarded-Proto: http', 'X-Forwarded-Host: evil', 'Forwarded: for=evil');
  const route = { forwarded: true };

  it('tell nothing that an untrusted client said', async () =>
    expect(await built(spoof, { route })).toEqual([
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-proto: https',
      'x-forwarded-host: app.example.com',
      'forwarded: for=127.0.0.1;host=app.example.com;proto=https',
    ]));

  it('tell the chain that a trusted proxy saw, and publicUrl’s own scheme and host', async () =>
    expect(await built(spoof, { route, trustedProxies: ['127.0.0.1'], publicOrigin: 'http://[::1]:3000' })).toEqual([
      'x-forwarded-for: 203.0.113.9, 127.0.0.1',
      'x-forwarded-proto: http',
      'x-forwarded-host: [::1]:3000',
      'forwarded: for=203.0.113.9, for=127.0.0.1;host="[::1]:3000";proto=http',
    ]));

  it('quote IPv6 addresses', async () =>
    expect((await built(block('X-Forwarded-For: 2001:db8::1'), { route, trustedProxies: ['127.0.0.1'] })).at(-1)).toBe(
      'forwarded: for="[2001:db8::1]", for=127.0.0.1;host=app.example.com;proto=https',
    ));
});
