import { describe, expect, it } from '@jest/globals';
import { mayEnter, type AccessRule } from '../../../src/access/access-policy.ts';
import type { Claims } from '../../../src/kernel/claims.ts';

const staff: AccessRule = { claim: 'groups', anyOf: ['staff', 'admin'] };
const example: AccessRule = { emailDomain: ['example.com', 'Example.ORG'] };
const verified = (email: Claims[string]): Claims => ({ email, email_verified: true });

describe('no rule', () => {
  it('admits everybody', () => expect(mayEnter([], {})).toBe(true));
});

describe('a rule about a claim', () => {
  it.each<Claims>([{ groups: 'staff' }, { groups: ['x', 'admin'] }])('admits %j', (claims) => expect(mayEnter([staff], claims)).toBe(true));

  it.each<Claims>([
    {},
    { groups: 'Staff' },
    { groups: 'staff,admin' },
    { groups: [] },
    { groups: [['staff']] },
    { groups: { staff: true } },
    { groups: null },
    { roles: ['staff'] },
  ])('does not admit %j', (claims) => expect(mayEnter([staff], claims)).toBe(false));

  it('compares numbers, booleans and null by type and value', () => {
    expect(mayEnter([{ claim: 'level', anyOf: [3] }], { level: 3 })).toBe(true);
    expect(mayEnter([{ claim: 'level', anyOf: [3] }], { level: '3' })).toBe(false);
    expect(mayEnter([{ claim: 'vip', anyOf: [true] }], { vip: true })).toBe(true);
    expect(mayEnter([{ claim: 'vip', anyOf: [true] }], { vip: 1 })).toBe(false);
  });

  it('reads no property that is not a claim', () => expect(mayEnter([{ claim: 'constructor', anyOf: [null] }], {})).toBe(false));
});

describe('a rule about the mail domain', () => {
  it.each(['alice@example.com', 'ALICE@EXAMPLE.COM', 'bob@example.org'])('admits the verified %s', (email) =>
    expect(mayEnter([example], verified(email))).toBe(true),
  );

  it.each<Claims[string]>([
    'alice@sub.example.com',
    'alice@notexample.com',
    'alice@example.com.evil',
    'evil@evil.com@example.com',
    '"a@example.com"@evil.com',
    'a@x.com,b@example.com',
    '@example.com',
    'example.com',
    'alice@example.com ',
    ['alice@example.com'],
    null,
  ])('does not admit %j', (email) => expect(mayEnter([example], verified(email))).toBe(false));

  it.each<Claims>([{}, { email_verified: false }, { email_verified: 'true' }, { email_verified: 1 }])(
    'does not admit an address with %j',
    (more) => expect(mayEnter([example], { email: 'alice@example.com', ...more })).toBe(false),
  );
});

describe('several rules', () => {
  it('admit whom any of them admits', () => {
    expect(mayEnter([staff, example], { groups: ['staff'] })).toBe(true);
    expect(mayEnter([staff, example], verified('a@example.com'))).toBe(true);
    expect(mayEnter([staff, example], { groups: ['guest'], email: 'a@example.com' })).toBe(false);
  });
});
