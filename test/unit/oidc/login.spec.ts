import { createHash, createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Secret } from '../../../src/kernel/secret.ts';
import type { ExchangeOutcome } from '../../../src/oidc/identity-provider.ts';
import type { ProviderOptions } from '../../../src/oidc/provider-options.ts';
import { HostileProvider, signingKey, type Answer } from '../../support/hostile-provider.ts';
import { callback, CLIENT_SECRET, REDIRECT_URI, setUp, type Setup } from '../../support/openid-setup.ts';

let hostile: HostileProvider;
const open: Setup[] = [];

beforeAll(async () => {
  hostile = await HostileProvider.create({ path: '/oauth2/default' });
});
afterAll(async () => {
  await Promise.all(open.map(({ provider }) => provider.close()));
  await hostile.stop();
});
beforeEach(() => {
  hostile.answers.clear();
  hostile.received.length = 0;
});

const make = (provider: Partial<ProviderOptions> = {}): Setup => {
  const made = setUp(hostile, { provider });
  open.push(made);
  return made;
};

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const claimsNow = () => {
  const now = Math.floor(Date.now() / 1000);
  return { iss: hostile.issuer, aud: hostile.clientId, sub: 'alice', iat: now, exp: now + 300, nonce: 'nonce-1' };
};

/** Signs in with this ID token instead of the provider's own. */
const signInWith = (idToken: unknown, overrides: Parameters<typeof callback>[1] = {}): Promise<ExchangeOutcome> => {
  hostile.answerTokens({ id_token: idToken });
  return make().provider.exchange(callback({}, overrides));
};

const outcomeOf = (outcome: ExchangeOutcome): string => (outcome.kind === 'refused' ? `${outcome.reason} ${outcome.check}` : outcome.kind);

describe('the authorization URL', () => {
  it('asks for a code with PKCE S256, state, nonce and offline_access', async () => {
    const ready = await make().provider.authorizationUrl({
      state: 's',
      nonce: 'n',
      codeVerifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
      params: {},
    });
    const url = new URL(ready.kind === 'ready' ? ready.url : 'about:blank');
    expect(url.origin + url.pathname).toBe(`${hostile.issuer}/v1/authorize`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: 'cloakroom',
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid profile offline_access',
      state: 's',
      nonce: 'n',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', // RFC 7636 appendix B
      code_challenge_method: 'S256',
    });
  });

  it('adds configured parameters, lets the login override them, and nothing overrides state and nonce', async () => {
    const { provider } = make({ authorizeParams: { prompt: 'consent', audience: 'api' }, responseMode: 'form_post' });
    const params = {
      prompt: 'login',
      state: 'evil',
      nonce: 'evil',
      redirect_uri: 'https://evil.example',
      client_id: 'evil',
      code_challenge: 'evil',
    };
    const ready = await provider.authorizationUrl({ state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43), params });
    const url = new URL(ready.kind === 'ready' ? ready.url : 'about:blank');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      prompt: 'login consent',
      audience: 'api',
      response_mode: 'form_post',
      state: 's',
      nonce: 'n',
      redirect_uri: REDIRECT_URI,
      client_id: 'cloakroom',
    });
    expect(url.searchParams.getAll('state')).toHaveLength(1);
    expect(url.search).not.toContain('evil');
  });
});

