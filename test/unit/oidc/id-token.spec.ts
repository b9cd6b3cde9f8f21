import { describe, expect, it } from '@jest/globals';
import type { Claims } from '../../../src/kernel/claims.ts';
import { checkIdToken, type IdTokenExpectation } from '../../../src/oidc/id-token.ts';

const NOW_S = 1_800_000_000;
const GOOD: Claims = { iss: 'https://id/', aud: 'app', sub: 'alice', iat: NOW_S, exp: NOW_S + 60, nonce: 'n' };
const EXPECTED: IdTokenExpectation = { issuer: 'https://id/', clientId: 'app', now: NOW_S * 1000, clockTolerance: 30_000, nonce: 'n' };

const without = (name: string): Claims => Object.fromEntries(Object.entries(GOOD).filter(([key]) => key !== name));

const verdictOf = (claims: Claims, expected: Partial<IdTokenExpectation> = {}): string => {
  const verdict = checkIdToken(claims, { ...EXPECTED, ...expected });
  return verdict.kind === 'valid' ? 'valid' : verdict.check;
};

describe('checkIdToken', () => {
  it('gives subject, time of issue and session id of a good token', () => {
    expect(checkIdToken({ ...GOOD, sid: 's1' }, EXPECTED)).toMatchObject({ kind: 'valid', sub: 'alice', issuedAt: NOW_S, sid: 's1' });
  });

  it.each(['iss', 'aud', 'sub', 'iat', 'exp', 'nonce'])('refuses a token without %s', (name) => {
    expect(verdictOf(without(name))).toBe(name);
  });

  it.each([
    ['iss', { iss: 'https://id' }],
    ['iss', { iss: ['https://id/'] }],
    ['aud', { aud: 'other' }],
    ['aud', { aud: [] }],
    ['aud', { aud: 'app app2' }],
    ['azp', { aud: ['app', 'other'] }],
    ['azp', { aud: ['app', 'other'], azp: 'other' }],
    ['azp', { azp: 'other' }],
    ['azp', { azp: null }],
    ['sub', { sub: '' }],
    ['sub', { sub: 7 }],
    ['exp', { exp: NOW_S - 31 }],
    ['exp', { exp: NOW_S - 30 }],
    ['exp', { exp: 1e300 }],
    ['exp', { exp: -1 }],
    ['exp', { exp: String(NOW_S + 60) }],
    ['exp', { exp: null }],
    ['iat', { iat: NOW_S + 31 }],
    ['iat', { iat: 1e300 }],
    ['iat', { iat: '1' }],
    ['nbf', { nbf: NOW_S + 31 }],
    ['nbf', { nbf: 'soon' }],
    ['nonce', { nonce: 'm' }],
    ['nonce', { nonce: ['n'] }],
  ])('refuses by %s: %j', (check, claims) => {
    expect(verdictOf({ ...GOOD, ...claims })).toBe(check);
  });

  it.each([
    ['several audiences and our azp', { aud: ['other', 'app'], azp: 'app' }],
    ['one audience in a list', { aud: ['app'] }],
    ['an end within the tolerance', { exp: NOW_S - 29 }],
    ['an issue time within the tolerance', { iat: NOW_S + 30 }],
    ['fractions of a second', { iat: NOW_S - 0.5, exp: NOW_S + 0.5 }],
  ])('takes %s', (_title, claims) => {
    expect(verdictOf({ ...GOOD, ...claims })).toBe('valid');
  });

  it('does not ask for a nonce that nobody remembers', () => {
    const { nonce: _nonce, ...expected } = EXPECTED;
    expect(checkIdToken(without('nonce'), expected).kind).toBe('valid');
    expect(checkIdToken(GOOD, expected).kind).toBe('valid');
  });

  it.each([
    [{ auth_time: NOW_S - 100 }, 'valid'],
    [{ auth_time: NOW_S - 130 }, 'valid'],
    [{ auth_time: NOW_S - 131 }, 'auth_time'],
    [{ auth_time: NOW_S + 31 }, 'auth_time'],
    [{ auth_time: 'now' }, 'auth_time'],
    [{}, 'auth_time'],
  ])('compares max_age 100 with %j: %s', (claims, outcome) => {
    expect(verdictOf({ ...GOOD, ...claims }, { maxAge: 100 })).toBe(outcome);
  });
});
