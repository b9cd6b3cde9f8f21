import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { HostileProvider, type Answer } from '../../support/hostile-provider.ts';
import { callback, CLIENT_SECRET, setUp } from '../../support/openid-setup.ts';

const CANARIES = [
  'access-canary',
  'refresh-canary',
  'code-canary',
  CLIENT_SECRET,
  encodeURIComponent(CLIENT_SECRET),
  'v'.repeat(43),
  'nonce-1',
  'description-canary',
];
const TOKENS = { access_token: 'access-canary', token_type: 'Bearer', expires_in: 'abc', refresh_token: 'refresh-canary' };

let hostile: HostileProvider;

beforeAll(async () => {
  hostile = await HostileProvider.create();
});
afterAll(() => hostile.stop());

const found = (text: string): string[] => CANARIES.filter((canary) => text.includes(canary));

describe('what the provider client logs', () => {
  it('is searched by a test that can find something', () => {
    expect(found(inspect({ event: 'x', fields: { detail: 'code-canary' } }))).toEqual(['code-canary']);
  });

  it.each<[string, Answer]>([
    ['tokens with an odd lifetime and an ID token that is none', { json: { ...TOKENS, id_token: 'eyJ.access-canary.x' } }],
    ['tokens of another type', { json: { ...TOKENS, token_type: 'DPoP' } }],
    ['an error that quotes', { status: 400, json: { error: 'code-canary', error_description: 'description-canary' } }],
    ['HTML that quotes', { text: '<p>refresh-canary</p>' }],
    ['a reset', 'reset'],
  ])('holds no token, code, verifier or secret after %s', async (_title, answer) => {
    hostile.answers.set('token', answer);
    hostile.answers.set('userinfo', { status: 500, text: 'access-canary' });
    hostile.answers.set('revocation', { status: 400, json: { error: 'x', error_description: 'refresh-canary' } });
    const { provider, logger } = setUp(hostile, { provider: { userinfo: 'always' } });
    const exchanged = await provider.exchange(callback());
    await provider.refresh({ refreshToken: 'refresh-canary', sub: 'alice', scope: [] });
    await provider.revoke('refresh-canary');
    await provider.close();
    expect(logger.lines.length).toBeGreaterThan(0);
    expect(found(inspect(logger.lines, { depth: 9 }))).toEqual([]);
    expect(found(JSON.stringify(exchanged))).toEqual([]);
  });
});
