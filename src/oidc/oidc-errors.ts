/** Error codes a provider may send: RFC 6749 §4.1.2.1 and §5.2, OIDC Core §3.1.2.6, RFC 8707, RFC 9470, prompt=create. */
const REGISTERED: ReadonlySet<string> = new Set([
  'access_denied',
  'account_selection_required',
  'consent_required',
  'insufficient_user_authentication',
  'interaction_required',
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_request_object',
  'invalid_request_uri',
  'invalid_scope',
  'invalid_target',
  'login_required',
  'registration_not_supported',
  'request_not_supported',
  'request_uri_not_supported',
  'server_error',
  'temporarily_unavailable',
  'unauthorized_client',
  'unmet_authentication_requirements',
  'unsupported_grant_type',
  'unsupported_response_type',
]);

/** What may be shown and logged of a provider's `error`: a registered code, else `other`. Never its description. */
export function registeredError(code: string): string {
  return REGISTERED.has(code) ? code : 'other';
}

/** Errors that say "not now" rather than "no". */
export function isTransient(code: string): boolean {
  return code === 'server_error' || code === 'temporarily_unavailable';
}
