import { createHash, randomBytes } from 'node:crypto';
import type { DevProvider } from '../../../demo/provider/dev-provider.ts';
import { UserAgent, type Trail } from '../user-agent.ts';

/** An answer of the token endpoint, status and JSON together. */
export type TokenAnswer = { readonly status: number; readonly retryAfter: string | null } & Readonly<Record<string, unknown>>;

const APP_ORIGIN = 'http://localhost:3999';
export const REDIRECT_URI = `${APP_ORIGIN}/bff/callback`;
export const POST_LOGOUT_URI = `${APP_ORIGIN}/bff/logged-out`;

/** Speaks to the development provider as a bare OAuth client, to test the provider itself. Nothing listens at its redirect URI. */
export class DirectClient {
  readonly agent = new UserAgent({ origin: APP_ORIGIN });
  readonly #provider: DevProvider;
  readonly #verifier = randomBytes(32).toString('base64url');

  constructor(provider: DevProvider) {
    this.#provider = provider;
  }

  /** From the authorization request to the first page, or to the callback when nothing is asked. */
  authorize(params: Readonly<Record<string, string>> = {}): Promise<Trail> {
    const url = new URL(`${this.#provider.issuer}/v1/authorize`);
    url.search = new URLSearchParams({
      client_id: this.#provider.clientId,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid profile email offline_access',
      prompt: 'consent',
      state: 'state-1',
      nonce: 'nonce-1',
      code_challenge: createHash('sha256').update(this.#verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...params,
    }).toString();
    return this.agent.navigate(url.href, { until: isCallback });
  }

  /** Picks a user and returns the authorization response's parameters. */
  async pick(user: string): Promise<URLSearchParams> {
    const trail = await this.agent.signIn(user, { until: isCallback });
    return callbackParams(trail);
  }

  exchange(code: string): Promise<TokenAnswer> {
    return this.token({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: this.#verifier });
  }

  async login(user: string, params?: Readonly<Record<string, string>>): Promise<TokenAnswer> {
    await this.authorize(params);
    const answer = await this.pick(user);
    return this.exchange(answer.get('code') ?? '');
  }

  refresh(refreshToken: unknown): Promise<TokenAnswer> {
    return this.token({ grant_type: 'refresh_token', refresh_token: String(refreshToken) });
  }

  async token(body: Readonly<Record<string, string>>, authorization = this.basic()): Promise<TokenAnswer> {
    const response = await this.post('/v1/token', body, authorization);
    const answer = (await response.json()) as Record<string, unknown>;
    return { ...answer, status: response.status, retryAfter: response.headers.get('retry-after') };
  }

  post(path: string, body: Readonly<Record<string, string>>, authorization: string | undefined = this.basic()): Promise<Response> {
    const headers: Record<string, string> = authorization === '' ? {} : { authorization };
    return fetch(this.#provider.issuer + path, { method: 'POST', headers, body: new URLSearchParams(body) });
  }

  basic(): string {
    const pair = [this.#provider.clientId, this.#provider.clientSecret].map(encodeURIComponent).join(':');
    return `Basic ${Buffer.from(pair).toString('base64')}`;
  }
}

export function isCallback(url: URL): boolean {
  return url.origin === APP_ORIGIN;
}

export function callbackParams(trail: Trail): URLSearchParams {
  if (trail.stoppedAt === undefined) throw new Error(`No callback; the navigation ended at ${trail.page.url} (${trail.page.status})`);
  return new URL(trail.stoppedAt).searchParams;
}
