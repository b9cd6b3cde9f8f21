import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { authorizationResponseOf, HOSTILE_SECRET } from '../support/hostile-house.ts';
import { HostileProvider, signingKey, type SigningKey } from '../support/hostile-provider.ts';
import { openHouse, type House } from '../support/house.ts';
import { jsonOf, verdictOf } from '../support/wire.ts';

type Claims = Record<string, unknown>;

const now = (): number => Math.floor(Date.now() / 1000);
const base64url = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

let hostile: HostileProvider;
let house: House;
let stranger: SigningKey;

beforeAll(async () => {
  hostile = await HostileProvider.create({ path: '/oauth2/default' });
  stranger = await signingKey('ES256', 'key-1');
  const provider = { issuer: hostile.issuer, clientId: hostile.clientId, clientSecret: HOSTILE_SECRET };
  house = await openHouse({ config: { provider } });
});

beforeEach(() => {
  hostile.answers.clear();
  house.log.lines.length = 0;
});

afterAll(async () => {
  await house.close();
  await hostile.stop();
});

/** Logs in; the provider answers the code with this ID token. */
async function loginWith(
  token: (nonce: string) => unknown,
): Promise<{ status: number; code: string | null; reason: unknown; check: unknown; cookies: string[] }> {
  const agent = house.newAgent();
  const { url, nonce } = await authorizationResponseOf(agent);
  hostile.answerTokens({ id_token: await token(nonce) });
  const answer = await agent.fetch(url);
  const [status, code] = verdictOf(answer);
  const reason = status === 200 ? undefined : (await jsonOf(answer))['reason'];
  const cookies = answer.headers.getSetCookie().filter((line) => !line.includes('Max-Age=0'));
  return { status, code, reason, check: house.log.of('login_failed')[0]?.fields['check'], cookies };
}

describe('an ID token that is right', () => {
  it('begins a session, so that the table below tests what it says', async () => {
    const outcome = await loginWith((nonce) => hostile.idToken({ nonce }));
    expect([outcome.status, outcome.code]).toEqual([200, null]);
    expect(outcome.cookies.map((line) => line.split('=')[0])).toEqual(['__Host-Http-cloakroom', '__Secure-cloakroom-hint']);
  });
});

describe('an ID token that is wrong', () => {
  const claims = (wrong: Claims) => (nonce: string) => hostile.idToken({ nonce, ...wrong });
  const unsigned = (header: Claims) => async (nonce: string) => {
    const payload = (await hostile.idToken({ nonce })).split('.')[1] ?? '';
    return `${base64url(header)}.${payload}.`;
  };

  it.each<[string, (nonce: string) => unknown]>([
    ['iss of another', claims({ iss: 'https://other.example' })],
    ['iss with a slash more', (nonce) => hostile.idToken({ nonce, iss: `${hostile.issuer}/` })],
    ['no iss', claims({ iss: undefined })],
    ['aud of another client', claims({ aud: 'other' })],
    ['no aud', claims({ aud: undefined })],
    ['several aud and no azp', claims({ aud: ['cloakroom', 'other'] })],
    ['azp of another client', claims({ azp: 'other' })],
    ['nonce of another login', claims({ nonce: 'other' })],
    ['no nonce', claims({ nonce: undefined })],
    ['exp in the past', claims({ exp: now() - 3600 })],
    ['exp 1e300', claims({ exp: 1e300 })],
    ['exp as text', claims({ exp: String(now() + 300) })],
    ['no exp', claims({ exp: undefined })],
    ['iat far in the future', claims({ iat: now() + 3600, exp: now() + 7200 })],
    ['no iat', claims({ iat: undefined })],
    ['nbf in the future', claims({ nbf: now() + 3600 })],
    ['no sub', claims({ sub: undefined })],
    ['an empty sub', claims({ sub: '' })],
    ['a sub that is no text', claims({ sub: 7 })],
    ['alg none', unsigned({ alg: 'none', typ: 'JWT' })],
    ['alg None', unsigned({ alg: 'None', typ: 'JWT' })],
    ['no alg', unsigned({ typ: 'JWT' })],
    ['the signature of another key with the same kid', (nonce) => hostile.idToken({ nonce }, { key: stranger })],
    ['a key of its own in the header', (nonce) => hostile.idToken({ nonce }, { key: stranger, header: { jwk: stranger.jwk } })],
    ['a jku of its own', (nonce) => hostile.idToken({ nonce }, { key: stranger, header: { jku: 'http://127.0.0.1:9/keys' } })],
    ['an unknown kid', (nonce) => hostile.idToken({ nonce }, { key: stranger, header: { kid: 'unknown' } })],
    ['a critical header nobody knows', (nonce) => hostile.idToken({ nonce }, { header: { crit: ['b64'], b64: true } })],
    ['one more character', async (nonce) => `${await hostile.idToken({ nonce })}A`],
    ['its signature cut off', async (nonce) => (await hostile.idToken({ nonce })).replace(/[^.]*$/, '')],
    ['five parts', () => 'a.b.c.d.e'],
    ['no JWT', () => 'hello'],
    ['an empty text', () => ''],
    ['a number', () => 7],
    ['null', () => null],
    ['nothing at all', () => undefined],
  ])('with %s is id_token_invalid, and no session', async (_what, token) => {
    const outcome = await loginWith(token);
    expect([outcome.status, outcome.code, outcome.reason]).toEqual([400, 'login_failed', 'id_token_invalid']);
    expect(outcome.cookies).toEqual([]);
    expect(outcome.check).toEqual(expect.any(String));
  });

  it('signed with HS256 and the client secret, or the public key, is id_token_invalid', async () => {
    const { createHmac } = await import('node:crypto');
    for (const key of [HOSTILE_SECRET, JSON.stringify(hostile.keys[0]?.jwk)]) {
      house.log.lines.length = 0;
      const outcome = await loginWith(async (nonce) => {
        const payload = (await hostile.idToken({ nonce })).split('.')[1] ?? '';
        const signed = `${base64url({ alg: 'HS256', kid: 'key-1', typ: 'JWT' })}.${payload}`;
        return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
      });
      expect([outcome.status, outcome.code, outcome.reason, outcome.cookies]).toEqual([400, 'login_failed', 'id_token_invalid', []]);
    }
  });

  it('older than max_age allows is id_token_invalid', async () => {
    const agent = house.newAgent();
    const { url, nonce } = await authorizationResponseOf(agent, '/bff/login?max_age=60');
    hostile.answerTokens({ id_token: await hostile.idToken({ nonce, auth_time: now() - 3600 }) });
    const answer = await agent.fetch(url);
    expect(await jsonOf(answer)).toMatchObject({ code: 'login_failed', reason: 'id_token_invalid' });
    expect(agent.jar.get('__Host-Http-cloakroom')).toBeUndefined();
  });

  it('fetches the keys of the provider no more than once for a flood of unknown ones', async () => {
    const before = hostile.count('jwks');
    for (let i = 0; i < 5; i++) {
      await loginWith((nonce) => hostile.idToken({ nonce }, { key: stranger, header: { kid: `unknown-${i}` } }));
    }
    expect(hostile.count('jwks') - before).toBeLessThanOrEqual(1);
  });
});