describe('the code exchange', () => {
  it('signs in and gives tokens, claims, subject and provider session', async () => {
    const { provider, clock } = make();
    hostile.answerTokens({ id_token: await hostile.idToken({ sid: 'sid-1', groups: ['staff'] }) });
    const before = clock.now();
    const outcome = await provider.exchange(callback());
    expect(outcome).toMatchObject({
      kind: 'signed-in',
      sub: 'alice',
      providerSid: 'sid-1',
      claims: { sub: 'alice', groups: ['staff'] },
      tokens: { accessToken: 'access-1', refreshToken: 'refresh-1', scope: ['openid', 'profile', 'offline_access'] },
    });
    const lifetime = outcome.kind === 'signed-in' ? outcome.tokens.accessTokenExpiresAt - before : 0;
    expect(lifetime).toBeGreaterThanOrEqual(300_000);
    expect(lifetime).toBeLessThan(305_000);
  });

  it('sends code, verifier and redirect_uri with HTTP Basic, and never a scope', async () => {
    await make().provider.exchange(callback());
    const { form, headers } = hostile.last('token');
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'authorization_code',
      code: 'code-canary',
      code_verifier: 'v'.repeat(43),
      redirect_uri: REDIRECT_URI,
    });
    expect(headers.authorization).toBe(`Basic ${Buffer.from('cloakroom:client%2Dsecret%2Dcanary').toString('base64')}`);
  });

  it('does not form-encode Basic credentials when told so', async () => {
    await make({ basicEncoding: 'raw' }).provider.exchange(callback());
    expect(hostile.last('token').headers.authorization).toBe(`Basic ${Buffer.from(`cloakroom:${CLIENT_SECRET}`).toString('base64')}`);
  });

  it('authenticates in the body, or not at all, when told so', async () => {
    await make({ clientAuthMethod: 'client_secret_post' }).provider.exchange(callback());
    expect(hostile.last('token').form.get('client_secret')).toBe(CLIENT_SECRET);
    await make({ clientAuthMethod: 'none' }).provider.exchange(callback());
    expect(hostile.last('token').form.get('client_id')).toBe('cloakroom');
    expect(hostile.last('token').headers.authorization).toBeUndefined();
  });

  it('adds configured parameters to the token request', async () => {
    await make({ tokenParams: { audience: 'api' } }).provider.exchange(callback());
    expect(hostile.last('token').form.get('audience')).toBe('api');
  });

  it('refuses a client authentication without a secret at once', () => {
    expect(() => make({ clientSecret: new Secret('') })).toThrow(TypeError);
  });

  it.each([
    ['code=c&state=other', 'state_mismatch state'],
    ['code=c&code=d&state=state-1', 'exchange_refused duplicate_parameter'],
    ['state=state-1', 'exchange_refused code_missing'],
    ['code=c&state=state-1&iss=https%3A%2F%2Fother.example', 'issuer_mismatch iss'],
    ['error=access_denied&state=state-1', 'provider_error error'],
    ['code=c&state=state-1&id_token=x', 'exchange_refused UNSUPPORTED'],
    ['code=c&state=state-1&response=x', 'exchange_refused INVALID_RESPONSE'],
  ])('refuses the authorization response %s without asking the token endpoint', async (query, expected) => {
    const [reason, check] = expected.split(' ');
    const outcome = await make().provider.exchange(callback(query));
    expect(outcome).toMatchObject({ kind: 'refused', reason });
    expect(outcome.kind === 'refused' ? outcome.check : '').toContain(check ?? '');
    expect(hostile.count('token')).toBe(0);
  });

  it('demands the issuer of the response when the metadata promise it', async () => {
    hostile.answers.set('discovery', { json: { ...hostile.metadata, authorization_response_iss_parameter_supported: true } });
    const { provider } = make();
    expect(outcomeOf(await provider.exchange(callback()))).toBe('issuer_mismatch iss_missing');
    expect(outcomeOf(await provider.exchange(callback({ iss: hostile.issuer })))).toBe('signed-in');
  });
});

