import { NOT_ADMITTED } from '../access/access-policy.ts';
import type { ErrorDetails } from '../kernel/errors.ts';
import type { OwnResponse } from '../kernel/failure-response.ts';
import { loginLink } from '../kernel/login-link.ts';
import type { ExchangeOutcome } from '../oidc/identity-provider.ts';
import type { LoginAttempt } from '../session/login-attempt.ts';
import type { AuthParts } from './auth-parts.ts';
import type { EndpointRequest } from './endpoint-request.ts';
import { overBudget } from './over-budget.ts';
import { continueTo, failureAnswer } from './own-answers.ts';
import { homeOf, loginUrlOf } from './public-urls.ts';
import { safeReturnTo } from './return-to.ts';
import { withSilentError } from './silent-error.ts';
import type { SignedIn } from './session-start.ts';
import { continueBack } from './way-back.ts';

type Unavailable = Extract<ExchangeOutcome, { kind: 'unavailable' }>;
type Parts = Pick<AuthParts, 'urls' | 'goesOnByItself' | 'attempts' | 'options' | 'logger'>;

/** Why a login failed: `reason` for the page, `check` for the log. Never a value of the provider's answer. */
export interface RefusedLogin extends Pick<ErrorDetails, 'providerError'> {
  readonly reason: string;
  readonly check: string;
  /** The attempt that is over, when its state is known. */
  readonly state?: string;
  readonly returnTo?: string;
  /** For the developer who reads the page: what to look at. */
  readonly advice?: string;
}

const SORRY = 'The sign-in did not work. Nothing about a session you may already have was changed.';
const UNAVAILABLE = 'The identity provider cannot be reached right now.';

/** What the callback says, in every case of its table. All of them expire the attempt, except the one that may be tried again. */
export class CallbackAnswers {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  signedIn(request: EndpointRequest, attempt: LoginAttempt, setCookies: readonly string[]): OwnResponse {
    const { attempts, logger } = this.#parts;
    logger.info('login_succeeded', { requestId: request.requestId });
    return continueTo(this.#continueUrl(attempt.returnTo, '&fresh=1'), 'Signed in', [...setCookies, ...attempts.finish(attempt.state)]);
  }

  /** A reload, the back button, a bookmark, another browser: `continue` finds out whether there is a session. */
  unknownAttempt(cookies: readonly string[] = []): OwnResponse {
    return continueTo(this.#continueUrl(homeOf(this.#parts.urls)), 'One moment', cookies);
  }

  refused(request: EndpointRequest, { reason, check, providerError, state, returnTo, advice }: RefusedLogin): OwnResponse {
    const { urls, attempts, logger } = this.#parts;
    logger.warn('login_failed', { requestId: request.requestId, reason, check, providerError });
    const detail = advice === undefined ? SORRY : `${SORRY} ${advice}`;
    const failure = { code: 'login_failed', reason, detail, ...(providerError === undefined ? {} : { providerError }) } as const;
    const answered = providerError === undefined ? [] : [`The identity provider answered: ${providerError}.`];
    const lines = [SORRY, ...answered, ...(advice === undefined ? [] : [advice])];
    const cookies = state === undefined ? [] : attempts.finish(state);
    return failureAnswer(failure, request, urls, { lines, cookies, ...(returnTo === undefined ? {} : { returnTo }) });
  }

  /** OIDC Core §3.1.2.6: `login_required` and its like reach the page that asked, as a query parameter of returnTo. */
  silentFailure({ state, returnTo }: LoginAttempt, providerError: string): OwnResponse {
    const { urls, goesOnByItself, attempts, options } = this.#parts;
    const page = withSilentError(safeReturnTo(returnTo, urls), options.silentErrorParam, providerError);
    const way = { returnTo: page, title: 'You are not signed in', cookies: attempts.finish(state) };
    return continueBack(way, goesOnByItself);
  }

  forbidden(request: EndpointRequest, { state, returnTo }: LoginAttempt): OwnResponse {
    const { urls, attempts, logger } = this.#parts;
    logger.warn('login_forbidden', { requestId: request.requestId });
    return failureAnswer(NOT_ADMITTED, request, urls, { returnTo, cookies: attempts.finish(state) });
  }

  overBudget(request: EndpointRequest, { state }: LoginAttempt, size: number, { tokens }: SignedIn): OwnResponse {
    const { urls, attempts } = this.#parts;
    const { failure, lines } = overBudget(size, tokens, request.requestId, this.#parts);
    return failureAnswer(failure, request, urls, { lines, cookies: attempts.finish(state) });
  }

  /**
   * While the code was not sent the attempt stays, so that "try again" is a reload of this URL; a spent code is good for nothing, and a
   * form cannot be linked to, so these begin anew.
   */
  unavailable(request: EndpointRequest, { state, returnTo }: LoginAttempt, { spent, retryAfter }: Unavailable): OwnResponse {
    const { urls, attempts } = this.#parts;
    const anew = spent || request.method === 'POST';
    const href = anew ? loginLink(loginUrlOf(urls), { returnTo }) : `${urls.base}/callback${request.search}`;
    const action = { kind: 'link', href, label: 'Try again' } as const;
    const failure = { code: 'provider_unavailable', retryAfter, detail: UNAVAILABLE } as const;
    return failureAnswer(failure, request, urls, { action, cookies: spent ? attempts.finish(state) : [] });
  }

  #continueUrl(returnTo: string, more = ''): string {
    return `${this.#parts.urls.base}/continue?returnTo=${encodeURIComponent(returnTo)}${more}`;
  }
}
