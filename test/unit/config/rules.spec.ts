import { describe, expect, it } from '@jest/globals';
import { KEY, TLS_FILES, config, pathsOf, problems, warnings, yamlOf } from './sample.ts';

const OTHER_KEY = Array.from(KEY).reverse().join('');
const provider = (rest: string): Record<string, string> => ({ provider: `{ issuer: https://id.example.com, clientId: app, ${rest} }` });
const issuer = (url: string): Record<string, string> => ({ provider: `{ issuer: "${url}", clientId: app, clientSecret: s }` });
const route = (rest: string): Record<string, string> => ({ routes: `[{ path: /api, upstream: http://api, ${rest} }]` });
const tlsRoute = (rest: string): Record<string, string> => ({ routes: `[{ path: /api, upstream: https://api, tls: { ${rest} } }]` });
const routeAt = (path: string): Record<string, string> => ({ routes: `[{ path: "${path}", upstream: http://api }]` });
const cookie = (rest: string): Record<string, string> => ({ cookie: `{ keys: [{ id: 1, secret: ${KEY} }], ${rest} }` });
const keys = (...list: readonly string[]): string => `keys: [${list.join(', ')}]`;

const REFUSED: readonly (readonly [string, Record<string, string>, string])[] = [
  ['public http', { publicUrl: 'http://app.example.com' }, 'publicUrl'],
  ['a public URL with a query', { publicUrl: 'https://app.example.com/?x' }, 'publicUrl'],
  ['a public URL with user info', { publicUrl: 'https://me@app.example.com' }, 'publicUrl'],
  ['a base path without a slash', { basePath: 'bff' }, 'basePath'],
  ['the root as base path', { basePath: '/' }, 'basePath'],
  ['a base path with a dot segment', { basePath: '/a/../b' }, 'basePath'],
  ['no replica', { replicas: '0' }, 'replicas'],
  ['a proxy without a range', { trustedProxies: '[10.0.0.1]' }, 'trustedProxies'],
  ['a range too wide to exist', { trustedProxies: '[10.0.0.0/33]' }, 'trustedProxies'],
  ['a range that is none', { trustedProxies: '[loopback]' }, 'trustedProxies'],
  ['a range with junk', { trustedProxies: '[10.0.0.0/8/8]' }, 'trustedProxies'],
  ['a public issuer over http', issuer('http://id.example.com'), 'provider.issuer'],
  ['an issuer with a query', issuer('https://id.example.com?x=1'), 'provider.issuer'],
  ['an issuer with a fragment', issuer('https://id.example.com#x'), 'provider.issuer'],
  ['an issuer with user info', issuer('https://a:b@id.example.com'), 'provider.issuer'],
  ['an issuer that is no URL', issuer('id.example.com'), 'provider.issuer'],
  ['no client secret', provider('clientAuthMethod: client_secret_post'), 'provider.clientSecret'],
  ['a reserved authorize parameter', provider('clientSecret: s, authorizeParams: { redirect_uri: x }'), 'provider.authorizeParams'],
  ['another one in other letters', provider('clientSecret: s, authorizeParams: { State: x }'), 'provider.authorizeParams'],
  ['a PKCE parameter', provider('clientSecret: s, authorizeParams: { code_challenge_method: plain }'), 'provider.authorizeParams'],
  ['a scope beside provider.scope', provider('clientSecret: s, authorizeParams: { scope: openid }'), 'provider.authorizeParams'],
  ['a reserved token parameter', provider('clientSecret: s, tokenParams: { grant_type: x }'), 'provider.tokenParams'],
  ['a scope without openid', provider('clientSecret: s, scope: [profile]'), 'provider.scope'],
  ['two scopes in one word', provider('clientSecret: s, scope: [openid, "a b"]'), 'provider.scope'],
  ['a scope twice', provider('clientSecret: s, scope: [openid, a, a]'), 'provider.scope'],
  ['a provider proxy with credentials', provider('clientSecret: s, proxy: "http://u:p@egress:3128"'), 'provider.proxy'],
  [
    'an endpoint over public http',
    provider('clientSecret: s, endpoints: { userinfo: "http://id.example.com/u" }'),
    'provider.endpoints.userinfo',
  ],
  ['no time limit at all', provider('clientSecret: s, timeout: 0s'), 'provider.timeout'],
  ['a login parameter of ours', { login: '{ params: [returnTo] }' }, 'login.params'],
  ['a reserved login parameter', { login: '{ params: [nonce] }' }, 'login.params'],
  ['a cookie name in capitals', cookie('name: Cloakroom'), 'cookie.name'],
  ['a cookie name too long', cookie(`name: ${'a'.repeat(33)}`), 'cookie.name'],
  ['more chunks than are ever sent', cookie('maxChunks: 5'), 'cookie.maxChunks'],
  ['a page directory that is not there', { spa: '{ directory: ./build }' }, 'spa.directory'],
  ['a silent error in a parameter of two words', { login: '{ silentErrorParam: "a b" }' }, 'login.silentErrorParam'],
  ['no key', { cookie: '{ keys: [] }' }, 'cookie.keys'],
  ['a short key', { cookie: '{ keys: [{ id: 1, secret: tooshort }] }' }, 'cookie.keys[0].secret'],
  ['a placeholder key', { cookie: `{ keys: [{ id: 1, secret: ${'changeme'.repeat(6)} }] }` }, 'cookie.keys[0].secret'],
  ['key id 0', { cookie: `{ keys: [{ id: 0, secret: ${KEY} }] }` }, 'cookie.keys[0].id'],
  ['key id 10000', { cookie: `{ keys: [{ id: 10000, secret: ${KEY} }] }` }, 'cookie.keys[0].id'],
  ['a key id as text', { cookie: `{ keys: [{ id: "1", secret: ${KEY} }] }` }, 'cookie.keys[0].id'],
  ['a key without a secret', { cookie: '{ keys: [{ id: 1 }] }' }, 'cookie.keys[0].secret'],
  ['one id twice', { cookie: `{ ${keys(`{ id: 1, secret: ${KEY} }`, `{ id: 1, secret: ${OTHER_KEY} }`)}, activeKey: 1 }` }, 'cookie.keys'],
  [
    'two keys, none of them active',
    { cookie: `{ ${keys(`{ id: 1, secret: ${KEY} }`, `{ id: 2, secret: ${OTHER_KEY} }`)} }` },
    'cookie.activeKey',
  ],
  ['an active key that is none', cookie('activeKey: 2'), 'cookie.activeKey'],
  ['devCookies on a real host', cookie('devCookies: true'), 'cookie.devCookies'],
  ['devCookies on *.localhost', { ...cookie('devCookies: true'), publicUrl: 'http://app.localhost' }, 'cookie.devCookies'],
  ['devCookies with https', { ...cookie('devCookies: true'), publicUrl: 'https://localhost' }, 'cookie.devCookies'],
  ['an idle limit past the absolute one', { session: '{ idle: 2h, absolute: 1h }' }, 'session.idle'],
  ['an idle step past the idle limit', { session: '{ idle: 5m, idleStep: 6m }' }, 'session.idleStep'],
  ['no idle limit', { session: '{ idle: 0s }' }, 'session.idle'],
  ['an empty access rule', { access: '{ allow: [{}] }' }, 'access.allow'],
  ['an access rule of both forms', { access: '{ allow: [{ claim: a, anyOf: [b], emailDomain: [c.de] }] }' }, 'access.allow'],
  ['half an access rule', { access: '{ allow: [{ claim: a }] }' }, 'access.allow'],
  ['an access rule that admits nobody', { access: '{ allow: [{ claim: a, anyOf: [] }] }' }, 'access.allow[0].anyOf'],
  ['an e-mail address as a domain', { access: '{ allow: [{ emailDomain: ["@a.de"] }] }' }, 'access.allow[0].emailDomain'],
  ['an end-session template with an unknown part', { logout: '{ endSessionUrl: "https://x/out?c={client}" }' }, 'logout.endSessionUrl'],
  ['one port for both', { listen: '{ port: 9090 }' }, 'management.port'],
  ['the root as route', routeAt('/'), 'routes[0].path'],
  ['a route with a slash at the end', routeAt('/api/'), 'routes[0].path'],
  ['a route with an encoded character', routeAt('/%61pi'), 'routes[0].path'],
  ['a route on our endpoints', routeAt('/bff'), 'routes[0].path'],
  ['a route below our endpoints', routeAt('/bff/x'), 'routes[0].path'],
  ['a route around our endpoints', { ...routeAt('/auth'), basePath: '/auth/bff' }, 'routes[0].path'],
  ['one route twice', { routes: '[{ path: /a, upstream: http://a }, { path: /a, upstream: http://b }]' }, 'routes[1].path'],
  ['an upstream with credentials', { routes: '[{ path: /a, upstream: "http://u:p@a" }]' }, 'routes[0].upstream'],
  ['an upstream with a query', { routes: '[{ path: /a, upstream: "http://a/?x" }]' }, 'routes[0].upstream'],
  ['an upstream of another scheme', { routes: '[{ path: /a, upstream: "ws://a" }]' }, 'routes[0].upstream'],
  ['TRACE', route('methods: [GET, TRACE]'), 'routes[0].methods'],
  ['CONNECT', route('methods: [CONNECT]'), 'routes[0].methods'],
  ['a method in small letters', route('methods: [get]'), 'routes[0].methods'],
  ['no method', route('methods: []'), 'routes[0].methods'],
  ['no CSRF check with a token', route('csrf: off'), 'routes[0].csrf'],
  ['no CSRF check with an optional token', route('csrf: off, token: optional'), 'routes[0].csrf'],
  ['client authorization beside a token', route('clientAuthorization: pass'), 'routes[0].clientAuthorization'],
  ['our session cookie upstream', route('cookies: [__Host-Http-cloakroom]'), 'routes[0].cookies'],
  ['a chunk of it', route('cookies: [__Host-Http-cloakroom.0]'), 'routes[0].cookies'],
  ['our cookie from upstream', route('setCookie: [__Secure-cloakroom-hint]'), 'routes[0].setCookie'],
  ['a cookie that is no name', route('cookies: ["a=b"]'), 'routes[0].cookies'],
  ['a body limit of a bare number', route('maxBody: 100'), 'routes[0].maxBody'],
  ['a time limit of 0', route('connectTimeout: 0s'), 'routes[0].connectTimeout'],
  ['TLS to an http upstream', route('tls: { minVersion: TLSv1.3 }'), 'routes[0].tls'],
  ['a client certificate without its key', tlsRoute('certFile: /tls/client.pem'), 'routes[0].tls.keyFile'],
  ['a key without its certificate', tlsRoute('keyFile: /tls/client.key'), 'routes[0].tls.certFile'],
  ['authorities in a file that is not there', tlsRoute('caFile: /absent.pem'), 'routes[0].tls.caFile'],
  ['authorities that are none', tlsRoute('caFile: dist/index.html'), 'routes[0].tls.caFile'],
  ['a TLS version that is out of use', tlsRoute('minVersion: TLSv1.1'), 'routes[0].tls.minVersion'],
  ['a URL as server name', tlsRoute('serverName: "https://a"'), 'routes[0].tls.serverName'],
];