describe('an ID token at login', () => {
  it.each([
    ['iss', { iss: 'https://other.example' }],
    ['aud', { aud: 'other' }],
    ['azp', { aud: ['cloakroom', 'other'] }],
    ['azp', { azp: 'other' }],
    ['nonce', { nonce: 'other' }],
    ['nonce', { nonce: undefined }],
    ['iat', { iat: Math.floor(Date.now() / 1000) + 3600 }],
    ['exp', { exp: Math.floor(Date.now() / 1000) - 3600 }],
    ['exp', { exp: 1e300 }],
    ['exp', { exp: undefined }],
    ['sub', { sub: undefined }],
    ['sub', { sub: '' }],
  ])('is refused by %s: %j', async (check, claims) => {
    expect(outcomeOf(await signInWith(await hostile.idToken(claims)))).toBe(`id_token_invalid ${check}`);
  });

  it('is refused when it is not there', async () => {
    expect(outcomeOf(await signInWith(undefined))).toBe('id_token_invalid id_token_missing');
  });

  it('is refused without a signature (alg none), in every spelling', async () => {
    for (const alg of ['none', 'None', 'NONE']) {
      expect(outcomeOf(await signInWith(`${encode({ alg })}.${encode(claimsNow())}.`))).toBe('id_token_invalid alg');
    }
  });

  it('is refused when it is an HMAC keyed with the public key or the client secret', async () => {
    for (const secret of [JSON.stringify(hostile.keys[0]?.jwk), CLIENT_SECRET]) {
      const input = `${encode({ alg: 'HS256', kid: 'key-1' })}.${encode(claimsNow())}`;
      const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
      expect(outcomeOf(await signInWith(token))).toBe('id_token_invalid alg');
    }
  });

  it('is refused when the metadata do not name its algorithm', async () => {
    hostile.answers.set('discovery', { json: { ...hostile.metadata, id_token_signing_alg_values_supported: ['RS256'] } });
    expect(outcomeOf(await signInWith(await hostile.idToken()))).toBe('id_token_invalid alg');
  });

  it('is refused with another key under the right kid', async () => {
    const token = await hostile.idToken({}, { key: await signingKey('ES256', 'key-1') });
    expect(outcomeOf(await signInWith(token))).toBe('id_token_invalid signature');
  });

  it('is refused with a kid nobody knows', async () => {
    const token = await hostile.idToken({}, { key: await signingKey('ES256', 'key-2') });
    expect(outcomeOf(await signInWith(token))).toBe('id_token_invalid unknown_key');
  });

  it('is refused when one claim was changed after signing', async () => {
    const [header, , signature] = (await hostile.idToken()).split('.');
    expect(outcomeOf(await signInWith([header, encode({ ...claimsNow(), sub: 'mallory' }), signature].join('.')))).toBe(
      'id_token_invalid signature',
    );
  });

  it('is never verified with a key that it brings along', async () => {
    const attacker = await signingKey('ES256', 'key-9');
    const header = { jwk: attacker.jwk, jku: 'https://evil.example/keys', x5u: 'https://evil.example/x5u' };
    expect(outcomeOf(await signInWith(await hostile.idToken({}, { key: attacker, header })))).toBe('id_token_invalid unknown_key');
  });

  it('is refused with an RSA key below 2,048 bits', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    hostile.answers.set('jwks', { json: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'weak', alg: 'RS256', use: 'sig' }] } });
    const input = `${encode({ alg: 'RS256', kid: 'weak' })}.${encode(claimsNow())}`;
    const token = `${input}.${createSign('sha256').update(input).sign(privateKey, 'base64url')}`;
    expect(outcomeOf(await signInWith(token))).toBe('id_token_invalid key');
  });

  it.each([
    ['encrypted', 'a.b.c.d.e'],
    ['no JWT', 'opaque'],
    ['broken', '..'],
    ['not JSON', `${encode({ alg: 'ES256', kid: 'key-1' })}.bm90IGpzb24.AAAA`],
  ])('is refused when it is %s', async (_title, token) => {
    expect((await signInWith(token)).kind).toBe('refused');
  });

  it.each(['at+jwt', 'logout+jwt', 'application/logout+jwt'])('is refused when its type is %s', async (typ) => {
    expect(outcomeOf(await signInWith(await hostile.idToken({}, { header: { typ } })))).toBe('id_token_invalid typ');
  });

  it('is refused when it demands an extension', async () => {
    const token = await hostile.idToken({}, { header: { crit: ['b64'], b64: true } });
    expect(outcomeOf(await signInWith(token))).toBe('id_token_invalid crit');
  });

  it('is compared with max_age', async () => {
    const now = Math.floor(Date.now() / 1000);
    expect(outcomeOf(await signInWith(await hostile.idToken({ auth_time: now - 1000 }), { maxAge: 60 }))).toBe(
      'id_token_invalid auth_time',
    );
    expect(outcomeOf(await signInWith(await hostile.idToken({ auth_time: now - 10 }), { maxAge: 60 }))).toBe('signed-in');
  });

  it.each(['RS256', 'PS256', 'EdDSA'])('is taken when it is signed with %s', async (alg) => {
    const key = await signingKey(alg, `key-${alg}`);
    hostile.answers.set('jwks', { json: { keys: [key.jwk] } });
    expect(outcomeOf(await signInWith(await hostile.idToken({}, { key })))).toBe('signed-in');
  });

  it('is taken without kid when one of several keys fits', async () => {
    const other = await signingKey('ES256', 'key-0');
    hostile.answers.set('jwks', { json: { keys: [other.jwk, ...hostile.keys.map((key) => key.jwk)].map(({ kid: _kid, ...jwk }) => jwk) } });
    expect(outcomeOf(await signInWith(await hostile.idToken({}, { header: { kid: undefined } })))).toBe('signed-in');
  });

  it('is taken from a key set that also holds rubbish', async () => {
    const rubbish = [
      null,
      7,
      'key',
      [],
      {},
      { kty: 'RSA' },
      { kty: 'oct', k: 'c2VjcmV0', kid: 'key-1' },
      { kty: 'EC', crv: 'P-256', x: 1, y: 2 },
    ];
    hostile.answers.set('jwks', { json: { keys: [...rubbish, ...hostile.keys.map((key) => key.jwk)] } });
    expect(outcomeOf(await signInWith(await hostile.idToken()))).toBe('signed-in');
  });
});

