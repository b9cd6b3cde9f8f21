import type { Clock } from '../kernel/clock.ts';
import { mergedParams } from './authorization-params.ts';
import { createHttpClient, type HttpClient } from '../kernel/http-client.ts';
import type { Logger } from '../kernel/logger.ts';
import type { AuthoritiesOutcome } from '../kernel/trusted-connections.ts';
import { systemTimer, within, type Timer } from '../kernel/timer.ts';
import { buildEndSessionUrl, fillEndSessionTemplate } from './end-session.ts';
import { DistributedClaims } from './distributed-claims.ts';
import { CodeExchange } from './code-exchange.ts';
import { GrantAdvice } from './grant-advice.ts';
import { IdTokenVerifier } from './id-token-verifier.ts';
import {
  ID_TOKEN_WAIT_MS,
  type AuthorizationRequest,
  type CallbackRequest,
  type EndSessionRequest,
  type ExchangeOutcome,
  type IdentityProvider,
  type PasswordLoginRequest,
  type ProviderUnavailable,
  type RefreshOutcome,
  type RefreshRequest,
  type RevokeOutcome,
  type TokenSet,
} from './identity-provider.ts';
import type { ProviderDocument } from './metadata-document.ts';
import { MissingRefreshToken } from './missing-refresh-token.ts';
import { PasswordGrant } from './password-grant.ts';
import { ProviderKeys } from './provider-keys.ts';
import { ProviderMetadata } from './provider-metadata.ts';
import type { EndSessionOptions, ProviderOptions, RefreshGrantOptions } from './provider-options.ts';
import { ProviderRequests } from './provider-requests.ts';
import { breaksContinuity, toRefreshFailure } from './refresh-outcome.ts';
import { SignIn } from './sign-in.ts';
import { TargetGrants } from './target-grants.ts';
import type { TargetGrantOutcome, TokenIssuer } from './token-issuer.ts';
import { targetParams, type TokenTarget } from './token-target.ts';
import { TokenRevoker } from './token-revoker.ts';
import { UserinfoClaims } from './userinfo-claims.ts';

const RETRY_AFTER_S = 5;

export interface OpenIdIdentityProviderOptions {
  readonly provider: ProviderOptions;
  /** `<publicUrl><basePath>/callback`, as registered at the provider. */
  readonly redirectUri: string;
  readonly refresh: RefreshGrantOptions;
  readonly logout: EndSessionOptions;
  /** Claims the session keeps: when one is missing in the ID token, `userinfo: auto` asks for it. */
  readonly wantedClaims: readonly string[];
  /** Resources that logins ask for besides the provider's default (RFC 8707 §2.1). */
  readonly resources?: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Another client than the one made from `provider`'s timeout, limits, CA and proxy. */
  readonly http?: HttpClient;
  readonly timer?: Timer;
}

/** Any OpenID provider, by discovery or by configured endpoints. It may be down at any time: nothing here throws because of that. */
export class OpenIdIdentityProvider implements IdentityProvider, TokenIssuer {
  readonly issuer: string;
  readonly #options: OpenIdIdentityProviderOptions;
  readonly #http: HttpClient;
  readonly #timer: Timer;
  readonly #metadata: ProviderMetadata;
  readonly #keys: ProviderKeys;
  readonly #requests: ProviderRequests;
  readonly #idTokens: IdTokenVerifier;
  readonly #revoker: TokenRevoker;
  readonly #targetGrants: TargetGrants;
  readonly #advice: GrantAdvice;
  readonly #codeExchange: CodeExchange;
  readonly #passwordGrant: PasswordGrant;
  readonly #redirectUri: string;

