import type { IncomingMessage } from 'node:http';
import type { Failure } from '../kernel/errors.ts';
import { PAGE_HEADERS, renderPage } from '../kernel/html-page.ts';
import type { OwnResponse } from '../kernel/failure-response.ts';
import type { SessionLookup } from '../session/session-lookup.ts';
import type { Freshness } from '../tokens/freshness.ts';
import type { ApiRoute } from './api-routes.ts';

type Ended = Exclude<SessionLookup, { kind: 'active' } | { kind: 'unavailable' }>;
type Rejected = Extract<Freshness, { kind: 'rejected' }>;

const EXPIRED: Failure = {
  code: 'session_expired',
  detail: 'The session has ended: it was idle or old, or its tokens can no longer be renewed.',
};
const REVOKED: Failure = { code: 'session_revoked', detail: 'The session was ended.' };
const SUPERSEDED: Failure = { code: 'session_superseded', detail: 'The session cookie was replaced by a newer one long ago.' };
const NONE: Failure = { code: 'not_logged_in', detail: 'No session cookie was sent.' };
const UNREADABLE: Failure = { code: 'not_logged_in', detail: 'The session cookie cannot be read.' };

/** 401 for cookies that amount to no active session. */
export function signedOut(lookup: Ended): Failure {
  switch (lookup.kind) {
    case 'none':
      return NONE;
    case 'unreadable':
      return UNREADABLE;
    case 'expired':
      return EXPIRED;
    case 'revoked':
      return REVOKED;
    case 'superseded':
      return SUPERSEDED;
  }
}

/** What a refused refresh makes of an active session. */
export function endedBy(rejected: Rejected, active: Extract<SessionLookup, { kind: 'active' }>): Ended {
  const { session } = active;
  if (rejected.reason === 'revoked') return { kind: 'revoked', session, cause: rejected.cause ?? 'refresh_refused' };
  return { kind: rejected.reason, session };
}

export function methodNotAllowed(route: ApiRoute): Failure {
  return { code: 'method_not_allowed', detail: 'This route does not admit this method.', allow: [...route.methodSet] };
}

/** By the declared length; bodies that declare none are counted on their way. */
export function isTooLarge(request: IncomingMessage, route: ApiRoute): boolean {
  return route.maxBody !== undefined && Number(request.headers['content-length'] ?? 0) > route.maxBody;
}

/** A page that goes on by itself to the same URL, now as a request of our own site, which carries the Strict cookie. */
export function continuingPage(href: string): OwnResponse {
  const body = renderPage({ title: 'One moment', lines: ['You are on your way.'], action: { kind: 'link', href, label: 'Continue' } });
  return { status: 200, headers: { ...PAGE_HEADERS, refresh: `0;url=${href}` }, body };
}
