import type { JsonObject } from './json-object.ts';
import { stringIn } from './json-object.ts';
import type { StaticEndpoints } from './provider-options.ts';
import { ID_TOKEN_ALGORITHMS } from './signed-token.ts';

/** The provider's endpoints and promises, checked. Optional endpoints are absent when the provider has none. */
export interface ProviderDocument {
  readonly issuer: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  readonly userinfoEndpoint?: string;
  readonly revocationEndpoint?: string;
  readonly endSessionEndpoint?: string;
  /** What an ID token may be signed with: asymmetric algorithms only. */
  readonly algorithms: readonly string[];
  /** RFC 9207: every authorization response carries `iss`. */
  readonly issPromised: boolean;
}

export type MetadataReading =
  { readonly kind: 'document'; readonly document: ProviderDocument } | { readonly kind: 'misconfigured'; readonly cause: string };

/** OIDC Discovery §4.1: a terminating slash of the issuer is removed before the path is appended. */
export function discoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

/** Judges a discovery document (OIDC Discovery §4.3: its issuer is exactly the configured one). Configured endpoints win. */
export function readMetadata(metadata: JsonObject, issuer: string, fixed: StaticEndpoints): MetadataReading {
  if (metadata['issuer'] !== issuer) return { kind: 'misconfigured', cause: 'issuer_mismatch' };
  const endpoint = (name: string, configured: string | undefined): string | undefined => {
    if (configured !== undefined) return configured; // judged by the configuration
    const url = stringIn(metadata, name);
    return url !== undefined && isAllowedUrl(url, issuer) ? url : undefined;
  };
  const endpoints: StaticEndpoints = {
    ...present('authorization', endpoint('authorization_endpoint', fixed.authorization)),
    ...present('token', endpoint('token_endpoint', fixed.token)),
    ...present('jwks', endpoint('jwks_uri', fixed.jwks)),
    ...present('userinfo', endpoint('userinfo_endpoint', fixed.userinfo)),
    ...present('revocation', endpoint('revocation_endpoint', fixed.revocation)),
    ...present('endSession', endpoint('end_session_endpoint', fixed.endSession)),
  };
  const algorithms = allowedAlgorithms(metadata['id_token_signing_alg_values_supported']);
  if (algorithms.length === 0) return { kind: 'misconfigured', cause: 'no_asymmetric_algorithm' };
  const document = toDocument(issuer, endpoints, algorithms, metadata['authorization_response_iss_parameter_supported'] === true);
  return document === undefined ? { kind: 'misconfigured', cause: 'endpoint_missing' } : { kind: 'document', document };
}

/** The document of a provider whose endpoints are all configured, or `undefined` when discovery is needed. */
export function staticDocument(issuer: string, fixed: StaticEndpoints): ProviderDocument | undefined {
  return toDocument(issuer, fixed, ID_TOKEN_ALGORITHMS, false);
}

function toDocument(
  issuer: string,
  endpoints: StaticEndpoints,
  algorithms: readonly string[],
  issPromised: boolean,
): ProviderDocument | undefined {
  const { authorization, token, jwks } = endpoints;
  if (authorization === undefined || token === undefined || jwks === undefined) return undefined;
  return {
    issuer,
    authorizationEndpoint: authorization,
    tokenEndpoint: token,
    jwksUri: jwks,
    ...present('userinfoEndpoint', endpoints.userinfo),
    ...present('revocationEndpoint', endpoints.revocation),
    ...present('endSessionEndpoint', endpoints.endSession),
    algorithms,
    issPromised,
  };
}

function allowedAlgorithms(published: JsonObject[string]): readonly string[] {
  if (!Array.isArray(published)) return ID_TOKEN_ALGORITHMS;
  return ID_TOKEN_ALGORITHMS.filter((algorithm) => published.includes(algorithm));
}

/** An issuer on https never sends us to http (a downgrade); a development issuer on http may. */
function isAllowedUrl(text: string, issuer: string): boolean {
  const url = URL.parse(text);
  if (url?.username !== '' || url.password !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && issuer.startsWith('http:'));
}

function present<K extends string>(name: K, value: string | undefined): Partial<Record<K, string>> {
  const entry: Partial<Record<K, string>> = {};
  if (value !== undefined) entry[name] = value;
  return entry;
}
