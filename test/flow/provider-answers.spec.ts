import { afterEach, describe, expect, it } from '@jest/globals';
import type { Fault } from '../../demo/provider/faults.ts';
import { fingerprintOf, told } from '../support/answers.ts';
import { openHouse, type House } from '../support/house.ts';

const SESSION = '__Host-Http-cloakroom';
const UNTOUCHED = { code: undefined, set: [], cleared: [], retryAfter: undefined } as const;
const RETRY_AFTER = { default: '5' } as const;
// A token of 300 s is early for its last 54 to 60 s.
const INTO_EARLY_MS = 250_000;
// Longer than every pause after a failure with the token over.
const PAUSE_OVER_MS = 1_500;

/** What a token endpoint may do to a refresh, and what becomes of it in either column of the table. */
interface Trouble {
  readonly what: string;
  readonly fault: Fault | Elsewhere;
  /** Requests that reach the token endpoint while the access token is valid, and when it is over. */
  readonly hits: readonly [valid: number, over: number];
  readonly retryAfter?: string;
  /** How long nobody asks again while the token is over. */
  readonly pause?: number;
  /** The refresh token may be spent: with the access token still good nobody tries again until it is over. */
  readonly ambiguous?: true;
}

/** No answer of the token endpoint at all: nobody listens, nobody knows the host, or somebody else speaks there. */
type Elsewhere = 'down' | { readonly kind: 'elsewhere'; readonly tokenEndpoint: (house: House) => string };

const json = (answer: object, status = 200): Fault => ({
  ...{ kind: 'status', status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(answer) },
});
const elsewhere = (tokenEndpoint: (house: House) => string): Elsewhere => ({ kind: 'elsewhere', tokenEndpoint });

const oauth = (error: string, status = 400): Fault => ({ kind: 'oauth-error', error, status });

const KEPT: readonly Trouble[] = [
  { what: '401 invalid_client', fault: oauth('invalid_client', 401), hits: [1, 1] },
  { what: '400 invalid_client', fault: oauth('invalid_client'), hits: [1, 1] },
  { what: '400 unauthorized_client', fault: oauth('unauthorized_client'), hits: [1, 1] },
  { what: '401 unauthorized_client', fault: oauth('unauthorized_client', 401), hits: [1, 1] },
  { what: '400 unsupported_grant_type', fault: oauth('unsupported_grant_type'), hits: [1, 1] },
  { what: '400 invalid_request', fault: oauth('invalid_request'), hits: [1, 1] },
  { what: '400 invalid_scope', fault: oauth('invalid_scope'), hits: [1, 1] },
  { what: '403 access_denied', fault: oauth('access_denied', 403), hits: [1, 1] },
  {
    what: '429 with Retry-After',
    fault: { kind: 'status', status: 429, headers: { 'retry-after': '17' } },
    hits: [1, 1],
    retryAfter: '17',
    pause: 17_000,
  },
  { what: '429 without Retry-After', fault: { kind: 'status', status: 429 }, hits: [1, 1], pause: 5_000 },
  { what: '500', fault: { kind: 'status', status: 500 }, hits: [1, 2], ambiguous: true },
  { what: '502 with a page', fault: { kind: 'status', status: 502, body: '<html>Bad gateway</html>' }, hits: [1, 2], ambiguous: true },
  { what: 'an answer that never comes', fault: { kind: 'hang' }, hits: [1, 2], ambiguous: true },
  { what: 'a reset before it was processed', fault: { kind: 'reset' }, hits: [1, 2], ambiguous: true },
  { what: '200 with HTML', fault: { kind: 'garbage' }, hits: [1, 2], ambiguous: true },
  { what: '200 with half a JSON document', fault: { kind: 'garbage', body: '{"access_token":"abc' }, hits: [1, 2], ambiguous: true },
  {
    what: '503 with Retry-After',
    fault: { kind: 'status', status: 503, headers: { 'retry-after': '9' } },
    ...{ hits: [1, 2], retryAfter: '9', pause: 9_000, ambiguous: true },
  },
  { what: '400 server_error', fault: oauth('server_error'), hits: [1, 2], ambiguous: true },
  { what: '200 with an error', fault: json({ error: 'invalid_request' }), hits: [1, 1] },
  { what: '200 with nothing in it', fault: json({}), hits: [1, 2], ambiguous: true },
  { what: 'tokens without an access token', fault: json({ token_type: 'Bearer', expires_in: 60 }), hits: [1, 2], ambiguous: true },
  { what: 'a token for DPoP', fault: json({ access_token: 'abc', token_type: 'DPoP' }), hits: [1, 2], ambiguous: true },
  { what: '200 with six megabytes', fault: { kind: 'garbage', body: 'x'.repeat(6 << 20) }, hits: [1, 2], ambiguous: true },
  { what: 'a redirect', fault: { kind: 'status', status: 307, headers: { location: '/v1/token' } }, hits: [1, 2], ambiguous: true },
  { what: 'refused connections', fault: 'down', hits: [0, 0] },
  { what: 'an unknown host', fault: elsewhere(() => 'https://id.invalid/v1/token'), hits: [0, 0] },
  { what: 'a failed TLS handshake', fault: elsewhere(({ port }) => `https://127.0.0.1:${String(port)}/v1/token`), hits: [0, 0] },
];

