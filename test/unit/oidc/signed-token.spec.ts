import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { SignJWT, type JWK } from 'jose';
import { readKeySet, verifySignature, type KeySet } from '../../../src/oidc/signed-token.ts';
import { signingKey, type SigningKey } from '../../support/hostile-provider.ts';

const ALGORITHMS = ['RS256', 'ES256'];
const MANY = 10_000;

let right: SigningKey;
let other: SigningKey;

beforeAll(async () => {
  right = await signingKey('ES256', 'right');
  other = await signingKey('ES256', 'other');
});
afterEach(() => {
  jest.restoreAllMocks();
});

const keySet = (keys: readonly unknown[]): KeySet => {
  const read = readKeySet({ keys: JSON.parse(JSON.stringify(keys)) as never });
  if (read === undefined) throw new Error('that was no key set');
  return read;
};
const without = (jwk: JWK, ...names: readonly string[]): JWK =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)));
const token = (key: SigningKey, header: Record<string, unknown> = {}): Promise<string> =>
  new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: key.alg, kid: key.kid, ...header }).sign(key.privateKey);
const imports = (): { readonly mock: { readonly calls: readonly unknown[] } } => jest.spyOn(globalThis.crypto.subtle, 'importKey');

describe('a key set of ten thousand keys', () => {
  const keys = (): readonly JWK[] => [...Array.from({ length: MANY }, (_, n) => ({ ...other.jwk, kid: `k${String(n)}` })), right.jwk];

  it('is read without importing one of them', () => {
    const imported = imports();
    expect(keySet(keys()).size).toBe(MANY + 1);
    expect(imported.mock.calls).toHaveLength(0);
  });

  it('costs one import for each key that is asked for, however many tokens ask', async () => {
    const set = keySet(keys());
    const jws = await token(right);
    const imported = imports();
    for (let i = 0; i < 5; i++) expect((await verifySignature(jws, set, ALGORITHMS)).kind).toBe('verified');
    expect(imported.mock.calls).toHaveLength(1);
  });

  it('does not let a token without kid try them all', async () => {
    const set = keySet(keys());
    const jws = await token(right, { kid: undefined });
    const imported = imports();
    expect(await verifySignature(jws, set, ALGORITHMS)).toEqual({ kind: 'invalid', check: 'signature' });
    expect(imported.mock.calls).toHaveLength(100);
  });

  it('knows at once that a key id is none of theirs', async () => {
    const set = keySet(keys());
    const imported = imports();
    expect(await verifySignature(await token(right, { kid: 'unknown' }), set, ALGORITHMS)).toEqual({ kind: 'unknown-key' });
    expect(imported.mock.calls).toHaveLength(0);
  });
});

describe('ten thousand keys of one name', () => {
  it('are not all tried either', async () => {
    const set = keySet(Array.from({ length: MANY }, () => ({ ...other.jwk, kid: 'right' })));
    const imported = imports();
    expect(await verifySignature(await token(right), set, ALGORITHMS)).toEqual({ kind: 'invalid', check: 'signature' });
    expect(imported.mock.calls).toHaveLength(100);
  });
});

describe('a key set', () => {
  it('may hold anything besides keys', async () => {
    const rubbish = [
      null,
      7,
      'key',
      [],
      {},
      { kty: 'oct', k: 'c2VjcmV0', kid: 'right' },
      { kty: 'EC', crv: 'P-256', kid: 'right' },
      { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'odd' },
      { kty: 'RSA', n: 7, e: 'AQAB' },
      { kty: '__proto__', kid: '__proto__' },
      { ...right.jwk, kid: 7 },
    ];
    const set = keySet([...rubbish, right.jwk, ...rubbish]);
    expect((await verifySignature(await token(right), set, ALGORITHMS)).kind).toBe('verified');
    expect(await verifySignature(await token(right, { kid: 'odd' }), set, ALGORITHMS)).toEqual({
      kind: 'invalid',
      check: 'key',
    });
  });

  it('may name two keys alike: the one that fits counts', async () => {
    const set = keySet([{ ...other.jwk, kid: 'right' }, right.jwk]);
    expect((await verifySignature(await token(right), set, ALGORITHMS)).kind).toBe('verified');
  });

  it('may have keys without kid, for tokens without one', async () => {
    const set = keySet([without(other.jwk, 'kid', 'alg'), without(right.jwk, 'kid', 'alg', 'use')]);
    expect((await verifySignature(await token(right, { kid: undefined }), set, ALGORITHMS)).kind).toBe('verified');
    expect((await verifySignature(await token(right), set, ALGORITHMS)).kind).toBe('unknown-key');
  });

  it('never has an encryption key take part', async () => {
    const set = keySet([{ ...right.jwk, use: 'enc' }]);
    expect(set.size).toBe(0);
    expect((await verifySignature(await token(right), set, ALGORITHMS)).kind).toBe('unknown-key');
  });

  it.each([['__proto__'], ['constructor'], [''], [7], [{}], [null]])('knows no key by the id %j', async (kid) => {
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid })).toString('base64url');
    const verdict = await verifySignature(`${header}.e30.AAAA`, keySet([right.jwk]), ALGORITHMS);
    expect(['unknown-key', 'invalid']).toContain(verdict.kind);
  });
});
