import type { CallbackRequest, ExchangeOutcome } from './identity-provider.ts';
import { registeredError } from './oidc-errors.ts';

type Refusal = Extract<ExchangeOutcome, { kind: 'refused' }>;

/**
 * Judges the authorization response (RFC 6749 §4.1.2, RFC 9207) before anything is sent to the provider: no parameter twice, our
 * state, the right issuer, no error, a code. An error response without `iss` is still shown as the provider's error, even where `iss`
 * is promised: it ends the login either way, and the user should read why.
 */
export function checkAuthorizationResponse(
  { params, state }: Pick<CallbackRequest, 'params' | 'state'>,
  provider: { readonly issuer: string; readonly issPromised: boolean },
): Refusal | undefined {
  const repeated = repeatedName(params);
  if (repeated !== undefined) return { kind: 'refused', reason: repeatedReason(repeated), check: 'duplicate_parameter' };
  if (params.get('state') !== state) return { kind: 'refused', reason: 'state_mismatch', check: 'state' };
  const iss = params.get('iss');
  if (iss !== null && iss !== provider.issuer) return { kind: 'refused', reason: 'issuer_mismatch', check: 'iss' };
  const error = params.get('error');
  if (error !== null) return { kind: 'refused', reason: 'provider_error', providerError: registeredError(error), check: 'error' };
  if (iss === null && provider.issPromised) return { kind: 'refused', reason: 'issuer_mismatch', check: 'iss_missing' };
  const code = params.get('code');
  return code === null || code === '' ? { kind: 'refused', reason: 'exchange_refused', check: 'code_missing' } : undefined;
}

function repeatedName(params: URLSearchParams): string | undefined {
  const seen = new Set<string>();
  for (const name of params.keys()) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

function repeatedReason(name: string): Refusal['reason'] {
  if (name === 'state') return 'state_mismatch';
  return name === 'iss' ? 'issuer_mismatch' : 'exchange_refused';
}
