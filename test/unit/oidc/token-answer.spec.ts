import { describe, expect, it } from '@jest/globals';
import { expiresAt, readTokenAnswer } from '../../../src/oidc/token-answer.ts';

const SENT_AT = 1_800_000_000_000;
const CONTEXT = { sentAt: SENT_AT, fallbackLifetime: 300_000 };
const TOKENS = { access_token: 'a', token_type: 'Bearer', expires_in: 60, refresh_token: 'r', id_token: 'i', scope: 'openid  profile' };

const jwt = (payload: object): string => `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.c2ln`;

const read = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  readTokenAnswer(new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers }), CONTEXT);

describe('the lifetime of an access token', () => {
  it.each([
    [60, 60_000],
    [1, 1000],
    [60.9, 60_000],
    ['3600', 3_600_000],
    ['3600.5', 3_600_000],
    [31_536_000, 31_536_000_000],
    [31_536_001, 300_000],
    [0, 300_000],
    [0.5, 300_000],
    [-1, 300_000],
    [undefined, 300_000],
    [null, 300_000],
    ['', 300_000],
    ['abc', 300_000],
    ['0x10', 300_000],
    ['1e400', 300_000],
    ['-60', 300_000],
    [Number.NaN, 300_000],
    [Number.POSITIVE_INFINITY, 300_000],
    [true, 300_000],
    [[60], 300_000],
    [{}, 300_000],
  ])('of expires_in %j ends %i ms after the request', (expiresIn, lifetime) => {
    expect(expiresAt(expiresIn, 'opaque', CONTEXT) - SENT_AT).toBe(lifetime);
  });

  it('is the exp of a JWT when expires_in says nothing', () => {
    expect(expiresAt(undefined, jwt({ exp: SENT_AT / 1000 + 90 }), CONTEXT)).toBe(SENT_AT + 90_000);
  });

  it('is expires_in when both say something', () => {
    expect(expiresAt(60, jwt({ exp: SENT_AT / 1000 + 90 }), CONTEXT)).toBe(SENT_AT + 60_000);
  });

  it.each([{ exp: SENT_AT / 1000 - 1 }, { exp: 1e300 }, { exp: '1900000000' }, {}])('is the fallback when a JWT says %j', (payload) => {
    expect(expiresAt(undefined, jwt(payload), CONTEXT)).toBe(SENT_AT + 300_000);
  });

  it('never comes from an opaque token with two dots', () => {
    expect(expiresAt(undefined, 'a.b.c', CONTEXT)).toBe(SENT_AT + 300_000);
  });
});

describe('readTokenAnswer', () => {
  it('takes tokens, lifetime and scope', async () => {
    expect(await read(TOKENS)).toEqual({
      kind: 'tokens',
      tokens: { accessToken: 'a', accessTokenExpiresAt: SENT_AT + 60_000, refreshToken: 'r', idToken: 'i', scope: ['openid', 'profile'] },
    });
  });

  it.each(['bearer', 'BEARER'])('takes the token type %s', async (token_type) => {
    expect((await read({ ...TOKENS, token_type })).kind).toBe('tokens');
  });

  it.each([null, '', 7, []])('counts the refresh token %j as none', async (refresh_token) => {
    const answer = await read({ ...TOKENS, refresh_token });
    expect(answer.kind === 'tokens' && 'refreshToken' in answer.tokens).toBe(false);
  });

  it.each([null, '', ' ', 7])('counts the scope %j as none', async (scope) => {
    const answer = await read({ ...TOKENS, scope });
    expect(answer.kind === 'tokens' && 'scope' in answer.tokens).toBe(false);
  });

  it.each([
    [{ token_type: 'DPoP' }, 'token_type'],
    [{ token_type: undefined }, 'token_type'],
    [{ access_token: undefined }, 'access_token'],
    [{ access_token: '' }, 'access_token'],
    [{ access_token: { value: 'a' } }, 'access_token'],
    [{ access_token: 'a\r\nX-Evil: 1' }, 'access_token'],
    [{ access_token: 'tökén' }, 'access_token'],
  ])('cannot use %j', async (members, cause) => {
    expect(await read({ ...TOKENS, ...members })).toEqual({ kind: 'unusable', cause });
  });

  it.each([400, 401, 403, 200])('reads an OAuth error with status %i', async (status) => {
    expect(await read({ error: 'invalid_grant', error_description: '<b>' }, status)).toEqual({
      kind: 'error',
      error: 'invalid_grant',
      status,
    });
  });

  it('believes the error when an answer has tokens and an error', async () => {
    expect((await read({ ...TOKENS, error: 'invalid_grant' })).kind).toBe('error');
  });

  it.each([
    ['<html>', 200, 'not_json'],
    ['', 200, 'not_json'],
    ['[]', 200, 'not_json'],
    ['"a"', 200, 'not_json'],
    ['null', 200, 'not_json'],
    ['<html>', 404, 'http_404'],
    ['{}', 400, 'http_400'],
    [JSON.stringify({ error: { code: 1 } }), 400, 'http_400'],
    [JSON.stringify(TOKENS), 201, 'http_201'],
    [JSON.stringify({ error: 'server_error' }), 500, 'http_500'],
    [JSON.stringify(TOKENS), 502, 'http_502'],
  ])('cannot read %s with status %i', async (body, status, cause) => {
    expect(await read(body, status)).toEqual({ kind: 'unreadable', cause });
  });

  it('takes the waiting time of 429 and 503', async () => {
    expect(await read('', 429, { 'retry-after': '17' })).toEqual({ kind: 'throttled', retryAfter: 17 });
    expect(await read('', 429)).toEqual({ kind: 'throttled' });
    expect(await read('', 503, { 'retry-after': '17' })).toEqual({ kind: 'unreadable', cause: 'http_503', retryAfter: 17 });
  });
});

describe('an error word', () => {
  const errorOf = async (error: unknown) => {
    const answer = await read({ error }, 400);
    return answer.kind === 'error' ? answer.error : answer.kind;
  };

  it.each(['invalid_grant', 'x', 'https://id.example.com/errors#7', 'e'.repeat(64)])(
    'of RFC 6749 characters is taken: %s',
    async (error) => {
      expect(await errorOf(error)).toBe(error);
    },
  );

  it.each(['e'.repeat(65), 'two words', 'a"b', 'a\\b', 'line\nbreak', 'caf\u00e9', '\u007f', 'e'.repeat(1_000_000)])(
    'of other characters, or too long, is "other": %#',
    async (error) => {
      expect(await errorOf(error)).toBe('other');
    },
  );
});
