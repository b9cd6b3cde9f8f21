import { HostileProvider } from '../support/hostile-provider.ts';
import { callback, setUp } from '../support/openid-setup.ts';
import { identityProviderContract } from './identity-provider-contract.ts';

identityProviderContract('OpenIdIdentityProvider', async () => {
  const hostile = await HostileProvider.create();
  const { provider, clock } = setUp(hostile);
  return {
    provider,
    callback: callback(),
    refresh: { refreshToken: 'refresh-0', sub: 'alice', scope: ['openid'] },
    goDown: () => hostile.stop(),
    comeBack: async () => {
      await hostile.start();
      clock.offset += 1000;
    },
    refuseRefresh: (error) => hostile.answers.set('token', { status: 400, json: { error } }),
    omitRefreshToken: () => hostile.answerTokens({ refresh_token: undefined }),
    close: async () => {
      await provider.close();
      await hostile.stop();
    },
  };
});
