import { describe, expect, it } from '@jest/globals';
import { KEY, TLS_FILES, config, load, pathsOf, problems, warnings, yamlOf } from './sample.ts';

const hour = 3_600_000;

describe('a configuration', () => {
  it('gets every default, in milliseconds and bytes', () => {
    const { listen, session, refresh, cookie, routes, logout, provider } = config({ yaml: yamlOf() });
    expect(listen).toMatchObject({ host: '0.0.0.0', port: 8080, maxHeaderSize: 32_768, headersTimeout: 15_000, keepAliveTimeout: 75_000 });
    expect(session).toMatchObject({
      store: 'cookie',
      idle: hour / 2,
      absolute: 12 * hour,
      idleStep: 180_000,
      claims: ['sub', 'name', 'email'],
    });
    expect(refresh).toMatchObject({ early: 60_000, earlyWait: 300, providerLeeway: 0, fatalErrors: ['invalid_grant'] });
    expect(refresh).not.toHaveProperty('scope');
    expect(cookie).toMatchObject({ name: 'cloakroom', activeKey: 1, budget: 6144, maxChunks: 4, devCookies: false });
    expect(routes[0]).toMatchObject({ token: 'user', stripPrefix: false, csrf: true, headersTimeout: 60_000, access: { allow: [] } });
    expect(routes[0]).not.toHaveProperty('maxBody');
    expect(logout).toMatchObject({ revoke: 'before', endSession: true, backChannel: false, frontChannel: false });
    expect(provider).toMatchObject({ scope: ['openid', 'profile', 'offline_access'], timeout: 5000, maxResponse: 5_242_880 });
  });

  it('can come from the environment alone', () => {
    const env = {
      CLOAKROOM_PUBLIC_URL: 'https://app.example.com/shop',
      CLOAKROOM_PROVIDER_ISSUER: 'https://id.example.com/oauth2/default',
      CLOAKROOM_PROVIDER_CLIENT_ID: '12345',
      CLOAKROOM_PROVIDER_CLIENT_SECRET_FILE: '/run/client',
      CLOAKROOM_COOKIE_KEYS_0_ID: '7',
      CLOAKROOM_COOKIE_KEYS_0_SECRET_FILE: '/run/key',
      CLOAKROOM_ROUTES: '/api=http://api:8080,/files=http://files:9000/store',
      CLOAKROOM_ROUTES_1_TOKEN: 'optional',
      CLOAKROOM_SPA_DIRECTORY: './dist',
    };
    const made = config({ env, files: { '/run/client': 'sesame\n', '/run/key': `${KEY}\r\n` } });
    expect(made.publicUrl).toEqual({ origin: 'https://app.example.com', path: '/shop', href: 'https://app.example.com/shop' });
    expect(made.provider.clientId).toBe('12345');
    expect(made.provider.clientSecret?.reveal()).toBe('sesame');
    expect(made.cookie.activeKey).toBe(7);
    expect(made.cookie.keys[0]?.secret.reveal()).toBe(KEY);
    expect(made.routes.map(({ path, upstream, token }) => [path, upstream.href, token])).toEqual([
      ['/api', 'http://api:8080', 'user'],
      ['/files', 'http://files:9000/store', 'optional'],
    ]);
    expect(made.spa?.directory).toBe('./dist');
  });

  it('lets the environment win over the file, and the file over the defaults', () => {
    const yaml = yamlOf({ session: '{ idle: 20m, absolute: 8h }' });
    const made = config({ yaml, env: { CLOAKROOM_SESSION_IDLE: '10m', CLOAKROOM_SESSION_ABSOLUTE: '' } });
    expect(made.session).toMatchObject({ idle: hour / 6, absolute: 8 * hour, idleStep: hour / 60 });
  });

  it('lets one entry of a list be changed by the environment, also when the file writes it once for two', () => {
    const yaml = yamlOf({ routes: '\n  - &api { path: /api, upstream: http://api:8080 }\n  - *api' });
    const made = config({ yaml, env: { CLOAKROOM_ROUTES_1_PATH: '/other' } });
    expect(made.routes.map(({ path }) => path)).toEqual(['/api', '/other']);
  });

  it('derives what was not given from what was', () => {
    expect(config({ yaml: yamlOf({ session: '{ idle: 5m }' }) }).session.idleStep).toBe(30_000);
    expect(config({ yaml: yamlOf({ session: '{ idle: 5m, idleStep: 1m }' }) }).session.idleStep).toBe(60_000);
    expect(config({ yaml: yamlOf({ cookie: `{ keys: [{ id: 42, secret: ${KEY} }] }` }) }).cookie.activeKey).toBe(42);
  });

  it('reads on and off, true and false alike', () => {
    const yaml = (value: string): string => yamlOf({ csrf: `{ requireHeader: ${value} }` });
    expect(['on', 'true', '"on"'].map((it) => config({ yaml: yaml(it) }).csrf.requireHeader)).toEqual([true, true, true]);
    expect(['off', 'false'].map((it) => config({ yaml: yaml(it) }).csrf.requireHeader)).toEqual([false, false]);
    expect(pathsOf({ yaml: yaml('yes') })).toEqual(['csrf.requireHeader']);
  });

  it('reads off, granted and words for refresh.scope', () => {
    const scope = (value: string): unknown => config({ yaml: yamlOf({ refresh: `{ scope: ${value} }` }) }).refresh.scope;
    expect(['off', 'granted', '[a, b]'].map(scope)).toEqual([undefined, 'granted', ['a', 'b']]);
    const fromEnv = (value: string): unknown => config({ yaml: yamlOf(), env: { CLOAKROOM_REFRESH_SCOPE: value } }).refresh.scope;
    expect(['off', 'granted', 'a,b'].map(fromEnv)).toEqual([undefined, 'granted', ['a', 'b']]);
  });

  it('trims exactly one line end off a secret file', () => {
    const yaml = yamlOf({ provider: '{ issuer: https://id.example.com, clientId: app, clientSecretFile: /s }' });
    const read = (content: string): string | undefined => config({ yaml, files: { '/s': content } }).provider.clientSecret?.reveal();
    expect(['a', 'a\n', 'a\r\n', 'a\n\n', ' a ']).toHaveLength(5);
    expect(['a', 'a\n', 'a\r\n', 'a\n\n', ' a '].map(read)).toEqual(['a', 'a', 'a', 'a\n', ' a ']);
  });
});

