import { NOT_ADMITTED } from '../access/access-policy.ts';
import type { PresentedCookie } from '../cookie/session-cookie.ts';
import { FailureError, type Failure } from '../kernel/errors.ts';
import type { OwnResponse } from '../kernel/failure-response.ts';
import type { LogFields } from '../kernel/logger.ts';
import { Secret } from '../kernel/secret.ts';
import type { ExchangeOutcome, PasswordLoginRequest } from '../oidc/identity-provider.ts';
import type { SessionLookup } from '../session/session-lookup.ts';
import type { AuthParts } from './auth-parts.ts';
import type { EndpointRequest } from './endpoint-request.ts';
import { failureAnswer, jsonAnswer, type FailureAnswerExtras } from './own-answers.ts';
import { overBudget } from './over-budget.ts';
import type { PasswordAttempts } from './password-attempts.ts';
import { readFields } from './request-body.ts';
import { sidOf } from './session-gate.ts';
import type { SessionStart, SignedIn } from './session-start.ts';
import { sessionView } from './session-view.ts';

export type PasswordLoginParts = Pick<
  AuthParts,
  'urls' | 'identityProvider' | 'clientAddress' | 'resolver' | 'sessionCookie' | 'sessionIdMac' | 'options' | 'clock' | 'logger'
> & { readonly sessionStart: Pick<SessionStart, 'begin'>; readonly attempts: Pick<PasswordAttempts, 'take'> };

/** What the browser had before. */
interface Seen {
  readonly presented: PresentedCookie;
  readonly lookup: SessionLookup;
}

type Refused = Extract<ExchangeOutcome, { kind: 'refused' }>;

const FIELDS = ['username', 'password'] as const;
const NOT_ACCEPTED = 'The identity provider did not accept this user name and password.';
const SORRY = 'The sign-in did not work. Nothing about a session you may already have was changed.';
const UNAVAILABLE = 'The identity provider cannot be reached right now.';
const TOO_MANY = 'Too many sign-ins were tried. Wait before the next one.';

/**
 * The legacy login by user name and password (RFC 6749 §4.3), off unless the configuration says otherwise: RFC 9700 §2.4 and OAuth
 * 2.1 forbid the grant. The password goes from the body into one request to the provider, and is in no log, answer or memory of ours
 * afterwards.
 */
export class PasswordLoginFlow {
  readonly #parts: PasswordLoginParts;

  constructor(parts: PasswordLoginParts) {
    this.#parts = parts;
  }

  async login(request: EndpointRequest): Promise<OwnResponse> {
    const credentials = await readCredentials(request);
    const tooMany = this.#parts.attempts.take(this.#addressOf(request), credentials.username);
    if (tooMany !== undefined) {
      const { limit, retryAfter } = tooMany;
      return this.#failed(request, { code: 'rate_limited', retryAfter, detail: TOO_MANY }, { reason: 'rate_limited', limit });
    }
    const seen = await this.#look(request);
    if (seen.lookup.kind === 'unavailable') {
      const { retryAfter } = seen.lookup;
      return this.#failed(request, { code: 'store_unavailable', retryAfter }, { reason: 'store_unavailable' });
    }
    const outcome = await this.#parts.identityProvider.passwordLogin(credentials);
    switch (outcome.kind) {
      case 'signed-in':
        return this.#begin(outcome, seen, request);
      case 'refused':
        return this.#refused(outcome, request);
      case 'unavailable': {
        const failure = { code: 'provider_unavailable', retryAfter: outcome.retryAfter, detail: UNAVAILABLE } as const;
        return this.#failed(request, failure, { reason: 'provider_unavailable' });
      }
    }
  }

  async #look({ headers }: EndpointRequest): Promise<Seen> {
    const presented = this.#parts.sessionCookie.read(headers.cookie);
    return { presented, lookup: await this.#parts.resolver.resolve(presented) };
  }

  async #begin(signedIn: SignedIn, { presented, lookup }: Seen, request: EndpointRequest): Promise<OwnResponse> {
    const { sessionStart, logger } = this.#parts;
    const previous = sidOf(lookup);
    const start = await sessionStart.begin(signedIn, presented, new Set(previous === undefined ? [] : [previous]));
    switch (start.kind) {
      case 'started':
        logger.info('password_login_succeeded', { requestId: request.requestId });
        return jsonAnswer(sessionView(start.session, this.#parts), start.setCookies);
      case 'forbidden':
        return this.#failed(request, NOT_ADMITTED, { reason: 'forbidden' });
      case 'over-budget': {
        const { failure, lines } = overBudget(start.size, signedIn.tokens, request.requestId, this.#parts);
        return this.#failed(request, failure, { reason: 'cookie_budget' }, { lines });
      }
    }
  }

  #refused({ reason, check, providerError, advice }: Refused, request: EndpointRequest): OwnResponse {
    const words = providerError === 'invalid_grant' ? NOT_ACCEPTED : SORRY;
    const said = providerError === undefined ? {} : { providerError };
    const failure = { code: 'login_failed', reason, ...said, detail: advice === undefined ? words : `${words} ${advice}` } as const;
    return this.#failed(request, failure, { reason, check, ...said });
  }

  #failed(request: EndpointRequest, failure: Failure, fields: LogFields, extras: FailureAnswerExtras = {}): OwnResponse {
    this.#parts.logger.info('password_login_failed', { requestId: request.requestId, ...fields });
    return failureAnswer(failure, request, this.#parts.urls, extras);
  }

  #addressOf({ peer, headers }: EndpointRequest): string {
    const given = headers['x-forwarded-for'];
    return this.#parts.clientAddress(peer, typeof given === 'string' ? given : given?.join(','));
  }
}

async function readCredentials(request: EndpointRequest): Promise<PasswordLoginRequest> {
  // A URL is written down in more places than anybody knows.
  if (FIELDS.some((name) => request.query.has(name))) throw malformed('User name and password belong into the body, never into the URL.');
  const fields = await readFields(request, FIELDS);
  const [username = '', password = ''] = FIELDS.map((name) => fields.get(name));
  if (username === '' || password === '') throw malformed('The body must have a username and a password.');
  return { username, password: new Secret(password) };
}

const malformed = (detail: string): FailureError => new FailureError({ code: 'bad_request', detail });
