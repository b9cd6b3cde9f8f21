import { ERRORS, type Failure } from './errors.ts';
import { loginLink } from './login-link.ts';

const DEFAULT_RETRY_AFTER_S = 5;

/** RFC 9457 body of an own error. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  readonly reason?: string;
  readonly providerError?: string;
  readonly requestId: string;
  readonly loginUrl?: string;
}

/** `loginUrl` is path-absolute, already with publicUrl's path; it belongs to 401 answers and to 403 `forbidden` (there with `?prompt=select_account`). */
export function toProblem(failure: Failure, requestId: string, loginUrl: string): Problem {
  const { status, title } = ERRORS[failure.code];
  return {
    type: `urn:cloakroom:problem:${failure.code}`,
    title,
    status,
    code: failure.code,
    ...(failure.detail === undefined ? {} : { detail: failure.detail }),
    ...(failure.reason === undefined ? {} : { reason: failure.reason }),
    ...(failure.providerError === undefined ? {} : { providerError: failure.providerError }),
    requestId,
    ...loginUrlFor(failure, status, loginUrl),
  };
}

/** The header lines every own error carries, whatever its body. */
export function failureHeaders(failure: Failure): Record<string, string> {
  const { status } = ERRORS[failure.code];
  const retryAfter = failure.retryAfter ?? (status === 503 || status === 429 ? DEFAULT_RETRY_AFTER_S : undefined);
  return {
    'cloakroom-error': failure.code,
    'cache-control': 'no-store',
    ...(retryAfter === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfter))) }),
    ...(failure.allow === undefined ? {} : { allow: failure.allow.join(', ') }),
  };
}

function loginUrlFor(failure: Failure, status: number, loginUrl: string): { loginUrl?: string } {
  if (status === 401) return { loginUrl };
  if (failure.code === 'forbidden') return { loginUrl: loginLink(loginUrl, { otherAccount: true }) };
  return {};
}