describe('an answer of the token endpoint at login', () => {
  it.each([
    ['HTML', { text: '<html>login</html>' }, 'unavailable'],
    ['an array', { json: [] }, 'unavailable'],
    ['500', { status: 500, text: 'oops' }, 'unavailable'],
    ['server_error', { status: 400, json: { error: 'server_error' } }, 'unavailable'],
    ['invalid_grant', { status: 400, json: { error: 'invalid_grant' } }, 'exchange_refused token_endpoint'],
    ['invalid_client', { status: 401, json: { error: 'invalid_client' } }, 'exchange_refused token_endpoint'],
    ['200 with error', { json: { error: 'invalid_grant' } }, 'exchange_refused token_endpoint'],
    ['a redirect', { status: 302, headers: { location: '/x' } }, 'unavailable'],
    ['a reset', 'reset' as const, 'unavailable'],
    ['a body above the bound', { text: 'x'.repeat(70_000) }, 'unavailable'],
    ['no access token', { json: { token_type: 'Bearer' } }, 'exchange_refused access_token'],
    ['a DPoP token', { json: { access_token: 'a', token_type: 'DPoP' } }, 'exchange_refused token_type'],
  ])('that is %s ends as expected', async (_title, answer, expected) => {
    hostile.answers.set('token', answer);
    expect(outcomeOf(await make({ maxResponse: 65_536 }).provider.exchange(callback()))).toBe(expected);
  });

  it('names the registered error, and anything else "other"', async () => {
    hostile.answers.set('token', { status: 400, json: { error: 'invalid_grant' } });
    expect(await make().provider.exchange(callback())).toMatchObject({ providerError: 'invalid_grant' });
    hostile.answers.set('token', { status: 400, json: { error: '<img src=x>' } });
    expect(await make().provider.exchange(callback())).toMatchObject({ providerError: 'other' });
  });

  it('hands on how long to wait', async () => {
    hostile.answers.set('token', { status: 429, headers: { 'retry-after': '17' } });
    expect(await make().provider.exchange(callback())).toEqual({ kind: 'unavailable', retryAfter: 17, spent: false });
  });
});