describe('a file', () => {
  it('names what cannot be read', () => {
    expect(problems({ yaml: 'a: [', env: {} })).toEqual([expect.stringMatching(/^cloakroom\.yaml: line 1: not valid YAML/)]);
    expect(problems({ yaml: '- a' })).toEqual(['cloakroom.yaml: must be a map of keys']);
    expect(problems({ yaml: 'a: 1\na: 2\n' })).toEqual(['cloakroom.yaml: line 2: the same key is given twice']);
    expect(problems({ yaml: 'a: 1\n---\nb: 1\n' })).toEqual([expect.stringMatching(/^cloakroom\.yaml: line 2: /)]);
    expect(problems({ yaml: 'a: !!js/function x\n' })).toEqual([expect.stringMatching(/^cloakroom\.yaml: line 1: /)]);
    expect(problems({ yaml: 'a: *nobody\n' })).toEqual([expect.stringMatching(/^cloakroom\.yaml: /)]);
  });

  it('cannot blow up by aliases or nesting', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefghi'.split('').map((it, at) => `${it}: &${it} [${`*${'abcdefgh'.charAt(at)}, `.repeat(9)}]`),
    ];
    expect(problems({ yaml: bomb.join('\n') })).toEqual([expect.stringMatching(/^cloakroom\.yaml: /)]);
    expect(problems({ yaml: '['.repeat(100_000) })).toEqual([expect.stringMatching(/^cloakroom\.yaml: /)]);
  });

  it('may be empty when the environment says everything', () => {
    expect(pathsOf({ yaml: '' })).toEqual(pathsOf({}));
    expect(pathsOf({})).toEqual(['publicUrl', 'provider.issuer', 'provider.clientId', 'cookie.keys', 'provider.clientSecret']);
  });

  it.each([
    ['{ idel: 5m }', 'session.idel: unknown key; did you mean idle?'],
    ['{ constructor: 1 }', 'session.constructor: unknown key'],
    ['{ __proto__: { idle: 5m } }', 'session.__proto__: unknown key'],
    ['{ toString: 1 }', 'session.toString: unknown key'],
    ['{ 1: 2 }', 'session: keys must be text'],
    ['[{ idle: 5m }]', 'session: must be a map of keys'],
    ['', 'session: must not be empty (leave the key out for its default)'],
    ['null', 'session: must not be empty (leave the key out for its default)'],
    ['{ idle: ~ }', 'session.idle: must not be empty (leave the key out for its default)'],
    ['text', 'session: must be a map of keys'],
  ])('with `session: %s` is refused', (session, line) => {
    expect(problems({ yaml: yamlOf({ session }) })).toEqual([line]);
  });

  it('keeps its mistake when the environment gives a key below it', () => {
    expect(pathsOf({ yaml: yamlOf({ session: 'null' }), env: { CLOAKROOM_SESSION_IDLE: '5m' } })).toEqual(['session']);
    expect(pathsOf({ yaml: yamlOf({ routes: '{ path: /api }' }), env: { CLOAKROOM_ROUTES_0_PATH: '/a' } })).toEqual(['routes']);
  });

  it('is checked at any depth', () => {
    const routes = '[{ path: /api, upstream: http://api, access: { allow: [{ claim: groups, anyof: [staff] }] } }]';
    expect(problems({ yaml: yamlOf({ routes }) })).toEqual(['routes[0].access.allow[0].anyof: unknown key; did you mean anyOf?']);
  });

  it('tells every problem at once, each by its path', () => {
    const yaml = yamlOf({
      publicUrl: 'http://app.example.com',
      listen: '{ port: 300x, host: 5 }',
      session: '{ idle: 30, absolute: 1h, stoer: cookie }',
      routes: '[{ path: /, upstream: api:8080 }, { upstream: http://api }]',
    });
    expect([...pathsOf({ yaml })].sort()).toEqual(
      [
        'publicUrl',
        'listen.port',
        'listen.host',
        'session.idle',
        'session.stoer',
        'routes[0].path',
        'routes[0].upstream',
        'routes[1].path',
      ].sort(),
    );
  });
});

