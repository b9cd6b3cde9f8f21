import { describe, expect, it } from '@jest/globals';
import { KEY, pathsOf, problems, warnings, yamlOf } from './sample.ts';

const NOT_AVAILABLE = 'not available in this version';
const route = (rest: string): Record<string, string> => ({ routes: `[{ path: /api, upstream: http://api, ${rest} }]` });

const PLANNED: readonly (readonly [string, Record<string, string>])[] = [
  ['tracing', { tracing: '{ otlpEndpoint: http://otel }' }],
  ['session.store', { session: '{ store: redis }' }],
  ['session.store', { session: '{ store: auto }' }],
  ['logout.frontChannel', { logout: '{ frontChannel: true }' }],
  ['events.warnBefore', { events: '{ warnBefore: 1m }' }],
  ['revocation.whenUnknown', { revocation: '{ whenUnknown: refuse }' }],
  ['cookie.partitioned', { cookie: `{ keys: [{ id: 1, secret: ${KEY} }], partitioned: true }` }],
  ['listen.tls', { listen: '{ tls: { certFile: /c, keyFile: /k } }' }],
  ['management.token', { management: '{ token: abc }' }],
  ['management.tokenFile', { management: '{ tokenFile: /t }' }],
  ['routes[0].identityHeaders', route('identityHeaders: { X-User: sub }')],
  ['routes[0].identityHeaderMax', route('identityHeaderMax: 8KiB')],
  ['spa.upstream', { spa: '{ directory: ./dist, upstream: http://localhost:5173 }' }],
  ['spa.requireLogin', { spa: '{ directory: ./dist, requireLogin: true }' }],
  ['spa.config', { spa: '{ directory: ./dist, config: { a: b } }' }],
  ['spa.headers', { spa: '{ directory: ./dist, headers: { a: b } }' }],
];

// The reference's own example with every key at its default, as somebody would paste it.
const EVERY_DEFAULT = `
publicUrl: https://app.example.com
basePath: /bff
ingressStripsPath: false
replicas: 1
trustedProxies: []
listen: { host: 0.0.0.0, port: 8080, maxHeaderSize: 32KiB, headersTimeout: 15s, bodyIdleTimeout: 60s, keepAliveTimeout: 75s, maxConnections: 20000 }
management: { host: 0.0.0.0, port: 9090 }
shutdown: { delay: 5s, grace: 25s }
log: { level: info, access: true }
provider:
  issuer: https://id.example.com
  clientId: app
  clientSecret: sesame
  clientAuthMethod: client_secret_basic
  basicEncoding: form
  scope: [openid, profile, offline_access]
  authorizeParams: {}
  tokenParams: {}
  responseMode: query
  endpoints: {}
  userinfo: auto
  clockTolerance: 30s
  timeout: 5s
  metadataRefresh: 1h
  maxResponse: 5MiB
login: { params: [prompt, login_hint, max_age, acr_values, ui_locales], attemptTtl: 10m, silentErrorParam: login_error }
passwordLogin: { enabled: false, perMinute: 5 }
cookie: { name: cloakroom, keys: [{ id: 1, secret: ${KEY} }], activeKey: 1, devCookies: false, budget: 6KiB, maxChunks: 4, partitioned: false }
session: { store: cookie, idle: 30m, absolute: 12h, idleStep: 3m, claims: [sub, name, email] }
access: { allow: [] }
refresh:
  early: 60s
  earlyWait: 300ms
  handover: 60s
  confirmAfter: 45s
  headMemory: 64MiB
  providerLeeway: 0s
  withoutCoordination: auto
  wait: 10s
  cooldown: 2s
  maxInFlight: 50
  fatalErrors: [invalid_grant]
  breaker: { failures: 5, pause: 10s }
  fallbackLifetime: 5m
  redirectUri: false
  scope: off
logout: { revoke: before, endSession: true, frontChannel: false }
revocation: { whenUnknown: allow }
csrf: { requireHeader: false }
events: { warnBefore: 2m }
websocket: { ping: 25s, maxAge: 12h, perSession: 20, total: 10000 }
routes:
  - path: /api
    upstream: http://api:8080
    stripPrefix: false
    token: user
    access: { allow: [] }
    methods: [GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY]
    csrf: on
    navigation: button
    clientAuthorization: remove
    cookies: []
    setCookie: []
    identityHeaders: {}
    identityHeaderMax: 4KiB
    preserveHost: false
    forwarded: true
    redirects: same-origin
    allowEncodedSlash: false
    maxBody: off
    connectTimeout: 5s
    headersTimeout: 60s
    idleTimeout: 60s
    maxInFlight: 1000
    maxAge: 12h
    retryOn401: false
    activity: true
spa: { directory: ./dist, requireLogin: false, config: {}, headers: {} }
`;

describe('what is planned', () => {
  it.each(PLANNED)('%s is refused, not silently without effect: %j', (path, sections) => {
    expect(problems({ yaml: yamlOf(sections) })).toEqual([`${path}: ${NOT_AVAILABLE}`]);
  });

  it('is refused from the environment too', () => {
    expect(pathsOf({ yaml: yamlOf(), env: { CLOAKROOM_TRACING_OTLP_ENDPOINT: 'http://otel' } })).toEqual(['tracing']);
    expect(pathsOf({ yaml: yamlOf(), env: { CLOAKROOM_COOKIE_PARTITIONED: 'true' } })).toEqual(['cookie.partitioned']);
  });

  it('may be given at its default: the whole example of the reference is accepted', () => {
    expect(problems({ yaml: EVERY_DEFAULT })).toEqual([]);
  });

  it('is a warning where the reference has it on: backChannel', () => {
    expect(problems({ yaml: yamlOf({ logout: '{ backChannel: true }' }) })).toEqual([]);
    expect(warnings({ yaml: yamlOf({ logout: '{ backChannel: true }' }) })).toContainEqual(
      expect.stringMatching(/^logout\.backChannel: not available/),
    );
    expect(warnings({ yaml: yamlOf({ logout: '{ backChannel: false }' }) })).not.toContainEqual(expect.stringMatching(/backChannel/));
  });
});
