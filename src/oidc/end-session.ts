import type { EndSessionRequest } from './identity-provider.ts';

/** RP-Initiated Logout 1.0 §2: the ID token identifies the session; without it the client id and a hint do. */
export function buildEndSessionUrl(endpoint: string, clientId: string, request: EndSessionRequest): string {
  const url = new URL(endpoint);
  const set = (name: string, value: string | undefined): void => {
    if (value !== undefined) url.searchParams.set(name, value);
  };
  set('id_token_hint', request.idToken);
  if (request.idToken === undefined) {
    set('client_id', clientId);
    set('logout_hint', request.logoutHint);
  }
  set('post_logout_redirect_uri', request.postLogoutRedirectUri);
  set('state', request.state);
  return url.href;
}

/** For providers without end_session_endpoint: `{clientId}` and `{postLogoutUri}` are filled in, percent-encoded. */
export function fillEndSessionTemplate(template: string, clientId: string, postLogoutRedirectUri: string): string {
  return template
    .replaceAll('{clientId}', () => encodeURIComponent(clientId))
    .replaceAll('{postLogoutUri}', () => encodeURIComponent(postLogoutRedirectUri));
}