describe('the rules', () => {
  it.each(REFUSED)('refuse %s, and nothing else', (_, sections, path) => {
    expect(pathsOf({ yaml: yamlOf(sections), files: TLS_FILES })).toEqual([path]);
  });

  it.each(['authorization', 'token', 'jwks'])('want the endpoints all or not at all: %s alone', (name) => {
    const found = pathsOf({ yaml: yamlOf(provider(`clientSecret: s, endpoints: { ${name}: "https://id.example.com/e" }`)) });
    expect(found).toEqual(['authorization', 'token', 'jwks'].filter((it) => it !== name).map((it) => `provider.endpoints.${it}`));
  });

  it.each([
    ['a loopback public URL', { publicUrl: 'http://localhost:3000' }],
    ['an issuer with a slash at the end', issuer('https://id.example.com/realms/x/')],
    ['a loopback issuer', issuer('http://127.0.0.1:3001/oauth2/default')],
    ['no secret for a public client', provider('clientAuthMethod: none')],
    [
      'all three endpoints',
      provider('clientSecret: s, endpoints: { authorization: "https://i/a", token: "https://i/t?x=1", jwks: "https://i/k" }'),
    ],
    ['userinfo alone beside discovery', provider('clientSecret: s, endpoints: { userinfo: "https://i/u" }')],
    ['prompt=consent', provider('clientSecret: s, authorizeParams: { prompt: consent }')],
    [
      'two keys and the newer one not yet active',
      { cookie: `{ ${keys(`{ id: 1, secret: ${KEY} }`, `{ id: 2, secret: ${OTHER_KEY} }`)}, activeKey: 1 }` },
    ],
    ['devCookies on localhost', { ...cookie('devCookies: true'), publicUrl: 'http://localhost:3000' }],
    ['devCookies on [::1]', { ...cookie('devCookies: true'), publicUrl: '"http://[::1]:3000"' }],
    ['an idle limit equal to the absolute one', { session: '{ idle: 1h, absolute: 1h }' }],
    ['two free ports', { listen: '{ port: 0 }', management: '{ port: 0 }' }],
    ['routes inside one another', { routes: '[{ path: /a, upstream: http://a }, { path: /a/b, upstream: https://b/base/ }]' }],
    ['a route whose name begins like ours', routeAt('/bffx')],
    ['no CSRF check without a token', route('csrf: off, token: none, clientAuthorization: pass')],
    ['a body limit', route('maxBody: 100MiB')],
    ['TLS with every key', tlsRoute('caFile: /tls/client.pem, certFile: /tls/client.pem, keyFile: /tls/client.key, serverName: a.b')],
    ['an IPv6 range', { trustedProxies: '[fd00::/8, 10.0.0.0/8]' }],
    ['an end-session template', { logout: '{ endSessionUrl: "https://x/v2/logout?client_id={clientId}&returnTo={postLogoutUri}" }' }],
    ['both forms of access rules', { access: '{ allow: [{ claim: groups, anyOf: [staff] }, { emailDomain: [example.com] }] }' }],
  ])('allow %s', (_, sections) => {
    expect(problems({ yaml: yamlOf(sections), files: TLS_FILES })).toEqual([]);
  });

  it('report a value that cannot be read once, without rules on top', () => {
    expect(pathsOf({ yaml: yamlOf({ publicUrl: 'nonsense', ...cookie('devCookies: true') }) })).toEqual(['publicUrl']);
    expect(pathsOf({ yaml: yamlOf({ cookie: '{ keys: nonsense, activeKey: 3 }' }) })).toEqual(['cookie.keys']);
  });

  it('keep the issuer exactly as it was written', () => {
    expect(config({ yaml: yamlOf(issuer('https://ID.example.com/a/')) }).provider.issuer).toBe('https://ID.example.com/a/');
  });
});

