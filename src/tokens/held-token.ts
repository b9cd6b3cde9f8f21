import type { TokenSet } from '../oidc/identity-provider.ts';

/** An access token that is used again until shortly before its end. Milliseconds. */
export interface HeldToken {
  readonly accessToken: string;
  readonly grantedAt: number;
  readonly usableUntil: number;
}

const LAST_MOMENTS_MS = 5000;
const MOST_OF_LIFETIME = 1 / 10;

/** Its last moments are left out: it has to live until the upstream has looked at it. */
export function heldToken({ accessToken, accessTokenExpiresAt }: TokenSet, grantedAt: number): HeldToken {
  const lifetime = Math.max(0, accessTokenExpiresAt - grantedAt);
  return { accessToken, grantedAt, usableUntil: accessTokenExpiresAt - Math.min(LAST_MOMENTS_MS, lifetime * MOST_OF_LIFETIME) };
}