describe('what a provider answers to a refresh', () => {
  let house: House;
  let cookie: string;
  let fingerprint: string;

  afterEach(() => house.close());

  async function signedIn(rotation: 'one-time' | 'static' = 'one-time'): Promise<void> {
    house = await openHouse({
      provider: { rotation },
      // Every wait is bounded by the provider's timeout, and re-seals for activity stay out of the picture.
      config: { provider: { timeout: '300ms' }, refresh: { earlyWait: '10s' }, session: { idleStep: '20m' } },
    });
    const agent = house.newAgent();
    await agent.login('alice');
    cookie = house.cookiesOf(agent);
    fingerprint = await fingerprintOf(await house.call('/api/x', { cookie }));
    house.provider.stats.reset();
    house.api.reset();
  }

  async function begin(fault: Fault | Elsewhere, times?: number): Promise<void> {
    if (fault === 'down') await house.provider.control.down();
    else if (fault.kind === 'elsewhere') await house.reopen({ provider: { endpoints: endpoints({ token: fault.tokenEndpoint(house) }) } });
    else house.provider.control.fail('token', fault, times);
  }

  async function recover(fault: Fault | Elsewhere): Promise<void> {
    if (fault === 'down') await house.provider.control.up();
    else if (fault.kind === 'elsewhere') await house.reopen({});
    else house.provider.control.recover();
  }

  function endpoints(changes: Readonly<Record<string, string>>): Record<string, string> {
    const { issuer } = house.provider;
    return { authorization: `${issuer}/v1/authorize`, token: `${issuer}/v1/token`, jwks: `${issuer}/v1/keys`, ...changes };
  }

  const call = (): Promise<Response> => house.call('/api/x', { cookie });
  const tokenHits = (): number => house.provider.stats.hits.token ?? 0;
  const session = async (): Promise<unknown> => (await house.call('/bff/session', { cookie })).json();

  /** The next request renews the session as if nothing had been. */
  async function expectRenewed(): Promise<void> {
    const answer = await call();
    expect(told(answer)).toEqual({ ...UNTOUCHED, status: 200, set: [expect.stringContaining(`${SESSION}=Fe26`)] });
    expect(await fingerprintOf(answer)).not.toBe(fingerprint);
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(1);
  }

  describe.each(KEPT)('$what', ({ fault, hits, retryAfter = RETRY_AFTER.default, pause = PAUSE_OVER_MS, ambiguous = false }) => {
    it('with the access token still valid: the request goes on with it, and the session is kept', async () => {
      await signedIn();
      house.clock.skip(INTO_EARLY_MS);
      await begin(fault);
      for (let n = 0; n < 3; n++) {
        const answer = await call();
        expect(told(answer)).toEqual({ ...UNTOUCHED, status: 200 });
        expect(await fingerprintOf(answer)).toBe(fingerprint);
      }
      expect(tokenHits()).toBe(hits[0]);
      expect(await session()).toMatchObject({ authenticated: true });

      await recover(fault);
      house.clock.skip(30_000);
      if (ambiguous) {
        expect(told(await call())).toEqual({ ...UNTOUCHED, status: 200 });
        expect(tokenHits()).toBe(hits[0]);
        house.expireAccessToken();
      }
      await expectRenewed();
      expect(tokenHits()).toBe(hits[0] + 1);
    });

    it('with the access token over: 503 without touching the API, the session is kept and works again', async () => {
      await signedIn();
      house.expireAccessToken();
      await begin(fault);
      const answers = await Promise.all([call(), call(), call()]);
      for (const answer of answers) {
        expect(told(answer)).toEqual({ status: 503, code: 'provider_unavailable', set: [], cleared: [], retryAfter });
        expect(answer.headers.get('cache-control')).toBe('no-store');
      }
      expect([tokenHits(), house.api.requests.length]).toEqual([hits[1], 0]);
      // The session endpoint and the API agree: the session is there.
      expect(await session()).toMatchObject({ authenticated: true, accessTokenExpiresIn: 0 });

      // Nobody asks again at once, and somebody does a little later.
      expect((await call()).status).toBe(503);
      expect(tokenHits()).toBe(hits[1]);
      await recover(fault);
      house.clock.skip(pause);
      await expectRenewed();
      expect(tokenHits()).toBe(hits[1] + 1);
    });
  });

  describe('invalid_grant', () => {
    it.each([
      ['still valid', INTO_EARLY_MS],
      ['over', 301_000],
    ])('with the access token %s: the session ends at once, and its cookie is taken away', async (_, skip) => {
      await signedIn();
      house.clock.skip(skip);
      await begin(oauth('invalid_grant'));
      const answers = await Promise.all([call(), call()]);
      const first = answers.find(({ status }) => status === 401);
      expect(first && told(first)).toEqual({ status: 401, code: 'session_revoked', set: [], cleared: [SESSION], retryAfter: undefined });
      await recover(oauth('invalid_grant'));

      // It stays ended: the old cookie never reaches the provider again, whatever that would say now.
      expect(told(await call())).toMatchObject({ status: 401, code: 'session_revoked', cleared: [SESSION] });
      expect(await session()).toMatchObject({ authenticated: false, reason: 'revoked' });
      expect(tokenHits()).toBe(1);
    });

    it('of a provider that revoked the grant itself', async () => {
      await signedIn();
      house.expireAccessToken();
      expect(house.provider.control.revokeGrants('alice')).toBeGreaterThan(0);
      expect(told(await call())).toMatchObject({ status: 401, code: 'session_revoked', cleared: [SESSION] });
      expect(house.api.requests).toEqual([]);
    });
  });

  describe('another 400 that comes again half a minute later', () => {
    it.each(['invalid_request', 'invalid_scope'])('%s: 503 first, then the session has expired', async (error) => {
      await signedIn();
      house.expireAccessToken();
      await begin(oauth(error));
      expect((await call()).status).toBe(503);
      house.clock.skip(29_000);
      expect((await call()).status).toBe(503);
      house.clock.skip(2_000);
      expect(told(await call())).toMatchObject({ status: 401, code: 'session_expired', cleared: [SESSION] });
      // And it is called the same ever after, here and at the session endpoint.
      expect(told(await call())).toMatchObject({ status: 401, code: 'session_expired', cleared: [SESSION] });
      expect(await session()).toMatchObject({ authenticated: false, reason: 'expired' });
      expect([tokenHits(), house.api.requests.length]).toEqual([3, 0]);
    });

    it('never ends a session whose client is misconfigured, however long that lasts', async () => {
      await signedIn();
      house.expireAccessToken();
      await begin(oauth('unauthorized_client', 401));
      for (let n = 0; n < 4; n++) {
        expect(told(await call())).toMatchObject({ status: 503, cleared: [] });
        house.clock.skip(60_000);
      }
      await recover(oauth('unauthorized_client', 401));
      await expectRenewed();
    });
  });

  describe('a failure that comes once', () => {
    it.each<[string, Fault]>([
      ['500', { kind: 'status', status: 500 }],
      ['a reset before it was processed', { kind: 'reset' }],
      ['200 with HTML', { kind: 'garbage' }],
      ['no answer', { kind: 'hang' }],
    ])('%s, with the access token over: the same request is repeated at once, and succeeds', async (_, fault) => {
      await signedIn();
      house.expireAccessToken();
      await begin(fault, 1);
      await expectRenewed();
      expect(tokenHits()).toBe(2);
    });
  });

  describe('an answer lost after the refresh token was spent', () => {
    const lost: Fault = { kind: 'reset', when: 'after' };

    it('with a static refresh token: the repeat gets the tokens', async () => {
      await signedIn('static');
      house.expireAccessToken();
      await begin(lost, 1);
      const answer = await call();
      expect(told(answer)).toMatchObject({ status: 200, set: [expect.stringContaining(SESSION)] });
      expect(tokenHits()).toBe(2);
    });

    it('with a one-time refresh token and the access token valid: it is used up first, nothing is repeated', async () => {
      await signedIn();
      house.clock.skip(INTO_EARLY_MS);
      await begin(lost, 1);
      expect(told(await call())).toEqual({ ...UNTOUCHED, status: 200 });
      house.clock.skip(20_000);
      expect(told(await call())).toEqual({ ...UNTOUCHED, status: 200 });
      expect(tokenHits()).toBe(1);
    });

    it('with a one-time refresh token and the access token over: nothing is left to lose, and the session ends', async () => {
      await signedIn();
      house.expireAccessToken();
      await begin(lost, 1);
      expect(told(await call())).toMatchObject({ status: 401, code: 'session_revoked', cleared: [SESSION] });
      expect([tokenHits(), house.api.requests.length]).toEqual([2, 0]);
    });
  });

  it('that it is asked too often keeps everybody from asking before the time it named, with the access token valid too', async () => {
    await signedIn();
    house.clock.skip(INTO_EARLY_MS);
    await begin({ kind: 'status', status: 429, headers: { 'retry-after': '17' } });
    expect((await call()).status).toBe(200);
    house.clock.skip(16_000);
    expect((await call()).status).toBe(200);
    expect(tokenHits()).toBe(1);
    house.clock.skip(1_500);
    expect((await call()).status).toBe(200);
    expect(tokenHits()).toBe(2);
  });

  it.each<[string, Fault, Partial<ReturnType<typeof told>>]>([
    ['invalid_client', oauth('invalid_client', 401), { status: 503, code: 'provider_unavailable', cleared: [], retryAfter: '5' }],
    [
      '429',
      { kind: 'status', status: 429, headers: { 'retry-after': '17' } },
      { status: 503, code: 'provider_unavailable', cleared: [], retryAfter: '17' },
    ],
    ['500', { kind: 'status', status: 500 }, { status: 503, code: 'provider_unavailable', cleared: [], retryAfter: '5' }],
    ['invalid_grant', oauth('invalid_grant'), { status: 401, code: 'session_revoked', cleared: [SESSION], retryAfter: undefined }],
  ])('means the same to POST /bff/refresh: %s', async (_, fault, expected) => {
    await signedIn();
    house.clock.skip(10_000);
    await begin(fault);
    expect(told(await house.call('/bff/refresh', { cookie, method: 'POST' }))).toEqual({ set: [], ...expected });
    expect(tokenHits()).toBe(1);
    // The page asked for more than it needed: its calls go on as before, unless the session is over.
    expect((await call()).status).toBe(expected.status === 401 ? 401 : 200);
  });

  it('never lets a request go on with an access token that is over', async () => {
    await signedIn();
    house.expireAccessToken();
    for (const fault of [oauth('invalid_client', 401), { kind: 'status', status: 500 } as const, { kind: 'garbage' } as const]) {
      await begin(fault, 2);
      await Promise.all(['GET', 'POST', 'OPTIONS'].map((method) => house.call('/api/x', { cookie, method })));
      await recover(fault);
      house.clock.skip(PAUSE_OVER_MS);
    }
    // Whatever came through after the last recovery carried a new token.
    await expectRenewed();
    const used = house.api.requests.map(({ bearer }) => bearer !== false && bearer.fingerprint);
    expect(used).not.toContain(fingerprint);
  });

  it('stops asking a provider that is down, and begins again by itself', async () => {
    await signedIn();
    house.expireAccessToken();
    await begin({ kind: 'status', status: 503 });
    for (let n = 0; n < 8; n++) {
      expect(told(await call())).toMatchObject({ status: 503, code: 'provider_unavailable', cleared: [] });
      house.clock.skip(PAUSE_OVER_MS);
    }
    const asked = tokenHits();
    expect(asked).toBeLessThan(16);
    expect(house.log.of('provider_circuit_opened')).toHaveLength(1);
    await recover({ kind: 'status', status: 503 });
    house.clock.skip(15_000);
    await expectRenewed();
    expect(house.log.of('provider_circuit_closed')).toHaveLength(1);
  });
});
