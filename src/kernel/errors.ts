/** Every code a client can meet, with its HTTP status and title: the closed set of the contract. */
export const ERRORS = {
  not_logged_in: { status: 401, title: 'Not logged in' },
  session_expired: { status: 401, title: 'Session expired' },
  session_revoked: { status: 401, title: 'Session ended' },
  session_superseded: { status: 401, title: 'Session superseded' },
  forbidden: { status: 403, title: 'Forbidden' },
  csrf_refused: { status: 403, title: 'Cross-site request refused' },
  origin_refused: { status: 403, title: 'Origin refused' },
  navigation_required: { status: 400, title: 'Navigation required' },
  path_refused: { status: 400, title: 'Path refused' },
  bad_request: { status: 400, title: 'Bad request' },
  login_failed: { status: 400, title: 'Login failed' },
  cookie_not_stored: { status: 400, title: 'Cookie not stored' },
  route_not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  request_timeout: { status: 408, title: 'Request timeout' },
  refresh_unavailable: { status: 409, title: 'Refresh unavailable' },
  payload_too_large: { status: 413, title: 'Payload too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  wrong_host: { status: 421, title: 'Wrong host' },
  rate_limited: { status: 429, title: 'Too many requests' },
  header_too_large: { status: 431, title: 'Request header too large' },
  internal_error: { status: 500, title: 'Internal error' },
  cookie_budget: { status: 500, title: 'Session too large for cookies' },
  upstream_unreachable: { status: 502, title: 'Upstream unreachable' },
  upstream_protocol: { status: 502, title: 'Upstream protocol error' },
  provider_unavailable: { status: 503, title: 'Identity provider unavailable' },
  store_unavailable: { status: 503, title: 'Session store unavailable' },
  overloaded: { status: 503, title: 'Overloaded' },
  upstream_timeout: { status: 504, title: 'Upstream timeout' },
} as const satisfies Record<string, { status: number; title: string }>;

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
