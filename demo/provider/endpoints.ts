/** Paths below the issuer, as Okta's authorization servers have them. */
export const ENDPOINT_PATHS = {
  authorization: '/v1/authorize',
  token: '/v1/token',
  revocation: '/v1/revoke',
  end_session: '/v1/logout',
  userinfo: '/v1/userinfo',
  jwks: '/v1/keys',
} as const;

export type Endpoint = keyof typeof ENDPOINT_PATHS | 'discovery';

const BY_PATH: ReadonlyMap<string, Endpoint> = new Map([
  ['/.well-known/openid-configuration', 'discovery'],
  [ENDPOINT_PATHS.authorization, 'authorization'],
  [ENDPOINT_PATHS.token, 'token'],
  [ENDPOINT_PATHS.revocation, 'revocation'],
  [ENDPOINT_PATHS.end_session, 'end_session'],
  [ENDPOINT_PATHS.userinfo, 'userinfo'],
  [ENDPOINT_PATHS.jwks, 'jwks'],
]);

/** The endpoint at a path below the issuer; pages of an interaction under way are none. */
export function endpointAt(path: string): Endpoint | undefined {
  return BY_PATH.get(path);
}
