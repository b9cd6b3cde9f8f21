import type { PresentedCookie } from '../cookie/session-cookie.ts';
import type { OwnResponse } from '../kernel/failure-response.ts';
import { endedBy, sessionFailure } from '../session/session-failure.ts';
import type { ActiveSession, TakenTicket } from '../session/session-lookup.ts';
import type { Freshness } from '../tokens/freshness.ts';
import type { AuthParts } from './auth-parts.ts';
import type { EndpointRequest } from './endpoint-request.ts';
import { failureAnswer, jsonAnswer } from './own-answers.ts';
import { loginUrlOf } from './public-urls.ts';
import { readFields } from './request-body.ts';
import { judgeSession, type SessionVerdict } from './session-gate.ts';
import { sessionView, signedOutView } from './session-view.ts';

type Parts = Pick<
  AuthParts,
  'urls' | 'resolver' | 'sessionCookie' | 'delivery' | 'refresher' | 'sessionIdMac' | 'accessRules' | 'options' | 'clock'
>;

interface Seen {
  readonly presented: PresentedCookie;
  readonly verdict: SessionVerdict;
}

/** What a page may ask about its session, and ask for: neither answer holds a token. */
export class SessionFlow {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Never extends the session, never asks the provider, and sets no cookie but the clearing of an ended one. */
  async view(request: EndpointRequest): Promise<OwnResponse> {
    const { presented, verdict } = await this.#look(request);
    if (verdict.kind === 'admitted') return jsonAnswer(sessionView(verdict.active.session, this.#parts));
    if (verdict.kind === 'unavailable') return this.#storeDown(request, verdict.retryAfter);
    // A poll clears what has ended; a cookie that cannot be read is left to the requests that need one.
    const clearing = verdict.lookup.kind === 'unreadable' ? [] : this.#parts.delivery.clearing(verdict.lookup, presented);
    return jsonAnswer(signedOutView(verdict.reason, loginUrlOf(this.#parts.urls)), clearing);
  }

  async refresh(request: EndpointRequest): Promise<OwnResponse> {
    await readFields(request, []);
    const { presented, verdict } = await this.#look(request);
    if (verdict.kind === 'unavailable') return this.#storeDown(request, verdict.retryAfter);
    if (verdict.kind === 'signed-out') {
      const cookies = this.#parts.delivery.clearing(verdict.lookup, presented);
      return failureAnswer(verdict.failure, request, this.#parts.urls, { cookies });
    }
    return this.#renewed(await this.#parts.refresher.refreshNow(verdict.active), verdict.active, presented, request);
  }

  #renewed(
    freshness: Freshness | { readonly kind: 'no-refresh-token' },
    active: ActiveSession,
    presented: PresentedCookie,
    request: EndpointRequest,
  ): OwnResponse {
    const { urls, delivery } = this.#parts;
    switch (freshness.kind) {
      case 'usable':
        return jsonAnswer(sessionView(freshness.session, this.#parts), this.#delivered(freshness.taken ?? active.taken, presented));
      case 'no-refresh-token':
        return failureAnswer({ code: 'refresh_unavailable', detail: 'This session has no refresh token.' }, request, urls);
      case 'unavailable':
        return failureAnswer({ code: freshness.code, retryAfter: freshness.retryAfter }, request, urls);
      case 'rejected': {
        const ended = endedBy(freshness, active);
        return failureAnswer(sessionFailure(ended), request, urls, { cookies: delivery.clearing(ended, presented) });
      }
    }
  }

  async #look(request: EndpointRequest): Promise<Seen> {
    const { sessionCookie, resolver, clock, accessRules } = this.#parts;
    const presented = sessionCookie.read(request.headers.cookie);
    const lookup = await resolver.resolve(presented);
    return { presented, verdict: judgeSession(lookup, clock.now(), accessRules) };
  }

  #delivered(taken: TakenTicket | undefined, presented: PresentedCookie): readonly string[] {
    return this.#parts.delivery.setCookies(taken, presented);
  }

  #storeDown(request: EndpointRequest, retryAfter: number): OwnResponse {
    return failureAnswer({ code: 'store_unavailable', retryAfter }, request, this.#parts.urls);
  }
}
