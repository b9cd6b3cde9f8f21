import { describe, expect, it } from '@jest/globals';
import { checkAuthorizationResponse } from '../../../src/oidc/authorization-response.ts';

const PLAIN = { issuer: 'https://id', issPromised: false };
const PROMISED = { issuer: 'https://id', issPromised: true };

const check = (query: string, provider = PLAIN) => checkAuthorizationResponse({ params: new URLSearchParams(query), state: 's' }, provider);

describe('checkAuthorizationResponse', () => {
  it.each([
    ['code=c&state=s', PLAIN],
    ['code=c&state=s&iss=https%3A%2F%2Fid&session_state=x', PLAIN],
    ['code=c&state=s&iss=https%3A%2F%2Fid', PROMISED],
  ])('passes %s', (query, provider) => {
    expect(check(query, provider)).toBeUndefined();
  });

  it.each([
    ['code=c', 'state_mismatch', 'state'],
    ['code=c&state=', 'state_mismatch', 'state'],
    ['code=c&state=t', 'state_mismatch', 'state'],
    ['error=access_denied&state=t', 'state_mismatch', 'state'],
    ['code=c&state=s&state=s', 'state_mismatch', 'duplicate_parameter'],
    ['code=c&code=d&state=s', 'exchange_refused', 'duplicate_parameter'],
    ['code=c&state=s&iss=https%3A%2F%2Fid&iss=https%3A%2F%2Fid', 'issuer_mismatch', 'duplicate_parameter'],
    ['code=c&state=s&x=1&x=1', 'exchange_refused', 'duplicate_parameter'],
    ['code=c&state=s&iss=https%3A%2F%2Fother', 'issuer_mismatch', 'iss'],
    ['code=c&state=s&iss=https%3A%2F%2Fid%2F', 'issuer_mismatch', 'iss'],
    ['code=c&state=s&iss=', 'issuer_mismatch', 'iss'],
    ['error=access_denied&state=s&iss=https%3A%2F%2Fother', 'issuer_mismatch', 'iss'],
    ['state=s', 'exchange_refused', 'code_missing'],
    ['state=s&code=', 'exchange_refused', 'code_missing'],
  ])('refuses %s as %s', (query, reason, failed) => {
    expect(check(query)).toEqual({ kind: 'refused', reason, check: failed });
  });

  it('refuses a code without the issuer that was promised', () => {
    expect(check('code=c&state=s', PROMISED)).toMatchObject({ reason: 'issuer_mismatch', check: 'iss_missing' });
  });

  it.each([
    ['access_denied', 'access_denied'],
    ['login_required', 'login_required'],
    ['<script>', 'other'],
    ['', 'other'],
  ])('names the error %j of the provider %s, even without the issuer that was promised', (error, named) => {
    const query = `error=${encodeURIComponent(error)}&error_description=x&state=s`;
    expect(check(query, PROMISED)).toMatchObject({ reason: 'provider_error', providerError: named });
  });

  it('believes the error when a response has a code and an error', () => {
    expect(check('code=c&error=access_denied&state=s')).toMatchObject({ reason: 'provider_error' });
  });
});
