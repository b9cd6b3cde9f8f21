import { SingleFlight } from '../kernel/single-flight.ts';
import type { PresentedCookie } from '../cookie/session-cookie.ts';
import type { OwnResponse } from '../kernel/failure-response.ts';
import type { ExchangeOutcome } from '../oidc/identity-provider.ts';
import type { LoginAttempt } from '../session/login-attempt.ts';
import type { AuthParts } from './auth-parts.ts';
import { CallbackAnswers } from './callback-answers.ts';
import type { EndpointRequest } from './endpoint-request.ts';
import { KeptAnswers, type CallbackAnswer } from './kept-answers.ts';
import { readForm } from './request-body.ts';
import type { SessionStart, SignedIn } from './session-start.ts';

export type CallbackParts = Pick<
  AuthParts,
  | 'urls'
  | 'goesOnByItself'
  | 'identityProvider'
  | 'attempts'
  | 'revocations'
  | 'resolver'
  | 'sessionCookie'
  | 'options'
  | 'clock'
  | 'logger'
> & { readonly sessionStart: Pick<SessionStart, 'begin'> };

interface Delivery {
  readonly request: EndpointRequest;
  readonly params: URLSearchParams;
}

/** Each parameter of an authorization response comes once at most (RFC 6749 §3.1); the reason says which one did not. */
const ONCE = {
  state: 'state_mismatch',
  iss: 'issuer_mismatch',
  code: 'exchange_refused',
  error: 'provider_error',
} as const;

/** The way back from the provider. Whatever happens, the user ends on a page, and one authorization response is spent once. */
export class CallbackFlow {
  readonly #parts: CallbackParts;
  readonly #answers: CallbackAnswers;
  readonly #flights = new SingleFlight<CallbackAnswer>();
  readonly #kept: KeptAnswers;

  constructor(parts: CallbackParts) {
    this.#parts = parts;
    this.#answers = new CallbackAnswers(parts);
    this.#kept = new KeptAnswers(parts.clock);
  }

  async finish(request: EndpointRequest): Promise<OwnResponse> {
    const params = request.method === 'POST' ? await readForm(request) : request.query;
    const [state, ...more] = params.getAll('state');
    if (more.length > 0) return this.#answers.refused(request, { reason: ONCE.state, check: 'duplicate_state' });
    if (state === undefined || state === '') return this.#withoutState({ request, params });
    const found = await this.#parts.attempts.find(request.headers.cookie, state);
    switch (found.kind) {
      case 'missing':
        return this.#answers.unknownAttempt();
      case 'expired':
        return this.#answers.refused(request, { reason: 'attempt_expired', check: 'attempt_ttl', state });
      case 'unreadable':
        return this.#answers.refused(request, { reason: 'attempt_missing', check: 'attempt_unreadable', state });
      case 'other-state':
        return this.#answers.refused(request, { reason: 'state_mismatch', check: 'attempt_state', state });
      case 'found':
        return this.#once(found.attempt, { request, params });
    }
  }

  /** A bookmark or a typed address has nothing in it; a code without state is nobody's login of ours. */
  #withoutState({ request, params }: Delivery): OwnResponse {
    if (!params.has('code') && !params.has('error')) return this.#answers.unknownAttempt();
    return this.#answers.refused(request, { reason: 'state_mismatch', check: 'state_absent' });
  }

  async #once(attempt: LoginAttempt, delivery: Delivery): Promise<OwnResponse> {
    const kept = this.#kept.get(attempt.state);
    const answer = kept ?? (await this.#flights.run(attempt.state, () => this.#spend(attempt, delivery)));
    // A session that ended since must not come back with a repeated answer.
    if (answer.session !== undefined && this.#parts.revocations.causeOf(answer.session) !== undefined) {
      return this.#answers.unknownAttempt(this.#parts.attempts.finish(attempt.state));
    }
    return answer.response;
  }

  async #spend(attempt: LoginAttempt, delivery: Delivery): Promise<CallbackAnswer> {
    const duplicate = Object.entries(ONCE).find(([name]) => delivery.params.getAll(name).length > 1);
    const outcome: ExchangeOutcome =
      duplicate === undefined
        ? await this.#exchange(attempt, delivery.params)
        : { kind: 'refused', reason: duplicate[1], check: `duplicate_${duplicate[0]}` };
    // Nothing was kept and nothing is expired: a reload does it all again.
    if (outcome.kind === 'unavailable' && !outcome.spent)
      return { response: this.#answers.unavailable(delivery.request, attempt, outcome) };
    const answer = await this.#finished(outcome, attempt, delivery);
    this.#kept.keep(attempt.state, answer);
    return answer;
  }

  async #finished(outcome: ExchangeOutcome, attempt: LoginAttempt, delivery: Delivery): Promise<CallbackAnswer> {
    switch (outcome.kind) {
      case 'signed-in':
        return this.#begin(outcome, attempt, delivery);
      case 'refused':
        return this.#refused(outcome, attempt, delivery);
      case 'unavailable':
        return { response: this.#answers.unavailable(delivery.request, attempt, outcome) };
    }
  }

  #exchange({ state, nonce, codeVerifier, maxAge }: LoginAttempt, params: URLSearchParams): Promise<ExchangeOutcome> {
    return this.#parts.identityProvider.exchange({ params, state, nonce, codeVerifier, ...(maxAge === undefined ? {} : { maxAge }) });
  }

  async #begin(signedIn: SignedIn, attempt: LoginAttempt, { request }: Delivery): Promise<CallbackAnswer> {
    const { sessionCookie, sessionStart } = this.#parts;
    const presented = sessionCookie.read(request.headers.cookie);
    const start = await sessionStart.begin(signedIn, presented, await this.#previousSids(attempt, presented));
    switch (start.kind) {
      case 'started':
        return { response: this.#answers.signedIn(request, attempt, start.setCookies), session: start.session };
      case 'forbidden':
        return { response: this.#answers.forbidden(request, attempt) };
      case 'over-budget':
        return { response: this.#answers.overBudget(request, attempt, start.size, signedIn) };
    }
  }

  /** The session that the login began in, and the one of another login that was faster, where the browser shows it (a provider of our own site). */
  async #previousSids({ previousSid }: LoginAttempt, presented: PresentedCookie): Promise<ReadonlySet<string>> {
    const lookup = await this.#parts.resolver.resolve(presented);
    return new Set([previousSid, lookup.kind === 'active' ? lookup.session.sid : undefined].filter((sid) => sid !== undefined));
  }

  #refused(outcome: Extract<ExchangeOutcome, { kind: 'refused' }>, attempt: LoginAttempt, { request }: Delivery): CallbackAnswer {
    const { reason, providerError, check, advice } = outcome;
    // A silent login was asked by a page, not by a person: the page learns of it, and nobody else does.
    if (reason === 'provider_error' && attempt.silent) return { response: this.#answers.silentFailure(attempt, providerError ?? 'other') };
    const { state, returnTo } = attempt;
    const words = { ...(providerError === undefined ? {} : { providerError }), ...(advice === undefined ? {} : { advice }) };
    const answer = { reason, check, state, returnTo, ...words };
    return { response: this.#answers.refused(request, answer) };
  }
}
