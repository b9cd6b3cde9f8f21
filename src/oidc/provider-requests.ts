import * as openid from 'openid-client';
import type { Clock } from '../kernel/clock.ts';
import { errorCode } from '../kernel/error-code.ts';
import { HttpClientError } from '../kernel/http-client-error.ts';
import type { HttpClient } from '../kernel/http-client.ts';
import type { Claims } from '../kernel/claims.ts';
import { clientAuthentication, type ClientAuthentication } from './client-authentication.ts';
import type { CallbackRequest, PasswordLoginRequest } from './identity-provider.ts';
import type { ProviderDocument } from './metadata-document.ts';
import type { ProviderOptions } from './provider-options.ts';
import { ACCESS_TOKEN_TYPE, readTokenAnswer, type TokenAnswer } from './token-answer.ts';

/** `failed`: no response at all; `not-sent`: the library refused to make the request. `cause` is a word. */
export type TokenReply =
  | TokenAnswer
  | { readonly kind: 'failed'; readonly sent: boolean; readonly cause: string }
  | { readonly kind: 'not-sent'; readonly cause: string };

export type UserinfoReply =
  | { readonly kind: 'claims'; readonly claims: Claims }
  | { readonly kind: 'other-subject' }
  | { readonly kind: 'failed'; readonly cause: string };

export interface ProviderRequestsOptions {
  readonly provider: Pick<
    ProviderOptions,
    'issuer' | 'clientId' | 'clientSecret' | 'clientAuthMethod' | 'basicEncoding' | 'tokenParams' | 'scope'
  >;
  /** As registered; the callback's own origin is never asked. */
  readonly redirectUri: string;
  readonly fallbackLifetime: number;
  /** Resources that the user's grant is to cover (RFC 8707 §2.1). */
  readonly resources?: readonly string[];
  readonly http: HttpClient;
  readonly clock: Clock;
}

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

/**
 * The requests of OAuth, made by openid-client and sent by our own HTTP client. The library builds and authenticates them, and checks
 * the authorization response; answers of the token endpoint are read by us and never reach it, because it throws away tokens it has
 * already received when anything about them is odd.
 */
export class ProviderRequests {
  readonly #options: ProviderRequestsOptions;
  readonly #authentication: ClientAuthentication;

  constructor(options: ProviderRequestsOptions) {
    this.#options = options;
    this.#authentication = clientAuthentication(options.provider);
  }