describe('the environment', () => {
  const good = yamlOf();

  it.each([
    ['CLOAKROOM_LISTEN_PORT', '300x'],
    ['CLOAKROOM_LISTEN_PORT', '0x10'],
    ['CLOAKROOM_LISTEN_PORT', '-1'],
    ['CLOAKROOM_LISTEN_PORT', '1e3'],
    ['CLOAKROOM_LISTEN_PORT', ' 80'],
    ['CLOAKROOM_LISTEN_PORT', '80.0'],
    ['CLOAKROOM_LISTEN_PORT', '0080'],
    ['CLOAKROOM_LISTEN_PORT', '70000'],
    ['CLOAKROOM_REPLICAS', '0'],
    ['CLOAKROOM_SESSION_IDLE', '30'],
    ['CLOAKROOM_SESSION_IDLE', '-30m'],
    ['CLOAKROOM_COOKIE_BUDGET', '6kb'],
    ['CLOAKROOM_CSRF_REQUIRE_HEADER', 'TRUE'],
    ['CLOAKROOM_LOG_LEVEL', 'loud'],
    ['CLOAKROOM_PROVIDER_AUTHORIZE_PARAMS', '{"prompt":"consent"'],
    ['CLOAKROOM_PROVIDER_AUTHORIZE_PARAMS', 'prompt=consent'],
    ['CLOAKROOM_PROVIDER_AUTHORIZE_PARAMS', '{"max_age":1}'],
    ['CLOAKROOM_ROUTES', '/api'],
    ['CLOAKROOM_ROUTES', '/api=http://api,'],
    ['CLOAKROOM_ROUTES', '[{"path":"/api"'],
    ['CLOAKROOM_ACCESS_ALLOW', 'staff'],
  ])('is read strictly: %s=%s', (name, value) => {
    const [path = ''] = pathsOf({ yaml: good, env: { [name]: value } });
    expect(`CLOAKROOM_${path.replaceAll(/[A-Z]/g, '_$&').replaceAll('.', '_').toUpperCase()}`).toBe(name);
  });

  it('takes lists by index, as JSON and with commas, and maps as JSON', () => {
    const scope = (env: Record<string, string>): readonly string[] => config({ yaml: good, env }).provider.scope;
    expect(scope({ CLOAKROOM_PROVIDER_SCOPE: 'openid, email' })).toEqual(['openid', 'email']);
    expect(scope({ CLOAKROOM_PROVIDER_SCOPE: '["openid","email"]' })).toEqual(['openid', 'email']);
    expect(scope({ CLOAKROOM_PROVIDER_SCOPE_0: 'openid', CLOAKROOM_PROVIDER_SCOPE_1: 'api' })).toEqual(['openid', 'api']);
    const env = {
      CLOAKROOM_PROVIDER_AUTHORIZE_PARAMS: '{"prompt":"consent"}',
      CLOAKROOM_ACCESS_ALLOW: '[{"claim":"level","anyOf":["a",3,true]}]',
    };
    const made = config({ yaml: good, env });
    expect(made.provider.authorizeParams).toEqual({ prompt: 'consent' });
    expect(made.access.allow).toEqual([{ claim: 'level', anyOf: ['a', 3, true] }]);
    expect('emailDomain' in (made.access.allow[0] ?? {})).toBe(false);
  });

  it('replaces the whole list of routes by the short form, at the routes’ defaults', () => {
    const yaml = yamlOf({ routes: '[{ path: /old, upstream: http://old, token: none }, { path: /older, upstream: http://old }]' });
    const { routes } = config({ yaml, env: { CLOAKROOM_ROUTES: '/api=http://api:8080' } });
    expect(routes.map(({ path, token }) => [path, token])).toEqual([['/api', 'user']]);
  });

  it('says where a list has a hole', () => {
    const env = { CLOAKROOM_COOKIE_KEYS_2_ID: '3', CLOAKROOM_COOKIE_KEYS_2_SECRET: KEY };
    expect(pathsOf({ yaml: good, env })).toEqual(['cookie.keys[1]']);
  });

  it('warns about a variable that means nothing here, with the nearest name', () => {
    const env = {
      CLOAKROOM_SESION_IDLE: 'hush',
      CLOAKROOM_COOKIE_KEYS_3_SECRE: 'hush',
      CLOAKROOM_WHATEVER_ELSE: 'hush',
      CLOAKROOM_PROVIDER: 'hush',
      OTHER: 'x',
    };
    expect(warnings({ yaml: good, env })).toEqual([
      'CLOAKROOM_SESION_IDLE is not a variable of ours and is ignored; did you mean CLOAKROOM_SESSION_IDLE?',
      'CLOAKROOM_COOKIE_KEYS_3_SECRE is not a variable of ours and is ignored; did you mean CLOAKROOM_COOKIE_KEYS_<n>_SECRET?',
      expect.stringMatching(/^CLOAKROOM_WHATEVER_ELSE is not a variable of ours and is ignored/),
      expect.stringMatching(/^CLOAKROOM_PROVIDER is not a variable of ours and is ignored/),
    ]);
  });

  it('ignores what Kubernetes says about services', () => {
    const env = {
      CLOAKROOM_PORT: 'tcp://10.0.0.1:8080',
      CLOAKROOM_SERVICE_HOST: '10.0.0.1',
      CLOAKROOM_SERVICE_PORT: '8080',
      CLOAKROOM_SERVICE_PORT_HTTP: '8080',
      CLOAKROOM_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
      CLOAKROOM_PORT_8080_TCP_PROTO: 'tcp',
      CLOAKROOM_PORT_8080_TCP_PORT: '8080',
      CLOAKROOM_PORT_8080_TCP_ADDR: '10.0.0.1',
      CLOAKROOM_PORT_53_UDP: 'udp://10.0.0.1:53',
      CLOAKROOM_MANAGEMENT_SERVICE_HOST: '10.0.0.2',
      // These two are keys of ours; services named cloakroom-listen and cloakroom-management look the same.
      CLOAKROOM_LISTEN_PORT: 'tcp://10.0.0.3:80',
      CLOAKROOM_MANAGEMENT_PORT: 'tcp://10.0.0.3:80',
    };
    const loaded = load({ yaml: good, env });
    expect(loaded).toMatchObject({ kind: 'ok', warnings: [], config: { listen: { port: 8080 }, management: { port: 9090 } } });
  });

  it('names a port that is neither ours nor a service link', () => {
    expect(warnings({ yaml: good, env: { CLOAKROOM_PORT: '8080' } })).toEqual([expect.stringMatching(/^CLOAKROOM_PORT is not/)]);
  });
});

