import { ERRORS, type Failure } from './errors.ts';
import { PAGE_HEADERS, renderPage, type PageAction } from './html-page.ts';
import { loginLink } from './login-link.ts';
import { failureHeaders, toProblem } from './problem.ts';

/** An own answer, whole and not yet written. Header names are lower case. */
export interface OwnResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
}

export interface FailureContext {
  readonly requestId: string;
  /** Path-absolute, with publicUrl's path and the base path: `/bff/login`. */
  readonly loginUrl: string;
  /** A navigation gets a page, everything else problem+json. */
  readonly navigation: boolean;
  /** Where a login begun from the error page comes back to: the path and query of this request. */
  readonly returnTo?: string;
  /** Another way on than the usual one for this code. */
  readonly action?: PageAction;
  /** Sentences for the page; without them the title and `detail` stand alone. */
  readonly lines?: readonly string[];
}

/** Status, `Cloakroom-Error` and `Cache-Control` are the same for both shapes (RFC 9457 JSON, or a page). */
export function failureResponse(failure: Failure, context: FailureContext): OwnResponse {
  const problem = toProblem(failure, context.requestId, context.loginUrl);
  const headers = { ...failureHeaders(failure), 'x-request-id': context.requestId };
  if (!context.navigation) {
    return { status: problem.status, headers: { ...headers, 'content-type': 'application/problem+json' }, body: JSON.stringify(problem) };
  }
  const reason = failure.reason === undefined ? '' : ` (${failure.reason})`;
  const action = context.action ?? usualAction(failure, context);
  const body = renderPage({
    title: ERRORS[failure.code].title,
    lines: context.lines ?? (failure.detail === undefined ? [] : [failure.detail]),
    ...(action === undefined ? {} : { action }),
    note: `${failure.code}${reason} · request ${context.requestId}`,
  });
  return { status: problem.status, headers: { ...PAGE_HEADERS, ...headers }, body };
}

function usualAction({ code }: Failure, { loginUrl, returnTo }: FailureContext): PageAction | undefined {
  if (code === 'forbidden') {
    return { kind: 'link', href: loginLink(loginUrl, { returnTo, otherAccount: true }), label: 'Sign in as someone else' };
  }
  if (ERRORS[code].status !== 401 && code !== 'login_failed') return undefined;
  return { kind: 'link', href: loginLink(loginUrl, { returnTo }), label: 'Sign in' };
}