  /** The authorization request with these parameters besides client_id, response_type and the PKCE challenge (S256). */
  async authorizationUrl(document: ProviderDocument, params: Readonly<Record<string, string>>, codeVerifier: string): Promise<string> {
    const challenge = await openid.calculatePKCECodeChallenge(codeVerifier);
    const url = openid.buildAuthorizationUrl(this.#configuration(document), {
      ...params,
      redirect_uri: this.#options.redirectUri,
      response_type: 'code',
      client_id: this.#options.provider.clientId,
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    const { resources = [] } = this.#options;
    const named = url.searchParams.getAll('resource');
    for (const resource of resources) if (!named.includes(resource)) url.searchParams.append('resource', resource);
    return url.href;
  }

  async codeGrant(document: ProviderDocument, request: CallbackRequest): Promise<TokenReply> {
    const callback = new URL(this.#options.redirectUri);
    callback.search = request.params.toString();
    const checks = { expectedState: request.state, pkceCodeVerifier: request.codeVerifier };
    return this.#askForTokens(document, (config) =>
      openid.authorizationCodeGrant(config, callback, checks, { ...this.#options.provider.tokenParams }),
    );
  }

  /** RFC 6749 §4.3.2. */
  async passwordGrant(document: ProviderDocument, { username, password }: PasswordLoginRequest): Promise<TokenReply> {
    const { tokenParams, scope } = this.#options.provider;
    const params = { ...tokenParams, username, password: password.reveal(), scope: scope.join(' ') };
    return this.#askForTokens(document, (config) => openid.genericGrantRequest(config, 'password', params));
  }

  async refreshGrant(document: ProviderDocument, refreshToken: string, params: Readonly<Record<string, string>>): Promise<TokenReply> {
    return this.#askForTokens(document, (config) => openid.refreshTokenGrant(config, refreshToken, params));
  }

  /** RFC 6749 §4.4.2. */
  async clientCredentialsGrant(document: ProviderDocument, params: Readonly<Record<string, string>>): Promise<TokenReply> {
    return this.#askForTokens(document, (config) => openid.clientCredentialsGrant(config, params));
  }

  /** RFC 8693 §2.1: from one access token to another. */
  async tokenExchange(document: ProviderDocument, subjectToken: string, params: Readonly<Record<string, string>>): Promise<TokenReply> {
    const types = { subject_token_type: ACCESS_TOKEN_TYPE, requested_token_type: ACCESS_TOKEN_TYPE };
    const all = { ...params, subject_token: subjectToken, ...types };
    return this.#askForTokens(document, (config) => openid.genericGrantRequest(config, TOKEN_EXCHANGE, all), { exchanged: true });
  }

  /** RFC 7009. `undefined` when the provider took it, else why not, as a word. */
  async revoke(document: ProviderDocument, refreshToken: string): Promise<string | undefined> {
    try {
      await openid.tokenRevocation(this.#configuration(document), refreshToken, { token_type_hint: 'refresh_token' });
      return undefined;
    } catch (error) {
      return causeOf(error);
    }
  }

  /** OIDC Core §5.3. Only a JSON object with the ID token's `sub` counts. */
  async userinfo(document: ProviderDocument, accessToken: string, sub: string): Promise<UserinfoReply> {
    try {
      const claims = await openid.fetchUserInfo(this.#configuration(document), accessToken, sub);
      return { kind: 'claims', claims: claims as Claims };
    } catch (error) {
      const cause = causeOf(error);
      return cause === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED' ? { kind: 'other-subject' } : { kind: 'failed', cause };
    }
  }

  async #askForTokens(
    document: ProviderDocument,
    ask: (config: openid.Configuration) => Promise<unknown>,
    expected: { readonly exchanged?: true } = {},
  ): Promise<TokenReply> {
    const got: { reply?: TokenReply } = {};
    const fetch: openid.CustomFetch = async (url, init) => {
      got.reply = await this.#send(url, init, expected);
      return Response.json({ access_token: 'kept', token_type: 'bearer' });
    };
    try {
      await ask(this.#configuration(document, fetch));
    } catch (error) {
      return got.reply ?? { kind: 'not-sent', cause: causeOf(error) };
    }
    return got.reply ?? { kind: 'not-sent', cause: 'no_request' };
  }

  async #send(url: string, init: openid.CustomFetchOptions, expected: { readonly exchanged?: true }): Promise<TokenReply> {
    const sentAt = this.#options.clock.now();
    try {
      const response = await this.#fetch(url, init);
      return await readTokenAnswer(response, { sentAt, fallbackLifetime: this.#options.fallbackLifetime, ...expected });
    } catch (error) {
      if (!(error instanceof HttpClientError)) throw error;
      return { kind: 'failed', sent: error.sent, cause: error.reason };
    }
  }

  #fetch(url: string, { method, headers, body }: openid.CustomFetchOptions): Promise<Response> {
    if (body !== null && body !== undefined && !(body instanceof URLSearchParams)) throw new TypeError('only form bodies are sent');
    return this.#options.http.fetch(url, { method, headers, ...(body instanceof URLSearchParams ? { body: body.toString() } : {}) });
  }

  /** One per request: openid-client has one fetch per configuration, and ours remembers the answer of one request. */
  #configuration(document: ProviderDocument, fetch?: openid.CustomFetch): openid.Configuration {
    const config = new openid.Configuration(toServerMetadata(document), this.#options.provider.clientId, undefined, this.#authentication);
    config[openid.customFetch] = fetch ?? ((url, init) => this.#fetch(url, init));
    config.timeout = 0; // our client has the time limit, and knows what was sent
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked only to stand out; see below which documents have such endpoints
    if (hasHttpEndpoint(document)) openid.allowInsecureRequests(config);
    return config;
  }
}

/** Those of a development issuer on http, and configured ones: the configuration takes http for loopback addresses only. */
function hasHttpEndpoint({ authorizationEndpoint, tokenEndpoint, userinfoEndpoint, revocationEndpoint }: ProviderDocument): boolean {
  return [authorizationEndpoint, tokenEndpoint, userinfoEndpoint, revocationEndpoint].some((url) => url?.startsWith('http:') === true);
}

function toServerMetadata(document: ProviderDocument): openid.ServerMetadata {
  return {
    issuer: document.issuer,
    authorization_endpoint: document.authorizationEndpoint,
    token_endpoint: document.tokenEndpoint,
    authorization_response_iss_parameter_supported: document.issPromised,
    ...(document.userinfoEndpoint === undefined ? {} : { userinfo_endpoint: document.userinfoEndpoint }),
    ...(document.revocationEndpoint === undefined ? {} : { revocation_endpoint: document.revocationEndpoint }),
  };
}

/** The library's error code. Never its message or cause: those may quote tokens. */
function causeOf(error: unknown): string {
  const own = error instanceof Error && error.cause instanceof HttpClientError ? error.cause : error;
  if (own instanceof HttpClientError) return own.reason;
  return errorCode(own) ?? 'unexpected';
}
