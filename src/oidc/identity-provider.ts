import type { Claims } from '../kernel/claims.ts';
import type { Secret } from '../kernel/secret.ts';
import type { TokenTarget } from './token-target.ts';

/** `unavailable`: nothing was sent or nothing usable came back; trying later is right. Seconds. */
export interface ProviderUnavailable {
  readonly kind: 'unavailable';
  readonly retryAfter: number;
}

/** The tokens of one answer of the token endpoint (RFC 6749 §5.1). */
export interface TokenSet {
  readonly accessToken: string;
  /** Milliseconds since the epoch, counted from before the request was sent; always finite. */
  readonly accessTokenExpiresAt: number;
  readonly refreshToken?: string;
  readonly idToken?: string;
  /** Absent when the answer names none: then the scope is the requested one (RFC 6749 §5.1). */
  readonly scope?: readonly string[];
}

/**
 * A login that could not be finished now. `spent`: the code may have been redeemed, so the same callback will not do again and a new
 * login must begin; `false`: nothing happened to it, and a reload repeats everything.
 */
export interface ExchangeUnavailable extends ProviderUnavailable {
  readonly spent: boolean;
}

export interface AuthorizationRequest {
  readonly state: string;
  readonly nonce: string;
  /** PKCE verifier (RFC 7636); the challenge method is always S256. */
  readonly codeVerifier: string;
  /** Parameters the login URL may pass on, already allow-listed. They override `provider.authorizeParams`; `prompt` joins the configured one. */
  readonly params: Readonly<Record<string, string>>;
}

export interface CallbackRequest {
  /** The parameters of the authorization response, exactly as they arrived (query or form body). */
  readonly params: URLSearchParams;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** `max_age` of the authorization request, when it had one: checked against `auth_time`. Seconds. */
  readonly maxAge?: number;
}

/** Credentials on their way through (RFC 6749 §4.3): spent once, kept nowhere. */
export interface PasswordLoginRequest {
  readonly username: string;
  readonly password: Secret;
}

export type ExchangeOutcome =
  | {
      readonly kind: 'signed-in';
      readonly tokens: TokenSet;
      /** ID-token claims, completed from userinfo as configured. `sub` is always in. */
      readonly claims: Claims;
      readonly sub: string;
      readonly providerSid?: string;
      /** `iat` of the ID token, seconds. */
      readonly idTokenIssuedAt: number;
    }
  | {
      readonly kind: 'refused';
      readonly reason: 'state_mismatch' | 'issuer_mismatch' | 'provider_error' | 'id_token_invalid' | 'exchange_refused';
      /** OAuth error code from the registered set, else `other`. */
      readonly providerError?: string;
      /** A short word for the log: which check failed. Never a value. */
      readonly check: string;
      /** What the developer who registered the client should look at, in our own words. */
      readonly advice?: string;
    }
  | ExchangeUnavailable;

/** `no-endpoint`: the provider offers no revocation, and nothing was sent. */
export type RevokeOutcome = 'revoked' | 'no-endpoint' | 'failed';

export type RefreshOutcome =
  /** `claims` are set only when a refreshed ID token was validated and belongs to the same `sub`. They may be fewer than at login. */
  | { readonly kind: 'granted'; readonly tokens: TokenSet; readonly claims?: Claims }
  /**
   * The refreshed ID token names another subject, or is unsigned, forged, or for somebody else (OIDC Core §12.2). The session must
   * end; the new tokens must be revoked.
   */
  | { readonly kind: 'subject-changed'; readonly tokens: TokenSet }
  /** The token endpoint answered with an OAuth error (RFC 6749 §5.2). Which errors end a session is the refresh policy's decision. */
  | { readonly kind: 'refused'; readonly error: string; readonly status: number }
  /** 429. Seconds; `assumed` when the provider named no time. */
  | { readonly kind: 'throttled'; readonly retryAfter: number; readonly assumed?: true }
  /**
   * No usable answer. `sent: false`: not one byte of the request was written (refused, DNS, connect, TLS, no metadata yet), so
   * repeating is harmless; `true`: the provider may have rotated the token (reset, timeout, 5xx, unreadable).
   */
  | { readonly kind: 'failed'; readonly sent: boolean; readonly cause: string; readonly retryAfter?: number };

export interface RefreshRequest {
  readonly refreshToken: string;
  /** The session's subject, for the continuity check of a refreshed ID token. */
  readonly sub: string;
  /** The granted scope of the session, used when `refresh.scope` is configured. */
  readonly scope: readonly string[];
  /** The access token is wanted for this instead of what the session's own is for. */
  readonly target?: TokenTarget;
}

export interface EndSessionRequest {
  readonly idToken?: string;
  /** `sub` or e-mail, sent as logout_hint when there is no ID token. */
  readonly logoutHint?: string;
  readonly postLogoutRedirectUri: string;
  readonly state?: string;
}

/** The answer of `refresh` waits no longer than this for keys that its new ID token needs and that must be fetched first: tokens were granted already. */
export const ID_TOKEN_WAIT_MS = 1000;

/** The OpenID provider, as the rest of the house sees it. One frontend has one. */
export interface IdentityProvider {
  readonly issuer: string;
  /** `unknown` before the first discovery ended either way. Never waits. */
  status(): 'up' | 'down' | 'unknown';
  /** Begins background discovery; returns at once and never throws for a provider that is down. */
  start(): void;
  close(): Promise<void>;
  authorizationUrl(request: AuthorizationRequest): Promise<{ readonly kind: 'ready'; readonly url: string } | ProviderUnavailable>;
  /**
   * Checks the authorization response and exchanges the code. Not idempotent: the caller single-flights by state. A refresh token that
   * came and brings no login is handed back to the provider.
   */
  exchange(request: CallbackRequest): Promise<ExchangeOutcome>;
  /** The password grant, for legacy clients that have switched it on. The same outcomes as `exchange`; `provider.scope` is asked for. */
  passwordLogin(request: PasswordLoginRequest): Promise<ExchangeOutcome>;
  /** Whether requests can be made at all: the metadata is known, or was found by one attempt on demand. */
  ready(): boolean | Promise<boolean>;
  /** Waits for no metadata: see `ready`. */
  refresh(request: RefreshRequest): Promise<RefreshOutcome>;
  /** RFC 7009. Best effort. `failed`: it was not answered with 200, and the implementation has logged why; callers need not. */
  revoke(refreshToken: string): Promise<RevokeOutcome>;
  /** RP-Initiated Logout 1.0. `undefined` when the provider has no end_session_endpoint or its metadata is not known. Never waits. */
  endSessionUrl(request: EndSessionRequest): string | undefined;
}
