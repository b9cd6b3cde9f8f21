import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { importJWK, SignJWT, type JWTPayload } from 'jose';
import { fingerprintOf } from '../../demo/api/received-request.ts';
import type { Fault } from '../../demo/provider/faults.ts';
import { makeSigningKeys, type SigningKeys } from '../../demo/provider/signing-keys.ts';
import { told } from '../support/answers.ts';
import { openHouse, type House, type HouseOptions } from '../support/house.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { jsonOf } from '../support/wire.ts';

const SESSION = '__Host-Http-cloakroom';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let house: House;
let agent: UserAgent;
let signingKeys: SigningKeys;

beforeAll(async () => {
  signingKeys = await makeSigningKeys();
});
afterEach(() => house.close());

async function signedIn({ provider, config }: Pick<HouseOptions, 'provider' | 'config'> = {}, answers?: Members): Promise<void> {
  house = await openHouse({ provider: { signingKeys, ...provider }, ...(config === undefined ? {} : { config }) });
  if (answers !== undefined) bend(answers);
  agent = house.newAgent();
  await agent.login('alice');
}

/** Of the token endpoint's answers from now on; `undefined` leaves one out. */
type Members = Readonly<Record<string, unknown>>;
const rewritten = (members: Members): Fault => ({ kind: 'rewrite', change: (answer) => ({ ...answer, ...members }) });
function bend(members: Members): void {
  house.provider.control.recover('token');
  house.provider.control.fail('token', rewritten(members));
}

const call = (): Promise<Response> => agent.fetch('/api/orders');
const statuses = async (count: number): Promise<readonly number[]> => {
  const all: number[] = [];
  for (let i = 0; i < count; i++) all.push((await call()).status);
  return all;
};
const session = async (): Promise<Record<string, unknown>> => jsonOf(await agent.fetch('/bff/session'));
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};
const refreshes = (): number => house.provider.stats.refreshes;
const bearers = (): readonly unknown[] => house.api.requests.map(({ bearer }) => bearer !== false && bearer.fingerprint);