describe('a secret', () => {
  const provider = (rest: string): string => yamlOf({ provider: `{ issuer: https://id.example.com, clientId: app, ${rest} }` });

  it('must come from one place only, whichever two name it', () => {
    expect(problems({ yaml: provider('clientSecret: a, clientSecretFile: /s'), files: { '/s': 'b' } })).toEqual([
      'provider.clientSecret: must not be given beside clientSecretFile',
    ]);
    expect(
      pathsOf({ yaml: provider('clientSecret: a'), env: { CLOAKROOM_PROVIDER_CLIENT_SECRET_FILE: '/s' }, files: { '/s': 'b' } }),
    ).toEqual(['provider.clientSecret']);
  });

  it('must have a file that can be read and is not empty', () => {
    expect(problems({ yaml: provider('clientSecretFile: /nowhere') })).toEqual([
      'provider.clientSecretFile: names a file that cannot be read',
    ]);
    expect(problems({ yaml: provider('clientSecretFile: /s'), files: { '/s': '\n' } })).toEqual([
      'provider.clientSecretFile: names an empty file',
    ]);
    expect(pathsOf({ yaml: provider('clientSecretFile: [x]') })).toEqual(['provider.clientSecretFile']);
    expect(pathsOf({ yaml: provider('clientSecretFile: ~') })).toEqual(['provider.clientSecretFile']);
    expect(pathsOf({ yaml: provider('clientSecret: 12345') })).toEqual(['provider.clientSecret']);
  });

  it('is no key of options that hold none', () => {
    expect(pathsOf({ yaml: yamlOf({ session: '{ idleFile: /s }' }) })).toEqual(['session.idleFile']);
  });
});

describe('a file that an option names', () => {
  it('must be readable', () => {
    const yaml = yamlOf({ provider: '{ issuer: https://id.example.com, clientId: app, clientSecret: s, caFile: /ca.pem }' });
    expect(problems({ yaml })).toEqual(['provider.caFile: names a file that cannot be read']);
    expect(config({ yaml, files: { '/ca.pem': TLS_FILES['/tls/client.pem'] ?? '' } }).provider.caFile).toBe('/ca.pem');
  });
});