describe('at_hash in the ID token', () => {
  const hash = createHash('sha256').update('access-1').digest().subarray(0, 16).toString('base64url');

  it('of the access token beside it is good', async () => {
    expect(outcomeOf(await signInWith(await hostile.idToken({ at_hash: hash })))).toBe('signed-in');
  });

  it.each([hash.toLowerCase(), '', 7, createHash('sha256').update('access-1').digest('base64url')])(
    '%j refuses the login',
    async (at_hash) => {
      expect(outcomeOf(await signInWith(await hostile.idToken({ at_hash })))).toBe('id_token_invalid at_hash');
    },
  );
});

describe('a login that cannot be finished now', () => {
  it.each<[string, Answer, boolean]>([
    ['500', { status: 500 }, true],
    ['HTML', { text: '<html>' }, true],
    ['a redirect', { status: 302, headers: { location: '/x' } }, true],
    ['a reset', 'reset', true],
    ['no answer', 'hang', true],
    ['server_error', { status: 400, json: { error: 'server_error' } }, true],
    ['429', { status: 429 }, false],
  ])('says after %s of the token endpoint whether the code may be spent: %s', async (_title, answer, spent) => {
    hostile.answers.set('token', answer);
    expect(await make({ timeout: 200 }).provider.exchange(callback())).toEqual({ kind: 'unavailable', retryAfter: 5, spent });
  });

  it('has not spent the code when the token endpoint cannot be reached', async () => {
    const { provider } = make();
    await provider.exchange(callback());
    await hostile.stop();
    const outcome = await provider.exchange(callback());
    await hostile.start();
    expect(outcome).toEqual({ kind: 'unavailable', retryAfter: 5, spent: false });
  });

  it('has not spent the code when the keys cannot be had', async () => {
    hostile.answers.set('jwks', { status: 500 });
    expect(await make().provider.exchange(callback())).toEqual({ kind: 'unavailable', retryAfter: 5, spent: false });
    expect(hostile.count('token')).toBe(0);
  });

  it('has spent the code when userinfo fails that is always wanted', async () => {
    hostile.answers.set('userinfo', { status: 500 });
    const { provider } = make({ userinfo: 'always' });
    expect(await provider.exchange(callback())).toEqual({ kind: 'unavailable', retryAfter: 5, spent: true });
  });

  it('has spent the code when the keys get lost after it', async () => {
    const { provider } = make();
    await provider.authorizationUrl({ state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43), params: {} });
    await provider.exchange(callback());
    hostile.answerTokens({ id_token: await hostile.idToken({}, { key: await signingKey('ES256', 'key-2') }) });
    hostile.answers.set('jwks', { status: 500 });
    expect(await provider.exchange(callback())).toEqual({ kind: 'unavailable', retryAfter: 5, spent: true });
  });
});

describe('a refresh token that came without a login', () => {
  // Its own name in each test: what other tests hand back may still be on its way.
  let number = 0;
  const bring = (members: Record<string, unknown> = {}): string => {
    const token = `unused-${String(++number)}`;
    hostile.answerTokens({ refresh_token: token, ...members });
    return token;
  };
  const handedBack = (token: string): number =>
    hostile.received.filter(({ endpoint, form }) => endpoint === 'revocation' && form.get('token') === token).length;
  const untilHandedBack = async (token: string): Promise<void> => {
    while (handedBack(token) === 0) await new Promise((resolve) => setImmediate(resolve));
  };

  it.each([
    ['the ID token is missing', { id_token: undefined }],
    ['the ID token is none', { id_token: 'opaque' }],
  ])('is handed back when %s', async (_title, members) => {
    const token = bring(members);
    expect((await make().provider.exchange(callback())).kind).toBe('refused');
    await untilHandedBack(token);
  });

  it.each<[string, Answer]>([
    ['fails', { status: 500 }],
    ['tells of somebody else', { json: { sub: 'mallory' } }],
  ])('is handed back when userinfo %s, once', async (_title, answer) => {
    const token = bring();
    hostile.answers.set('userinfo', answer);
    expect((await make({ userinfo: 'always' }).provider.exchange(callback())).kind).not.toBe('signed-in');
    await untilHandedBack(token);
    expect(handedBack(token)).toBe(1);
  });

  it('keeps nobody waiting for the revocation', async () => {
    hostile.answers.set('revocation', 'hang');
    const token = bring({ id_token: 'opaque' });
    expect((await make().provider.exchange(callback())).kind).toBe('refused');
    await untilHandedBack(token);
  });

  it('is kept after a good login', async () => {
    const token = bring();
    const { provider } = make();
    expect((await provider.exchange(callback())).kind).toBe('signed-in');
    await provider.revoke('something else');
    expect(handedBack(token)).toBe(0);
  });
});

