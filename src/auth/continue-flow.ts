import type { PresentedCookie } from '../cookie/session-cookie.ts';
import type { OwnResponse } from '../kernel/failure-response.ts';
import { loginLink } from '../kernel/login-link.ts';
import type { SessionLookup } from '../session/session-lookup.ts';
import type { AuthParts } from './auth-parts.ts';
import { singleParam, type EndpointRequest } from './endpoint-request.ts';
import { failureAnswer, ownPage } from './own-answers.ts';
import { loginUrlOf } from './public-urls.ts';
import { safeReturnTo } from './return-to.ts';
import { redirectBack } from './way-back.ts';

type Parts = Pick<AuthParts, 'urls' | 'goesOnByItself' | 'resolver' | 'sessionCookie' | 'delivery' | 'logger'>;

type NotStoredReason = 'absent' | 'unreadable' | 'too_big' | 'insecure' | 'old_kept';

const EXPLANATIONS: Readonly<Record<NotStoredReason, string>> = {
  absent: 'The browser did not send the cookie back: it may block cookies for this site, or something on the way removed it.',
  unreadable: 'The cookie came back, but this server cannot read it: servers with different keys, or a cookie of another application.',
  too_big: 'Only a part of the cookie came back: the browser, or something on the way, dropped the rest.',
  insecure: 'The browser did not keep a Secure cookie on an http address. For development see cookie.devCookies.',
  old_kept: 'The browser sent the cookie of an earlier session that has ended, and did not keep the new one.',
};

/** A callback without its attempt cookie leads here: reloads and bookmarks do, and so does a browser that keeps no cookie at all. */
const IF_JUST_SIGNED_IN =
  'If you come here straight from signing in, the browser did not keep the cookie that began it: it may block cookies for this site.';

/** The step after a login that proves the cookie: it goes on or says what failed, and never begins a login, so nothing can loop. */
export class ContinueFlow {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async goOn(request: EndpointRequest): Promise<OwnResponse> {
    const { urls, goesOnByItself, resolver, sessionCookie, delivery } = this.#parts;
    const returnTo = safeReturnTo(singleParam(request.query, 'returnTo'), urls);
    const fresh = singleParam(request.query, 'fresh') === '1';
    const presented = sessionCookie.read(request.headers.cookie);
    const lookup = await resolver.resolve(presented);
    if (lookup.kind === 'active') {
      const way = { returnTo, title: 'You are signed in', cookies: delivery.setCookies(lookup.taken, presented) };
      return redirectBack(way, goesOnByItself);
    }
    if (lookup.kind === 'unavailable') {
      const { retryAfter } = lookup;
      return failureAnswer({ code: 'store_unavailable', retryAfter }, request, urls);
    }
    const cookies = delivery.clearing(lookup, presented);
    return fresh ? this.#notStored(lookup, presented, { request, returnTo, cookies }) : this.#signedOut(returnTo, cookies);
  }

  #notStored(
    lookup: SessionLookup,
    presented: PresentedCookie,
    o: { request: EndpointRequest; returnTo: string; cookies: readonly string[] },
  ): OwnResponse {
    const reason = this.#reason(lookup, presented);
    this.#parts.logger.warn('cookie_not_stored', { requestId: o.request.requestId, reason });
    const detail = EXPLANATIONS[reason];
    const action = { kind: 'link', href: this.#loginUrl(o.returnTo), label: 'Try again' } as const;
    const lines = ['You are signed in at the identity provider, but this browser could not keep the session.', detail];
    return failureAnswer({ code: 'cookie_not_stored', reason, detail }, o.request, this.#parts.urls, { action, lines, cookies: o.cookies });
  }

  #reason(lookup: SessionLookup, presented: PresentedCookie): NotStoredReason {
    const { urls, sessionCookie } = this.#parts;
    const isPart =
      lookup.kind === 'unreadable' && lookup.reason === 'foreign' && presented.names.some((it) => it !== sessionCookie.baseName);
    if (isPart || (presented.names.length > 0 && presented.candidates.length === 0)) return 'too_big';
    if (lookup.kind === 'unreadable') return 'unreadable';
    if (lookup.kind !== 'none') return 'old_kept';
    return refusesSecure(urls.origin) && sessionCookie.baseName.startsWith('__') ? 'insecure' : 'absent';
  }

  #signedOut(returnTo: string, cookies: readonly string[]): OwnResponse {
    const action = { kind: 'link', href: this.#loginUrl(returnTo), label: 'Sign in' } as const;
    return ownPage({ title: 'You are signed out', lines: ['Sign in to go on.', IF_JUST_SIGNED_IN], action }, cookies);
  }

  #loginUrl(returnTo: string): string {
    return loginLink(loginUrlOf(this.#parts.urls), { returnTo });
  }
}

/** On this machine a Secure cookie is kept over http too: the one of the login attempt came back, or nobody would be here. */
function refusesSecure(origin: string): boolean {
  const { protocol, hostname } = new URL(origin);
  return protocol === 'http:' && !/^(?:(?:.+\.)?localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}