describe('warnings', () => {
  const first = (sections: Record<string, string>): readonly string[] =>
    warnings({ yaml: yamlOf(sections) }).map((it) => it.slice(0, it.indexOf(':')));

  it('name what is allowed and should be known', () => {
    expect(first({})).toEqual([]);
    expect(first({ publicUrl: 'http://localhost:3000', ...cookie('devCookies: true') })).toEqual(['publicUrl', 'cookie.devCookies']);
    expect(first(issuer('http://localhost:3001'))).toEqual(['provider.issuer']);
    expect(first(provider('clientAuthMethod: none, clientSecret: s'))).toEqual(['provider.clientSecret']);
    expect(first({ replicas: '2' })).toEqual(['replicas']);
    expect(first({ trustedProxies: '[0.0.0.0/0]' })).toEqual(['trustedProxies']);
    expect(first({ passwordLogin: '{ enabled: true }' })).toEqual(['passwordLogin.enabled']);
    expect(first({ routes: '[]' })).toEqual(['routes']);
  });

  it('name each route to an upstream that is not verified', () => {
    const at = (path: string, skip: boolean): string => `{ path: ${path}, upstream: https://api, tls: { insecureSkipVerify: ${skip} } }`;
    const found = warnings({ yaml: yamlOf({ routes: `[${at('/a', true)}, ${at('/b', false)}, ${at('/c', true)}]` }) });
    expect(found.map((it) => it.slice(0, 33))).toEqual(['/a', '/c'].map((it) => `route ${it}: tls.insecureSkipVerify:`));
  });
});

describe('a page directory', () => {
  it('is named by its key, and by what is missing in it', () => {
    expect(problems({ yaml: yamlOf({ spa: '{ directory: ./build }' }) })).toEqual([
      'spa.directory: must name a directory with a readable index.html',
    ]);
  });

  it('is taken with an index page in it', () => {
    expect(problems({ yaml: yamlOf({ spa: '{ directory: /srv/page/ }' }), files: { '/srv/page/index.html': '' } })).toEqual([]);
  });
});

describe('scope among the parameters of the authorization request', () => {
  it('is refused with the name of the key it belongs to', () => {
    expect(problems({ yaml: yamlOf(provider('clientSecret: s, authorizeParams: { Scope: openid }')) })).toEqual([
      'provider.authorizeParams: may not set scope: it belongs in provider.scope',
    ]);
  });

  it("is nobody's business at the token endpoint", () => {
    expect(problems({ yaml: yamlOf(provider('clientSecret: s, tokenParams: { scope: api }')) })).toEqual([]);
  });
});

describe('the parameter of a failed silent login', () => {
  it('can be chosen', () => {
    expect(config({ yaml: yamlOf({ login: '{ silentErrorParam: sso_error }' }) }).login.silentErrorParam).toBe('sso_error');
  });
});
