import type { Provider } from 'oidc-provider';
import { DEMO_RESOURCE } from './configuration.ts';
import type { ResolvedOptions } from './options.ts';

const SCOPE = 'openid profile email offline_access';

/** A refresh token as a login of this user would have given it, with a grant of its own and no browser: for tests with many sessions. */
export async function mintRefreshToken(provider: Provider, options: ResolvedOptions, accountId: string): Promise<string> {
  const { clientId } = options;
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(SCOPE);
  grant.addResourceScope(DEMO_RESOURCE.indicator, DEMO_RESOURCE.scope);
  const grantId = await grant.save();
  const client = await provider.Client.find(clientId);
  if (client === undefined) throw new Error('the provider does not know its only client');
  const token = new provider.RefreshToken({
    ...{ client, accountId, grantId, scope: SCOPE, gty: 'authorization_code', authTime: Math.floor(Date.now() / 1000) },
    ...(options.accessTokenFormat === 'jwt' ? { resource: DEMO_RESOURCE.indicator } : {}),
  });
  return token.save();
}
