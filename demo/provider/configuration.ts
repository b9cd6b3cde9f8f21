import { randomBytes } from 'node:crypto';
import type { ClientMetadata, Configuration, JWK, KoaContextWithOIDC } from 'oidc-provider';
import { ENDPOINT_PATHS } from './endpoints.ts';
import { interactionPolicy } from './library.ts';
import type { MemoryStore } from './memory-store.ts';
import type { ResolvedOptions, Rotation } from './options.ts';
import { errorPage, signedOutPage } from './pages.ts';
import { endAtOnceOrAsk } from './sign-out.ts';
import type { SigningKeys } from './signing-keys.ts';
import { claimsOf } from './users.ts';

/** Audience and scope of JWT access tokens. */
export const DEMO_RESOURCE = { indicator: 'urn:demo:api', scope: 'openid profile email groups offline_access api.read api.write' } as const;

/** What a test or the demo may change while the provider runs. */
export interface Behaviour {
  rotation: Rotation;
  /** Seconds for which a rotated refresh token is still accepted, counted from its rotation: 0 ends it for all. */
  leeway: number;
  /** Seconds; for tokens issued from now on. */
  accessTokenTtl: number;
}

const DAY_S = 86_400;
const OPAQUE_CHARACTER_BITS = 6;

interface Parts {
  readonly options: ResolvedOptions;
  readonly keys: SigningKeys;
  readonly store: MemoryStore;
  readonly behaviour: Behaviour;
}

/** The configuration of oidc-provider: strict where providers are strict, and without its warnings about defaults. */
export function providerConfiguration(parts: Parts): Configuration {
  const { options, store, behaviour } = parts;
  return {
    adapter: (model: string) => store.adapter(model),
    jwks: { keys: [parts.keys.rs256, parts.keys.es256] as JWK[] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    clients: [clientOf(options)],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    routes: ENDPOINT_PATHS,
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'], email: ['email', 'email_verified'], groups: ['groups'] },
    conformIdTokenClaims: options.claimsIn === 'userinfo',
    responseTypes: ['code'],
    pkce: { required: () => true },
    clientBasedCORS: () => false,
    rotateRefreshToken: () => behaviour.rotation === 'one-time',
    ttl: { ...lifetimes, AccessToken: () => behaviour.accessTokenTtl, ClientCredentials: () => behaviour.accessTokenTtl },
    interactions: { policy: prompts(), url: (_ctx, interaction) => `${options.issuerPath}/interaction/${interaction.uid}` },
    renderError: (ctx, out) => {
      ctx.type = 'html';
      ctx.body = errorPage(out.error, out.error_description);
    },
    features: features(parts),
    ...tokenRules(options),
  };
}

const lifetimes = {
  AuthorizationCode: 60,
  Grant: 14 * DAY_S,
  IdToken: 3600,
  Interaction: 3600,
  RefreshToken: 14 * DAY_S,
  Session: 14 * DAY_S,
};

function clientOf(options: ResolvedOptions): ClientMetadata {
  return {
    client_id: options.clientId,
    client_name: 'Cloakroom demo',
    ...(options.clientAuthMethod === 'none' ? {} : { client_secret: options.clientSecret }),
    token_endpoint_auth_method: options.clientAuthMethod,
    redirect_uris: [...options.redirectUris],
    post_logout_redirect_uris: [...options.postLogoutRedirectUris],
    grant_types: [...options.grantTypes],
    response_types: ['code'],
    id_token_signed_response_alg: options.idTokenAlg,
  };
}

/** The usual prompts and `select_account`, which "sign in as someone else" asks for. */
function prompts(): ReturnType<typeof interactionPolicy.base> {
  const policy = interactionPolicy.base();
  policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);
  return policy;
}

function features(parts: Parts): NonNullable<Configuration['features']> {
  return {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    dPoP: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => endAtOnceOrAsk(ctx, form, parts.store),
      postLogoutSuccessSource: (ctx) => {
        ctx.type = 'html';
        ctx.body = signedOutPage();
      },
    },
    resourceIndicators: {
      enabled: parts.options.accessTokenFormat === 'jwt',
      defaultResource: (_ctx, _client, granted) => granted?.[0] ?? DEMO_RESOURCE.indicator,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, indicator) => ({ scope: DEMO_RESOURCE.scope, audience: indicator, accessTokenFormat: 'jwt' }),
    },
  };
}

function tokenRules(options: ResolvedOptions): Pick<Configuration, 'findAccount' | 'issueRefreshToken' | 'extraTokenClaims' | 'formats'> {
  const userById = (id: string | undefined) => options.users.find((user) => user.id === id);
  const sizeFor = (id: string | undefined): number => userById(id)?.accessTokenBytes ?? options.accessTokenBytes;
  return {
    findAccount: (_ctx, sub) => {
      const user = userById(sub);
      return user === undefined ? undefined : { accountId: user.id, claims: () => claimsOf(user) };
    },
    issueRefreshToken: (_ctx, client, source) =>
      client.grantTypeAllowed('refresh_token') &&
      (options.refreshTokenWithoutConsent || source.scopes.has('offline_access')) &&
      userById(source.accountId)?.noRefreshToken !== true,
    extraTokenClaims: (_ctx, token) =>
      options.accessTokenFormat === 'jwt' && 'accountId' in token ? { padding: 'x'.repeat(sizeFor(token.accountId)) } : undefined,
    formats: {
      bitsOfOpaqueRandomness: (_ctx: KoaContextWithOIDC, model) =>
        OPAQUE_CHARACTER_BITS * (model.kind === 'AccessToken' && 'accountId' in model ? sizeFor(String(model.accountId)) : 43),
    },
  };
}
