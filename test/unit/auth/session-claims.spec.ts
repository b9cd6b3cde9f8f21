import { describe, expect, it } from '@jest/globals';
import { claimsOfRules, selectClaims } from '../../../src/auth/session-claims.ts';

describe('the claims of a session', () => {
  it('are those that access rules look at', () => {
    expect(claimsOfRules([{ claim: 'groups', anyOf: ['staff'] }, { emailDomain: ['example.com'] }])).toEqual([
      'groups',
      'email',
      'email_verified',
    ]);
    expect(claimsOfRules([])).toEqual([]);
  });

  it('are the named ones and sub, and nothing that an object has by nature', () => {
    const claims = { sub: 'alice', name: 'Alice', iss: 'x', groups: ['a'] };
    expect(selectClaims(claims, ['name', 'missing', 'toString', '__proto__', 'constructor'])).toEqual({ sub: 'alice', name: 'Alice' });
  });
});