describe('expires_in that is no lifetime', () => {
  it.each([
    ['missing', undefined],
    ['0', 0],
    ['negative', -300],
    ['a word', 'soon'],
    ['null', null],
    ['huge', 1e18],
    ['less than a second', 0.5],
    ['a list', [300]],
  ])('(%s) counts as refresh.fallbackLifetime, at login and at every refresh: no refresh for every request', async (_title, expires_in) => {
    await signedIn({ provider: { accessTokenTtl: 3600 } }, { expires_in });
    for (let generation = 0; generation < 3; generation++) {
      expect(await statuses(5)).toEqual([200, 200, 200, 200, 200]);
      expect(refreshes()).toBe(generation);
      const { accessTokenExpiresIn } = (await session()) as { accessTokenExpiresIn: number };
      expect([accessTokenExpiresIn > 290, accessTokenExpiresIn <= 300]).toEqual([true, true]);
      house.clock.skip(301_000);
    }
  });

  it.each([
    ['text', '300', 300],
    ['text with a fraction', '300.7', 300],
    ['a fraction', 300.7, 300],
  ])('and one that is %s counts as it is meant', async (_title, expires_in, seconds) => {
    await signedIn({ config: { refresh: { fallbackLifetime: '1h' } } }, { expires_in });
    expect((await session())['accessTokenExpiresIn']).toBeLessThanOrEqual(seconds);
    house.clock.skip((seconds + 1) * 1000);
    expect(await statuses(2)).toEqual([200, 200]);
    expect(refreshes()).toBe(1);
  });

  it('(1e400) costs no refresh token: the session goes on', async () => {
    await signedIn({ provider: { rotation: 'static' } });
    house.expireAccessToken();
    const body = '{"access_token":"from-the-other-answer","token_type":"Bearer","expires_in":1e400}';
    house.provider.control.fail('token', { kind: 'garbage', body, when: 'after' }, 1);
    expect(await statuses(3)).toEqual([200, 200, 200]);
    house.clock.skip(301_000);
    expect(await statuses(3)).toEqual([200, 200, 200]);
    expect(house.provider.stats.tokenRequests.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('that shrinks with every answer is believed', async () => {
    await signedIn({}, { expires_in: 200 });
    for (const expires_in of [100, 50, 25]) {
      bend({ expires_in });
      house.clock.skip(201_000);
      expect((await call()).status).toBe(200);
      expect((await session())['accessTokenExpiresIn']).toBeLessThanOrEqual(expires_in);
    }
  });
});

describe('an access token', () => {
  it.each(['opaque', 'a.b.c', 'eyJhbGciOiJub25lIn0.eyJleHAiOjF9.', `${'x'.repeat(900)}==`])(
    'is carried as it is: %s',
    async (access_token) => {
      await signedIn({}, { access_token });
      expect(await statuses(2)).toEqual([200, 200]);
      expect(bearers()).toEqual([fingerprintOf(access_token), fingerprintOf(access_token)]);
      expect(refreshes()).toBe(0);
    },
  );
});

describe('refresh_expires_in', () => {
  it.each([0, 1, -1, 1800, 'soon', null])('%j says nothing about the session', async (refresh_expires_in) => {
    await signedIn({}, { refresh_expires_in });
    for (let generation = 1; generation <= 3; generation++) {
      house.expireAccessToken();
      expect((await call()).status).toBe(200);
      expect(refreshes()).toBe(generation);
    }
    expect(await session()).toMatchObject({ authenticated: true });
  });
});

describe('a refresh without a new refresh token', () => {
  it.each([[undefined], [null], [''], [7]])('(%j) keeps the one there is', async (refresh_token) => {
    await signedIn({ provider: { rotation: 'static' } });
    bend({ refresh_token });
    for (let generation = 1; generation <= 3; generation++) {
      house.expireAccessToken();
      expect((await call()).status).toBe(200);
      expect(refreshes()).toBe(generation);
    }
    await agent.fetch('/bff/logout', { method: 'POST' });
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(0);
  });
});

describe('a rotated refresh token', () => {
  it('is never revoked, as that would end the session at the provider: only the newest is, at logout', async () => {
    await signedIn();
    for (let generation = 1; generation <= 4; generation++) {
      house.expireAccessToken();
      expect((await call()).status).toBe(200);
    }
    expect(refreshes()).toBe(4);
    expect(house.provider.stats.hits.revocation ?? 0).toBe(0);
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(1);
    await agent.fetch('/bff/logout', { method: 'POST' });
    expect(house.provider.stats.hits.revocation).toBe(1);
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(0);
  });
});

describe('a refreshed ID token', () => {
  const now = (): number => Math.floor(Date.now() / 1000);

  async function idToken(claims: JWTPayload, sign: { kid?: string; keys?: SigningKeys } = {}): Promise<string> {
    const { rs256 } = sign.keys ?? signingKeys;
    const good = { iss: house.provider.issuer, aud: house.provider.clientId, sub: 'alice', iat: now(), exp: now() + 300 };
    return new SignJWT({ ...good, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: sign.kid ?? rs256.kid })
      .sign(await importJWK(rs256, 'RS256'));
  }
  const unsigned = async (): Promise<string> => {
    const payload = (await idToken({})).split('.')[1] ?? '';
    return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
  };

  it.each<[string, () => Promise<string>]>([
    ['of another subject', () => idToken({ sub: 'mallory' })],
    ['for another client', () => idToken({ aud: 'other' })],
    ['of another issuer', () => idToken({ iss: 'https://other.example' })],
    ['for several clients, made for another', () => idToken({ aud: [house.provider.clientId, 'other'], azp: 'other' })],
    ['without signature', unsigned],
    ['with the signature of another key', async () => idToken({}, { keys: await makeSigningKeys(), kid: signingKeys.rs256.kid })],
  ])('%s ends the session, and the new tokens are revoked', async (_title, make) => {
    await signedIn();
    bend({ id_token: await make() });
    house.expireAccessToken();
    expect(told(await call())).toMatchObject({ status: 401, code: 'session_revoked', cleared: [SESSION] });
    expect(house.api.requests).toEqual([]);
    await until(() => house.provider.stats.revocations.length > 0); // nobody waits for it
    expect(house.provider.stats.revocations).toEqual([{ tokenTypeHint: 'refresh_token', clientAuth: 'client_secret_basic', status: 200 }]);
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(0);
    expect(await session()).toMatchObject({ authenticated: false });
  });

  it.each<[string, () => Promise<string | undefined>]>([
    ['that is over', () => idToken({ name: 'Other Name', exp: now() - 3600 })],
    ['from the future', () => idToken({ name: 'Other Name', iat: now() + 7200, exp: now() + 9000 })],
    ['with a date beyond all sense', () => idToken({ name: 'Other Name', exp: 1e300 })],
    ['with an unknown kid', () => idToken({ name: 'Other Name' }, { kid: 'unknown' })],
    ['that is no token', async () => 'garbage'],
    ['that is missing', async () => undefined],
  ])('%s costs neither the tokens nor the claims', async (_title, make) => {
    await signedIn();
    bend({ id_token: await make() });
    for (let generation = 1; generation <= 2; generation++) {
      house.expireAccessToken();
      expect((await call()).status).toBe(200);
      expect(refreshes()).toBe(generation);
    }
    expect(await session()).toMatchObject({ authenticated: true, user: { name: 'Alice Ordinary' } });
    expect(house.provider.stats.hits.revocation ?? 0).toBe(0);
  });

  it('while the keys cannot be had costs neither the tokens nor the claims', async () => {
    await signedIn();
    house.provider.control.fail('jwks', { kind: 'status', status: 503 });
    bend({ id_token: await idToken({ name: 'Other Name' }, { kid: 'rotated' }) });
    house.expireAccessToken();
    expect((await call()).status).toBe(200);
    expect(await session()).toMatchObject({ authenticated: true, user: { name: 'Alice Ordinary' } });
  });

  it('without nonce and with a later auth_time is taken, and so are its claims', async () => {
    await signedIn();
    bend({ id_token: await idToken({ name: 'Alice Married', auth_time: now() + 20 }) });
    house.expireAccessToken();
    expect((await call()).status).toBe(200);
    expect(await session()).toMatchObject({
      authenticated: true,
      user: { sub: 'alice', name: 'Alice Married', email: 'alice@example.com' },
    });
    expect(house.log.of('refreshed_id_token_refused')).toEqual([]);
  });
});

describe('the scope of an answer', () => {
  const scopes = (): readonly unknown[] => house.provider.stats.tokenRequests.slice(1).map(({ scope }) => scope);

  it('that became smaller is recorded: no more than that is asked for again', async () => {
    await signedIn({ provider: { rotation: 'static' }, config: { refresh: { scope: 'granted' } } });
    bend({ scope: 'openid offline_access' });
    for (let i = 0; i < 2; i++) {
      house.expireAccessToken();
      expect((await call()).status).toBe(200);
    }
    const [first, second] = scopes();
    expect(String(first).split(' ').sort()).toEqual(['email', 'offline_access', 'openid', 'profile']);
    expect(second).toBe('openid offline_access');
  });

  it('in another order, or missing, changes nothing', async () => {
    await signedIn({ provider: { rotation: 'static' }, config: { refresh: { scope: 'granted' } } });
    for (const scope of ['offline_access  email openid profile', undefined]) {
      bend({ scope });
      house.expireAccessToken();
      expect(await statuses(2)).toEqual([200, 200]);
    }
    expect(await session()).toMatchObject({ authenticated: true });
  });
});

describe('a clock that jumps', () => {
  it.each([
    ['ten minutes ahead', 10 * MINUTE],
    ['ten minutes back', -10 * MINUTE],
    ['an hour ahead', HOUR],
    ['an hour back', -HOUR],
  ])('%s logs nobody out, nor does its way back', async (_title, jump) => {
    await signedIn({ config: { session: { idle: '2h' } } });
    expect((await call()).status).toBe(200);
    for (const step of [jump, -jump, jump, -jump]) {
      house.clock.skip(step);
      expect(await statuses(3)).toEqual([200, 200, 200]);
      expect(await session()).toMatchObject({ authenticated: true });
      expect((await agent.fetch('/bff/refresh', { method: 'POST' })).status).toBe(200);
    }
    expect(house.provider.stats.tokenRequests.map(({ status }) => status)).not.toContain(400);
    expect(refreshes()).toBeLessThanOrEqual(8);
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(1);
  });
});

describe('what this file bends', () => {
  it('is seen by the house: the tokens that arrive are those of the answer', async () => {
    await signedIn({}, { access_token: 'bent' });
    await call();
    bend({ access_token: 'bent-twice' });
    house.expireAccessToken();
    await call();
    expect(new Set(bearers()).size).toBe(2);
  });
});
