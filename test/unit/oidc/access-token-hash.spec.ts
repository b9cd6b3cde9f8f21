import { describe, expect, it } from '@jest/globals';
import { fitsAccessToken } from '../../../src/oidc/access-token-hash.ts';

// The access token of OpenID Connect Core 1.0, appendix A.4, and its halved hashes; the first is printed there.
const TOKEN = 'jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y';
const SHA_256 = '77QmUPtjPfzWtF2AnpK9RQ';
const SHA_384 = 'jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs';
const SHA_512 = 'q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM';

describe('at_hash', () => {
  it.each([
    ['RS256', SHA_256],
    ['ES256', SHA_256],
    ['PS384', SHA_384],
    ['ES512', SHA_512],
    ['EdDSA', SHA_512],
    ['Ed25519', SHA_512],
  ])('of %s is %s, and nothing else', (alg, expected) => {
    expect([SHA_256, SHA_384, SHA_512].filter((hash) => fitsAccessToken(hash, TOKEN, alg))).toEqual([expected]);
  });

  it('of another access token does not fit', () => {
    expect(fitsAccessToken(SHA_256, `${TOKEN}x`, 'RS256')).toBe(false);
  });

  it.each([1, null, {}, [SHA_256], ''])('that is no text of a hash does not fit: %j', (hash) => {
    expect(fitsAccessToken(hash, TOKEN, 'RS256')).toBe(false);
  });
});
