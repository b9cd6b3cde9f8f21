import type { Secret } from '../kernel/secret.ts';

export interface StaticEndpoints {
  readonly authorization?: string;
  readonly token?: string;
  readonly jwks?: string;
  readonly userinfo?: string;
  readonly revocation?: string;
  readonly endSession?: string;
}

/** What the provider room needs to know of the configuration. Durations in milliseconds, sizes in bytes. */
export interface ProviderOptions {
  /** Compared exactly as published. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: Secret;
  readonly clientAuthMethod: 'client_secret_basic' | 'client_secret_post' | 'none';
  readonly basicEncoding: 'form' | 'raw';
  readonly scope: readonly string[];
  readonly authorizeParams: Readonly<Record<string, string>>;
  readonly tokenParams: Readonly<Record<string, string>>;
  readonly responseMode: 'query' | 'form_post';
  /** Override what discovery says; `authorization`, `token` and `jwks` together replace discovery. */
  readonly endpoints: StaticEndpoints;
  readonly userinfo: 'auto' | 'always' | 'never';
  readonly clockTolerance: number;
  readonly timeout: number;
  readonly metadataRefresh: number;
  readonly maxResponse: number;
  readonly caFile?: string;
  readonly proxy?: string;
}

export interface RefreshGrantOptions {
  /** Send `redirect_uri` with the refresh grant. */
  readonly redirectUri: boolean;
  /** Send `scope` with the refresh grant, never more than was granted. */
  readonly scope?: 'off' | 'granted' | readonly string[];
  /** For access tokens whose lifetime nobody names. */
  readonly fallbackLifetime: number;
}

export interface EndSessionOptions {
  /** URL template with `{clientId}` and `{postLogoutUri}`. */
  readonly endSessionUrl?: string;
}
