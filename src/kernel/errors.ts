/** Every code a client can meet, with its HTTP status, its title and when it is given: the closed set of the contract. */
export const ERRORS = {
  not_logged_in: { status: 401, title: 'Not logged in', when: 'No session cookie of ours, or one that cannot be read.' },
  session_expired: {
    status: 401,
    title: 'Session expired',
    when: 'The idle or absolute limit has passed, or the access token is over and there is no refresh token.',
  },
  session_revoked: {
    status: 401,
    title: 'Session ended',
    when: 'Logged out, ended by a newer login, or refused by the provider (`invalid_grant`).',
  },
  session_superseded: { status: 401, title: 'Session superseded', when: 'An older copy of the session cookie, after the handover.' },
  forbidden: {
    status: 403,
    title: 'Forbidden',
    when: 'The account may not use this application or route (`access.allow`), or gets no token for it; `detail` says which scope is missing.',
  },
  csrf_refused: {
    status: 403,
    title: 'Cross-site request refused',
    when: 'The request comes from another site, or lacks the header that `detail` names.',
  },
  origin_refused: { status: 403, title: 'Origin refused', when: 'A WebSocket handshake with a missing or foreign Origin.' },
  navigation_required: {
    status: 400,
    title: 'Navigation required',
    when: 'The login endpoint is for top-level navigations, not for scripts.',
  },
  path_refused: { status: 400, title: 'Path refused', when: 'The request target is ambiguous or malformed.' },
  bad_request: {
    status: 400,
    title: 'Bad request',
    when: 'HTTP or a WebSocket handshake that is malformed; a duplicate or malformed parameter or body of an endpoint of ours.',
  },
  login_failed: {
    status: 400,
    title: 'Login failed',
    when: 'The callback or a password login was refused; `reason` names the check: `attempt_missing`, `attempt_expired`, `state_mismatch`, `issuer_mismatch`, `provider_error` (with `providerError`), `id_token_invalid`, `exchange_refused`.',
  },
  cookie_not_stored: {
    status: 400,
    title: 'Cookie not stored',
    when: 'The browser did not bring the session cookie back after the login; `reason`: `absent`, `unreadable`, `too_big`, `wrong_host`, `insecure`, `old_kept`.',
  },
  route_not_found: { status: 404, title: 'Not found', when: 'No such endpoint, route or page.' },
  method_not_allowed: { status: 405, title: 'Method not allowed', when: '`Allow` names the methods that are served.' },
  request_timeout: { status: 408, title: 'Request timeout', when: 'The request stood still for too long.' },
  refresh_unavailable: { status: 409, title: 'Refresh unavailable', when: 'The session has no refresh token.' },
  payload_too_large: { status: 413, title: 'Payload too large', when: 'The body is larger than the route or endpoint admits.' },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    when: 'The body of an endpoint of ours has another content type than it reads.',
  },
  wrong_host: { status: 421, title: 'Wrong host', when: 'The Host header does not name this application.' },
  rate_limited: { status: 429, title: 'Too many requests', when: 'Too many tries; see `Retry-After`.' },
  header_too_large: {
    status: 431,
    title: 'Request header too large',
    when: 'The request headers are larger than `listen.maxHeaderSize`; our cookies are cleared with the answer.',
  },
  internal_error: { status: 500, title: 'Internal error', when: 'Anything unexpected; only the request id is told.' },
  cookie_budget: { status: 500, title: 'Session too large for cookies', when: 'The session does not fit into `cookie.budget`.' },
  upstream_unreachable: {
    status: 502,
    title: 'Upstream unreachable',
    when: 'The upstream refused, was not found, failed TLS, or reset before its response head.',
  },
  upstream_protocol: {
    status: 502,
    title: 'Upstream protocol error',
    when: 'The upstream answered something that is not proper HTTP, or a redirect to a host that is not allowed.',
  },
  provider_unavailable: {
    status: 503,
    title: 'Identity provider unavailable',
    when: 'The provider is needed now and cannot be had; the session is kept.',
  },
  store_unavailable: { status: 503, title: 'Session store unavailable', when: 'The session store cannot be had; the session is kept.' },
  overloaded: { status: 503, title: 'Overloaded', when: 'Too many requests at once for this upstream or the provider.' },
  upstream_timeout: { status: 504, title: 'Upstream timeout', when: 'The upstream did not accept the connection or answer in time.' },
} as const satisfies Record<string, { status: number; title: string; when: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** What an own error says besides its code. Nothing here may hold a token, a cookie value or a secret. */
export interface ErrorDetails {
  /** One sentence for the developer who reads the answer. */
  readonly detail?: string;
  /** Seconds; sent as Retry-After (every 503 and 429 has one). */
  readonly retryAfter?: number;
  /** `login_failed` and `cookie_not_stored`: which check failed. */
  readonly reason?: string;
  /** `login_failed`: the OAuth error code of the provider, from the registered set, else `other`. */
  readonly providerError?: string;
  /** 405: the methods to name in Allow. */
  readonly allow?: readonly string[];
}

/** An own error on its way to the client. */
export interface Failure extends ErrorDetails {
  readonly code: ErrorCode;
}

/** A failure thrown where a union value cannot travel, such as out of a Nest controller. */
export class FailureError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.code);
    this.name = 'FailureError';
    this.failure = failure;
  }
}

export const statusOf = (code: ErrorCode): number => ERRORS[code].status;
