import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ProviderOptions } from '../../../src/oidc/provider-options.ts';
import { HostileProvider, signingKey } from '../../support/hostile-provider.ts';
import { callback, setUp, type Setup } from '../../support/openid-setup.ts';

const MINUTE = 60_000;

let hostile: HostileProvider;
let setup: Setup;

const started = async (provider: Partial<ProviderOptions> = {}): Promise<Setup> => {
  setup = setUp(hostile, { provider });
  setup.provider.start();
  await setup.provider.exchange(callback());
  return setup;
};
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};
/** Every token answer has an ID token of a key that nobody knows. */
const flood = async (): Promise<void> => {
  const evil = await signingKey('ES256', 'evil');
  hostile.answers.set('token', async () => {
    const id_token = await hostile.idToken(
      { exp: Math.floor(Date.now() / 1000) + 7200 },
      { key: evil, header: { kid: crypto.randomUUID() } },
    );
    return { json: { access_token: 'a', token_type: 'bearer', id_token } };
  });
};
const logins = async (count: number): Promise<readonly string[]> => {
  const kinds: string[] = [];
  for (let i = 0; i < count; i++) {
    const outcome = await setup.provider.exchange(callback());
    kinds.push(outcome.kind === 'refused' ? outcome.check : outcome.kind);
  }
  return kinds;
};

beforeEach(async () => {
  hostile = await HostileProvider.create();
});
afterEach(async () => {
  await setup.provider.close();
  await hostile.stop();
});

describe('a flood of unknown key ids', () => {
  it('makes us fetch the keys once a minute, for an hour', async () => {
    const { clock } = await started();
    await flood();
    const before = hostile.count('jwks');
    for (let minute = 0; minute < 60; minute++) {
      expect(new Set(await logins(5))).toEqual(new Set(['unknown_key']));
      clock.offset += MINUTE;
    }
    expect(hostile.count('jwks') - before).toBe(60);
  });

  it('makes us fetch them no more often while they cannot be had, and decides nothing', async () => {
    const { clock } = await started();
    await flood();
    hostile.answers.set('jwks', { status: 503 });
    const before = hostile.count('jwks');
    for (let minute = 0; minute < 5; minute++) {
      expect(new Set(await logins(5))).toEqual(new Set(['unavailable']));
      clock.offset += MINUTE;
    }
    expect(hostile.count('jwks') - before).toBe(5);
  });

  it('takes nothing from those whose key is known, also while the keys cannot be had', async () => {
    await started();
    await flood();
    hostile.answers.set('jwks', { status: 503 });
    await logins(3);
    hostile.answers.delete('token');
    expect(await logins(3)).toEqual(['signed-in', 'signed-in', 'signed-in']);
  });

  it('is over when the clock was set back: the next one is fetched for at once', async () => {
    const { clock } = await started();
    await flood();
    await logins(1);
    const before = hostile.count('jwks');
    clock.offset -= 10 * MINUTE;
    await logins(3);
    expect(hostile.count('jwks') - before).toBe(1);
  });
});

describe('a large key set', () => {
  const large = (bytes: number): object => ({ keys: hostile.keys.map(({ jwk }) => jwk), padding: 'x'.repeat(bytes) });

  it('of five megabytes is read', async () => {
    hostile.answers.set('jwks', { json: large(5 * 1024 * 1024 - 1000) });
    await started();
    expect(await logins(1)).toEqual(['signed-in']);
  });

  it('beyond provider.maxResponse is not, and the last good one stays', async () => {
    const { later, logger } = await started();
    hostile.answers.set('jwks', { json: large(5 * 1024 * 1024) });
    later.run();
    await until(() => logger.of('provider_keys_failed').length === 1);
    expect(logger.of('provider_keys_failed')[0]?.fields).toEqual({ cause: 'too_large', lastGoodKept: true });
    expect(await logins(1)).toEqual(['signed-in']);
  });

  it('of ten thousand keys and rubbish in between serves logins', async () => {
    const [own] = hostile.keys;
    const others = Array.from({ length: 10_000 }, (_, n) => (n % 10 === 0 ? { kty: 'EC', kid: n } : { ...own?.jwk, kid: `k${String(n)}` }));
    hostile.answers.set('jwks', { json: { keys: [...others, own?.jwk] } });
    const { logger } = await started();
    expect(await logins(2)).toEqual(['signed-in', 'signed-in']);
    expect(logger.of('provider_keys_loaded')[0]?.fields).toEqual({ keys: 9001 });
    expect(hostile.count('jwks')).toBe(1);
  });
});

describe('keys that rotate right before an ID token is signed', () => {
  it('do not let the login fail, nor the refresh, within the minute after a fetch', async () => {
    const { provider } = await started();
    hostile.keys = [await signingKey('ES256', 'key-2')];
    expect(await logins(1)).toEqual(['signed-in']);
    const outcome = await provider.refresh({ refreshToken: 'r', sub: 'alice', scope: [] });
    expect(outcome).toMatchObject({ kind: 'granted', claims: { sub: 'alice' } });
    expect(hostile.count('jwks')).toBe(2);
  });

  it('cost a refresh that comes too soon after another rotation its claims only, never its tokens', async () => {
    const { provider } = await started();
    hostile.keys = [await signingKey('ES256', 'key-2')];
    await logins(1);
    hostile.keys = [await signingKey('ES256', 'key-3')];
    const outcome = await provider.refresh({ refreshToken: 'r', sub: 'alice', scope: [] });
    expect(outcome).toMatchObject({ kind: 'granted', tokens: { refreshToken: 'refresh-1' } });
    expect(outcome).not.toHaveProperty('claims');
  });
});
