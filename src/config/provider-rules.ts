import { isLoopback } from './base-url.ts';

const RESERVED =
  /^(?:client_id|client_secret|redirect_uri|response_type|response_mode|state|nonce|code|grant_type|request|request_uri|code_(?:challenge|verifier).*)$/i;

export const RESERVED_PARAMS_RULE =
  'may not set a parameter that belongs to the login itself (such as client_id, redirect_uri, state, nonce or code_challenge)';

/** Parameters that only the login code may set. */
export const isReservedParam = (name: string): boolean => RESERVED.test(name);

/** In the authorization request it would silently win over `provider.scope`. */
export const isScope = (name: string): boolean => name.toLowerCase() === 'scope';

/** A scope token or parameter name: printable, no space, quote or backslash (RFC 6749 §3.3). */
export const isWord = (word: string): boolean => /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/.test(word);

/** https, or http on a loopback address; no user info, no fragment. */
export function isProviderUrl(url: string): boolean {
  if (!/^https?:\/\/[^/?#@\\\s]+(?:[/?][^#\\\s]*)?$/.test(url) || !URL.canParse(url)) return false;
  return url.startsWith('https:') || isLoopback(url);
}

/** A provider URL without a query, as OpenID Connect Discovery §2 wants an issuer. */
export const isIssuer = (url: string): boolean => isProviderUrl(url) && !url.includes('?');

/** A resource indicator: an absolute URI without a fragment (RFC 8707 §2), such as https://api.example/orders or urn:example:orders. */
export const isResource = (uri: string): boolean => /^[A-Za-z][A-Za-z0-9+.-]*:[\x21\x22\x24-\x7e]+$/.test(uri) && URL.canParse(uri);
