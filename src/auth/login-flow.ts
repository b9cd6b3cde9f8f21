import { FailureError } from '../kernel/errors.ts';
import type { OwnResponse } from '../kernel/failure-response.ts';
import type { AuthParts } from './auth-parts.ts';
import { singleParam, type EndpointRequest } from './endpoint-request.ts';
import { failureAnswer, redirectTo } from './own-answers.ts';
import { safeReturnTo, safeTargetLink } from './return-to.ts';
import { sidOf } from './session-gate.ts';
import { withoutSilentError } from './silent-error.ts';
import { isUserNavigation } from './user-navigation.ts';

/** Whatever the configuration passes on, these stay ours (A74). */
const OURS: ReadonlySet<string> = new Set([
  ...['client_id', 'redirect_uri', 'response_type', 'response_mode', 'state', 'nonce', 'code_challenge', 'code_challenge_method'],
  ...['scope', 'request', 'request_uri'],
]);

type Parts = Pick<
  AuthParts,
  'urls' | 'identityProvider' | 'attempts' | 'resolver' | 'sessionCookie' | 'delivery' | 'options' | 'clock' | 'logger'
>;

interface WantedLogin {
  readonly returnTo: string;
  readonly params: Readonly<Record<string, string>>;
  readonly maxAge?: number;
}

/** The start of a login: from a click of the user to the provider's page. */
export class LoginFlow {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async start(request: EndpointRequest): Promise<OwnResponse> {
    if (!isUserNavigation(request.headers)) {
      throw new FailureError({ code: 'navigation_required', detail: 'A login begins with a top-level navigation, never with a script.' });
    }
    const wanted = this.#wanted(request.query);
    const session = await this.#currentSession(request);
    const attempt = await this.#parts.attempts.begin({
      returnTo: wanted.returnTo,
      silent: wanted.params['prompt'] === 'none',
      ...(session.sid === undefined ? {} : { previousSid: session.sid }),
      ...(wanted.maxAge === undefined ? {} : { maxAge: wanted.maxAge }),
      ...(request.headers.cookie === undefined ? {} : { cookieHeader: request.headers.cookie }),
    });
    const { state, nonce, codeVerifier } = attempt;
    const target = await this.#parts.identityProvider.authorizationUrl({ state, nonce, codeVerifier, params: wanted.params });
    if (target.kind === 'unavailable') return this.#unavailable(request, target.retryAfter);
    this.#parts.logger.debug('login_started', { requestId: request.requestId });
    return redirectTo(302, target.url, [...attempt.setCookies, ...session.clearing]);
  }

  #wanted(query: URLSearchParams): WantedLogin {
    const { urls, identityProvider, options } = this.#parts;
    const issuer = singleParam(query, 'iss');
    const targetLink = singleParam(query, 'target_link_uri');
    const returnTo = singleParam(query, 'returnTo');
    const params: Record<string, string> = {};
    for (const name of options.loginParams) {
      const value = singleParam(query, name);
      if (value !== undefined && !OURS.has(name)) params[name] = value;
    }
    if (issuer !== undefined && issuer !== identityProvider.issuer) {
      throw new FailureError({
        code: 'login_failed',
        reason: 'issuer_mismatch',
        detail: 'This site does not know that identity provider.',
      });
    }
    // Before it is judged: what we once put into it must not make it too long.
    const fresh = (wanted: string | undefined): string | undefined => wanted && withoutSilentError(wanted, options.silentErrorParam);
    const destination = returnTo === undefined ? safeTargetLink(fresh(targetLink), urls) : safeReturnTo(fresh(returnTo), urls);
    return { returnTo: destination, params, ...maxAgeOf(params['max_age']) };
  }

  /** The session that this login will replace, if its cookie came along (Strict: not after a click on another site). */
  async #currentSession(request: EndpointRequest): Promise<{ sid: string | undefined; clearing: readonly string[] }> {
    const { resolver, sessionCookie, delivery } = this.#parts;
    const presented = sessionCookie.read(request.headers.cookie);
    const lookup = await resolver.resolve(presented);
    return { sid: sidOf(lookup), clearing: delivery.clearing(lookup, presented) };
  }

  #unavailable(request: EndpointRequest, retryAfter: number): OwnResponse {
    const failure = { code: 'provider_unavailable', retryAfter, detail: 'The identity provider cannot be reached right now.' } as const;
    const href = `${this.#parts.urls.base}/login${request.search}`;
    return failureAnswer(failure, request, this.#parts.urls, { action: { kind: 'link', href, label: 'Try again' } });
  }
}

function maxAgeOf(value: string | undefined): { maxAge?: number } {
  if (value === undefined) return {};
  if (!/^\d{1,9}$/.test(value)) throw new FailureError({ code: 'bad_request', detail: 'max_age must be a number of seconds.' });
  return { maxAge: Number(value) };
}