  constructor(options: OpenIdIdentityProviderOptions) {
    const { provider, clock, logger, refresh } = options;
    this.issuer = provider.issuer;
    this.#options = options;
    this.#redirectUri = new URL(options.redirectUri).href;
    this.#http = options.http ?? createHttpClient({ ...provider, onAuthorities: (outcome) => logAuthorities(logger, outcome) });
    this.#timer = options.timer ?? systemTimer;
    const common = { http: this.#http, clock, logger, timer: this.#timer };
    this.#metadata = new ProviderMetadata({ ...common, provider, onLoaded: () => this.#keys.refresh() });
    const interval = this.#metadata.isStatic ? { interval: provider.metadataRefresh } : {};
    this.#keys = new ProviderKeys({ ...common, ...interval, jwksUri: () => this.#metadata.current?.jwksUri });
    this.#requests = new ProviderRequests({
      provider,
      redirectUri: this.#redirectUri,
      fallbackLifetime: refresh.fallbackLifetime,
      ...(options.resources === undefined ? {} : { resources: options.resources }),
      http: this.#http,
      clock,
    });
    const { issuer, clientId, clockTolerance } = provider;
    this.#idTokens = new IdTokenVerifier({ keys: this.#keys, clock, issuer, clientId, clockTolerance });
    this.#revoker = new TokenRevoker({ metadata: this.#metadata, requests: this.#requests, logger });
    this.#targetGrants = new TargetGrants({ metadata: this.#metadata, requests: this.#requests });
    const offlineAccess = provider.scope.includes('offline_access');
    this.#advice = new GrantAdvice({ clock, logger, offlineAccess });
    const signIn = new SignIn({
      idTokens: this.#idTokens,
      userinfo: new UserinfoClaims({ requests: this.#requests, logger, mode: provider.userinfo, wantedClaims: options.wantedClaims }),
      distributedClaims: new DistributedClaims(clock, logger, options.wantedClaims),
      missingRefreshToken: new MissingRefreshToken(clock, logger),
      revoker: this.#revoker,
      refreshTokenExpected: offlineAccess || provider.authorizeParams['access_type'] === 'offline',
    });
    const login = { metadata: this.#metadata, keys: this.#keys, requests: this.#requests, signIn, advice: this.#advice };
    this.#codeExchange = new CodeExchange(login);
    this.#passwordGrant = new PasswordGrant(login);
  }

  status(): 'up' | 'down' | 'unknown' {
    return this.#metadata.isStatic ? this.#keys.status : this.#metadata.status;
  }

  start(): void {
    this.#metadata.start();
  }

  async close(): Promise<void> {
    this.#metadata.close();
    this.#keys.close();
    await this.#http.close();
  }

  async authorizationUrl(request: AuthorizationRequest): Promise<{ kind: 'ready'; url: string } | ProviderUnavailable> {
    const document = await this.#metadata.ready();
    if (document === undefined) return { kind: 'unavailable', retryAfter: RETRY_AFTER_S };
    const { provider } = this.#options;
    const params = {
      scope: provider.scope.join(' '),
      ...mergedParams(provider.authorizeParams, request.params),
      ...(provider.responseMode === 'query' ? {} : { response_mode: provider.responseMode }),
      state: request.state,
      nonce: request.nonce,
    };
    return { kind: 'ready', url: await this.#requests.authorizationUrl(document, params, request.codeVerifier) };
  }

  exchange(request: CallbackRequest): Promise<ExchangeOutcome> {
    return this.#codeExchange.exchange(request);
  }

  passwordLogin(request: PasswordLoginRequest): Promise<ExchangeOutcome> {
    return this.#passwordGrant.login(request);
  }

  ready(): boolean | Promise<boolean> {
    return this.#metadata.current !== undefined || this.#metadata.ready().then((document) => document !== undefined);
  }

  async refresh(request: RefreshRequest): Promise<RefreshOutcome> {
    const document = this.#metadata.current;
    if (document === undefined) return { kind: 'failed', sent: false, cause: 'metadata_unknown', retryAfter: RETRY_AFTER_S };
    const reply = await this.#requests.refreshGrant(document, request.refreshToken, this.#refreshParams(request));
    if (reply.kind === 'error') this.#advice.give('refresh', reply.error);
    if (reply.kind !== 'tokens') return toRefreshFailure(reply);
    return this.#judgeRefreshed(document, reply.tokens, request.sub);
  }

  clientCredentials(target: TokenTarget): Promise<TargetGrantOutcome> {
    return this.#targetGrants.clientCredentials(target);
  }

  exchangeToken(subjectToken: string, target: TokenTarget): Promise<TargetGrantOutcome> {
    return this.#targetGrants.exchange(subjectToken, target);
  }

  revoke(refreshToken: string): Promise<RevokeOutcome> {
    return this.#revoker.revoke(refreshToken);
  }

  endSessionUrl(request: EndSessionRequest): string | undefined {
    const { provider, logout } = this.#options;
    if (logout.endSessionUrl !== undefined) {
      return fillEndSessionTemplate(logout.endSessionUrl, provider.clientId, request.postLogoutRedirectUri);
    }
    const endpoint = this.#metadata.current?.endSessionEndpoint;
    return endpoint === undefined ? undefined : buildEndSessionUrl(endpoint, provider.clientId, request);
  }

  #refreshParams(request: RefreshRequest): Record<string, string> {
    const { redirectUri, scope = 'off' } = this.#options.refresh;
    const wanted = typeof scope === 'string' ? request.scope : scope.filter((word) => request.scope.includes(word));
    return {
      ...(redirectUri ? { redirect_uri: this.#redirectUri } : {}),
      ...(scope === 'off' || wanted.length === 0 ? {} : { scope: wanted.join(' ') }),
      ...targetParams(request.target ?? {}),
    };
  }

  /** The tokens are ours already, whatever the ID token says: only a broken continuity of the user costs the session. */
  async #judgeRefreshed(document: ProviderDocument, tokens: TokenSet, sub: string): Promise<RefreshOutcome> {
    if (tokens.idToken === undefined) return { kind: 'granted', tokens };
    const verdict = await within(this.#idTokens.verify(tokens.idToken, document.algorithms), ID_TOKEN_WAIT_MS, this.#timer);
    if (verdict?.kind === 'valid' && verdict.sub === sub) return { kind: 'granted', tokens, claims: verdict.claims };
    const check = verdict?.kind === 'valid' ? 'sub' : verdict?.kind === 'invalid' ? verdict.check : 'keys_unavailable';
    this.#options.logger.warn('refreshed_id_token_refused', { check });
    return breaksContinuity(check) ? { kind: 'subject-changed', tokens } : { kind: 'granted', tokens };
  }
}

function logAuthorities(logger: Logger, outcome: AuthoritiesOutcome): void {
  if (outcome.kind === 'renewed') logger.info('provider_certificates_renewed');
  else logger.warn('provider_certificates_unusable', { file: 'caFile', problem: outcome.problem });
}
