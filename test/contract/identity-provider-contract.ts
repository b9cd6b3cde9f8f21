import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CallbackRequest, IdentityProvider, RefreshRequest } from '../../src/oidc/identity-provider.ts';

/** What the suite needs to move: the provider behind the implementation. */
export interface IdentityProviderWorld {
  readonly provider: IdentityProvider;
  /** A callback that the provider would accept. */
  readonly callback: CallbackRequest;
  readonly refresh: RefreshRequest;
  /** Makes the provider unreachable, and reachable again. */
  goDown(): Promise<void>;
  comeBack(): Promise<void>;
  /** The next refresh answers with this OAuth error, or without a new refresh token. */
  refuseRefresh(error: string): void;
  omitRefreshToken(): void;
  close(): Promise<void>;
}

const AUTHORIZATION = { state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43), params: {} };

/** The promises of the IdentityProvider port, for every implementation of it. */
export function identityProviderContract(name: string, create: () => Promise<IdentityProviderWorld>): void {
  describe(`${name} as an identity provider`, () => {
    let world: IdentityProviderWorld;
    beforeEach(async () => {
      world = await create();
    });
    afterEach(() => world.close());

    it('does not know its status before anything was asked', () => {
      expect(world.provider.status()).toBe('unknown');
    });

    it('starts at once and does not throw when the provider is down', async () => {
      await world.goDown();
      expect(() => world.provider.start()).not.toThrow();
    });

    it('says when logins are not possible, with seconds to wait', async () => {
      await world.goDown();
      for (const outcome of [await world.provider.authorizationUrl(AUTHORIZATION), await world.provider.exchange(world.callback)]) {
        expect(outcome.kind).toBe('unavailable');
        expect(outcome.kind === 'unavailable' ? outcome.retryAfter : 0).toBeGreaterThanOrEqual(1);
      }
      expect(world.provider.status()).toBe('down');
    });

    it('works without a restart once the provider is back', async () => {
      await world.goDown();
      world.provider.start();
      await world.provider.authorizationUrl(AUTHORIZATION);
      await world.comeBack();
      expect((await world.provider.authorizationUrl(AUTHORIZATION)).kind).toBe('ready');
      expect((await world.provider.exchange(world.callback)).kind).toBe('signed-in');
      expect(world.provider.status()).toBe('up');
    });

    it('gives a user and tokens with a finite end for a good callback', async () => {
      const outcome = await world.provider.exchange(world.callback);
      if (outcome.kind !== 'signed-in') throw new Error(`unexpected outcome ${outcome.kind}`);
      expect(outcome.claims['sub']).toBe(outcome.sub);
      expect(Number.isFinite(outcome.tokens.accessTokenExpiresAt)).toBe(true);
      expect(Number.isFinite(outcome.idTokenIssuedAt)).toBe(true);
    });

    it('refuses a callback with another state', async () => {
      expect(await world.provider.exchange({ ...world.callback, state: 'another' })).toMatchObject({
        kind: 'refused',
        reason: 'state_mismatch',
      });
    });

    it('grants a refresh, with a finite end', async () => {
      await world.provider.ready();
      const outcome = await world.provider.refresh(world.refresh);
      if (outcome.kind !== 'granted') throw new Error(`unexpected outcome ${outcome.kind}`);
      expect(Number.isFinite(outcome.tokens.accessTokenExpiresAt)).toBe(true);
    });

    it('hands out no refresh token when there is no new one', async () => {
      world.omitRefreshToken();
      await world.provider.ready();
      const outcome = await world.provider.refresh(world.refresh);
      expect(outcome).toMatchObject({ kind: 'granted' });
      expect(outcome).not.toHaveProperty('tokens.refreshToken');
    });

    it('hands on the OAuth error of a refused refresh', async () => {
      world.refuseRefresh('invalid_grant');
      await world.provider.ready();
      expect(await world.provider.refresh(world.refresh)).toMatchObject({ kind: 'refused', error: 'invalid_grant' });
    });

    it('says that nothing was sent when a refresh could not reach the provider', async () => {
      await world.provider.ready();
      await world.provider.refresh(world.refresh);
      await world.goDown();
      expect(await world.provider.refresh(world.refresh)).toMatchObject({ kind: 'failed', sent: false });
    });

    it('says that a code was not spent when the provider could not be reached', async () => {
      await world.goDown();
      expect(await world.provider.exchange(world.callback)).toMatchObject({ kind: 'unavailable', spent: false });
    });

    it('revokes best effort, and says when the provider is down', async () => {
      expect(await world.provider.revoke('refresh-1')).toBe('revoked');
      await world.goDown();
      expect(await world.provider.revoke('refresh-1')).toBe('failed');
    });

    it('gives the end-session URL without waiting, or none while nothing is known', async () => {
      const request = { postLogoutRedirectUri: 'http://localhost:3000/bff/logged-out', state: 'sealed' };
      expect(world.provider.endSessionUrl(request)).toBeUndefined();
      await world.provider.authorizationUrl(AUTHORIZATION);
      const url = new URL(world.provider.endSessionUrl(request) ?? 'about:blank');
      expect(url.searchParams.get('post_logout_redirect_uri')).toBe(request.postLogoutRedirectUri);
      expect(url.searchParams.get('state')).toBe('sealed');
    });
  });
}
