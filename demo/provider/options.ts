import { DEMO_USERS, type DemoUser } from './users.ts';
import type { SigningKeys } from './signing-keys.ts';

export type ClientAuthMethod = 'client_secret_basic' | 'client_secret_post' | 'none';

/** How the provider treats refresh tokens: `one-time` rotates at every use (see `leeway`), `static` never rotates. */
export type Rotation = 'one-time' | 'static';

export interface DevProviderOptions {
  /** 0 = any free port. */
  readonly port?: number;
  readonly host?: string;
  /** Path of the issuer; the endpoints lie below it. `''` = an issuer without a path. */
  readonly issuerPath?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** Enforced: another method is refused with 401 `invalid_client`. */
  readonly clientAuthMethod?: ClientAuthMethod;
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris?: readonly string[];
  /** Without `refresh_token` the client never gets a refresh token; with `password` it may send a user's name and password. */
  readonly grantTypes?: readonly string[];
  readonly rotation?: Rotation;
  /** A login without `prompt=consent` brings a refresh token too, as Okta's do; else oidc-provider leaves `offline_access` out of it. */
  readonly refreshTokenWithoutConsent?: boolean;
  /** Seconds for which a rotated refresh token is still accepted. Okta: 0 to 60. */
  readonly leeway?: number;
  /** Seconds. */
  readonly accessTokenTtl?: number;
  readonly accessTokenFormat?: 'opaque' | 'jwt';
  /** Makes access tokens at least this long, for users without a size of their own. */
  readonly accessTokenBytes?: number;
  /** Where name, e-mail and groups are found. */
  readonly claimsIn?: 'id_token' | 'userinfo';
  readonly idTokenAlg?: 'RS256' | 'ES256';
  readonly users?: readonly DemoUser[];
  /** Reuse keys between providers of one test file to save their making; by default every start makes its own. */
  readonly signingKeys?: SigningKeys;
  /** Speaks TLS with this certificate, PEM, and has an issuer on https. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export type ResolvedOptions = Required<Omit<DevProviderOptions, 'signingKeys' | 'tls'>>;

const DEFAULTS = {
  port: 0,
  host: '127.0.0.1',
  issuerPath: '/oauth2/default',
  clientId: 'cloakroom',
  clientSecret: 'a-secret_of~the.demo',
  clientAuthMethod: 'client_secret_basic',
  postLogoutRedirectUris: [],
  grantTypes: ['authorization_code', 'refresh_token'],
  rotation: 'one-time',
  refreshTokenWithoutConsent: false,
  leeway: 0,
  accessTokenTtl: 60,
  accessTokenFormat: 'opaque',
  accessTokenBytes: 43,
  claimsIn: 'id_token',
  idTokenAlg: 'RS256',
  users: DEMO_USERS,
} as const satisfies Partial<DevProviderOptions>;

export function resolveOptions(options: DevProviderOptions): ResolvedOptions {
  const { signingKeys: _, tls: _tls, ...given } = options;
  return { ...DEFAULTS, ...given };
}