describe('userinfo', () => {
  const groups = { json: { sub: 'alice', groups: ['staff'], name: 'From userinfo' } };
  const withGroups = (userinfo: ProviderOptions['userinfo'], wantedClaims: string[]): Setup => {
    const made = setUp(hostile, { provider: { userinfo }, wantedClaims });
    open.push(made);
    return made;
  };

  it('is asked in auto only for a claim that is missing, with the access token', async () => {
    hostile.answers.set('userinfo', groups);
    expect(await withGroups('auto', ['sub']).provider.exchange(callback())).not.toHaveProperty('claims.groups');
    expect(hostile.count('userinfo')).toBe(0);
    expect(await withGroups('auto', ['groups']).provider.exchange(callback())).toMatchObject({ claims: { groups: ['staff'] } });
    expect(hostile.last('userinfo').headers.authorization).toBe('Bearer access-1');
  });

  it('never overrides a claim of the ID token', async () => {
    hostile.answers.set('userinfo', groups);
    hostile.answerTokens({ id_token: await hostile.idToken({ name: 'From ID token' }) });
    expect(await withGroups('always', []).provider.exchange(callback())).toMatchObject({
      claims: { name: 'From ID token', groups: ['staff'] },
    });
  });

  it.each(['auto', 'always'] as const)('about another subject refuses the login (%s)', async (mode) => {
    hostile.answers.set('userinfo', { json: { sub: 'mallory', groups: ['staff'] } });
    expect(outcomeOf(await withGroups(mode, ['groups']).provider.exchange(callback()))).toBe('id_token_invalid userinfo_sub');
  });

  it.each([
    ['an array', { json: [{ sub: 'alice', groups: ['staff'] }] }],
    ['without sub', { json: { groups: ['staff'] } }],
    ['an error', { status: 500 }],
    [
      'an unsigned JWT',
      { text: `${encode({ alg: 'none' })}.${encode({ sub: 'alice' })}.`, headers: { 'content-type': 'application/jwt' } },
    ],
  ])('that is %s adds nothing in auto and is not done without in always', async (_title, answer) => {
    hostile.answers.set('userinfo', answer);
    const auto = await withGroups('auto', ['groups']).provider.exchange(callback());
    expect(auto).toMatchObject({ kind: 'signed-in', sub: 'alice' });
    expect(auto).not.toHaveProperty('claims.groups');
    expect((await withGroups('always', ['groups']).provider.exchange(callback())).kind).toBe('unavailable');
  });
});

describe('a login without refresh token', () => {
  it('works, and says once an hour where to look', async () => {
    hostile.answerTokens({ refresh_token: undefined });
    const { provider, logger, clock } = make();
    expect(outcomeOf(await provider.exchange(callback()))).toBe('signed-in');
    await provider.exchange(callback());
    const warnings = logger.of('refresh_token_missing');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.level).toBe('warn');
    for (const word of ['Refresh Token', 'prompt=consent', 'access_type=offline']) expect(warnings[0]?.fields['detail']).toContain(word);
    hostile.answerTokens({ refresh_token: undefined, id_token: await hostile.idToken({ exp: Date.now() / 1000 + 90_000 }) });
    clock.offset += 3_600_000;
    await provider.exchange(callback());
    expect(logger.of('refresh_token_missing')).toHaveLength(2);
  });

  it('is nothing to mention when offline_access was not asked for', async () => {
    hostile.answerTokens({ refresh_token: undefined });
    const { provider, logger } = make({ scope: ['openid'] });
    await provider.exchange(callback());
    expect(logger.of('refresh_token_missing')).toHaveLength(0);
  });
});
