import type { Provider, TokenEndpointGrantContext } from 'oidc-provider';
import type { ResolvedOptions } from './options.ts';
import { claimsOf, type DemoUser } from './users.ts';

interface Credentials {
  readonly username?: string;
  readonly password?: string;
  readonly scope?: string;
}

type Context = TokenEndpointGrantContext<Credentials>;

/** The password of a user of the development provider. */
export const passwordOf = (user: Pick<DemoUser, 'id'>): string => `the password of ${user.id}`;

/** Teaches oidc-provider the resource owner password grant (RFC 6749 §4.3), which it has no notion of. For opaque access tokens. */
export function registerPasswordGrant(provider: Provider, options: ResolvedOptions): void {
  provider.registerGrantType<Credentials>('password', (ctx) => grant(ctx, provider, options), ['username', 'password', 'scope'], []);
}

async function grant(ctx: Context, provider: Provider, options: ResolvedOptions): Promise<void> {
  const { username, password, scope = '' } = ctx.oidc.params;
  const user = options.users.find(({ id, email }) => id === username || email === username);
  if (user === undefined || password !== passwordOf(user)) {
    ctx.status = 400;
    ctx.body = { error: 'invalid_grant', error_description: 'The credentials provided were invalid.' };
    return;
  }
  const grantId = await newGrant(provider, options, user.id, scope);
  const common = { accountId: user.id, client: ctx.oidc.client, grantId, gty: 'password', scope };
  const accessToken = new provider.AccessToken(common);
  const value = await accessToken.save();
  ctx.body = {
    access_token: value,
    token_type: 'Bearer',
    expires_in: accessToken.expiration,
    scope,
    ...(await idTokenOf(ctx, provider, user, scope)),
    ...(scope.split(' ').includes('offline_access') && options.grantTypes.includes('refresh_token') && user.noRefreshToken !== true
      ? { refresh_token: await new provider.RefreshToken({ ...common, rotations: 0 }).save() }
      : {}),
  };
}

async function newGrant(provider: Provider, options: ResolvedOptions, accountId: string, scope: string): Promise<string> {
  const made = new provider.Grant({ accountId, clientId: options.clientId });
  made.addOIDCScope(scope);
  return made.save();
}

async function idTokenOf(ctx: Context, provider: Provider, user: DemoUser, scope: string): Promise<{ id_token?: string }> {
  if (!scope.split(' ').includes('openid')) return {};
  // What oidc-provider sets and its types leave out: which claims the ID token may hold.
  const token = Object.assign(new provider.IdToken(claimsOf(user), { ctx }), { scope });
  return { id_token: await token.issue({ use: 'idtoken' }) };
}
