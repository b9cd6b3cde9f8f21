import type {
  AuthorizationRequest,
  CallbackRequest,
  EndSessionRequest,
  ExchangeOutcome,
  IdentityProvider,
  PasswordLoginRequest,
  ProviderUnavailable,
  RefreshOutcome,
  RefreshRequest,
  RevokeOutcome,
} from '../../src/oidc/identity-provider.ts';
import { FakeProvider, accessTokenOf, refreshTokenOf } from './fake-provider.ts';

type SignedIn = Extract<ExchangeOutcome, { kind: 'signed-in' }>;

export const ISSUER = 'https://id.example.com';
export const ID_TOKEN = 'eyJ.id-token-of-alice.sig';

/** A provider without a network, for the endpoints: every code signs alice in, unless an outcome was scripted. */
export class AuthProvider implements IdentityProvider {
  readonly issuer = ISSUER;
  readonly grants: FakeProvider;
  readonly authorizations: AuthorizationRequest[] = [];
  readonly exchanges: CallbackRequest[] = [];
  readonly passwordLogins: PasswordLoginRequest[] = [];
  readonly endSessions: EndSessionRequest[] = [];
  /** Discovery has not succeeded yet. */
  unknown = false;
  hasEndSession = true;
  outcome: (() => ExchangeOutcome | Promise<ExchangeOutcome>) | undefined;
  readonly #clock: { now(): number };

  constructor(clock: { now(): number }) {
    this.#clock = clock;
    this.grants = new FakeProvider(clock);
  }

  get revoked(): readonly string[] {
    return this.grants.revoked;
  }

  signedIn(change: Partial<SignedIn> = {}): SignedIn {
    const now = this.#clock.now();
    return {
      kind: 'signed-in',
      sub: 'alice',
      claims: { sub: 'alice', name: 'Alice', email: 'alice@example.com', email_verified: true, groups: ['staff'], iss: ISSUER },
      providerSid: 'provider-sid',
      idTokenIssuedAt: Math.floor(now / 1000),
      tokens: {
        accessToken: accessTokenOf('alice', 1),
        accessTokenExpiresAt: now + 300_000,
        refreshToken: refreshTokenOf('alice', 1),
        idToken: ID_TOKEN,
        scope: ['openid', 'profile'],
      },
      ...change,
    };
  }

  async authorizationUrl(request: AuthorizationRequest): Promise<{ kind: 'ready'; url: string } | ProviderUnavailable> {
    if (this.unknown) return { kind: 'unavailable', retryAfter: 7 };
    this.authorizations.push(request);
    const query = new URLSearchParams({ ...request.params, state: request.state, nonce: request.nonce });
    return { kind: 'ready', url: `${ISSUER}/authorize?${query.toString()}` };
  }

  async exchange(request: CallbackRequest): Promise<ExchangeOutcome> {
    this.exchanges.push(request);
    return this.outcome === undefined ? this.signedIn() : this.outcome();
  }

  async passwordLogin(request: PasswordLoginRequest): Promise<ExchangeOutcome> {
    this.passwordLogins.push(request);
    return this.outcome === undefined ? this.signedIn() : this.outcome();
  }

  endSessionUrl(request: EndSessionRequest): string | undefined {
    if (!this.hasEndSession || this.unknown) return undefined;
    this.endSessions.push(request);
    const { idToken, logoutHint, postLogoutRedirectUri, state } = request;
    const by: Record<string, string> = idToken === undefined ? { client_id: 'app' } : { id_token_hint: idToken };
    if (logoutHint !== undefined) by['logout_hint'] = logoutHint;
    if (state !== undefined) by['state'] = state;
    return `${ISSUER}/end?${new URLSearchParams({ ...by, post_logout_redirect_uri: postLogoutRedirectUri }).toString()}`;
  }

  ready(): true {
    return true;
  }

  refresh(request: RefreshRequest): Promise<RefreshOutcome> {
    return this.grants.refresh(request);
  }

  revoke(refreshToken: string): Promise<RevokeOutcome> {
    return this.grants.revoke(refreshToken);
  }

  status(): 'up' | 'unknown' {
    return this.unknown ? 'unknown' : 'up';
  }

  start(): void {}

  async close(): Promise<void> {}
}
