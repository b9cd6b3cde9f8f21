import type { Session } from '../../../src/session/session.ts';

export const NOW = Date.UTC(2030, 0, 1);
export const IDLE = 1_800_000;
const HOUR = 3_600_000;

const WHOLE = {
  sid: 'AAAAAAAAAAAAAAAAAAAAAA',
  generation: 1,
  sub: 'alice',
  providerSid: 'provider-sid',
  idTokenIssuedAt: NOW / 1000 - 5,
  accessToken: 'access-token',
  accessTokenExpiresAt: NOW + 300_000,
  refreshToken: 'refresh-token',
  scope: ['openid', 'profile', 'offline_access'],
  claims: { sub: 'alice', name: 'Alice' },
  createdAt: NOW,
  refreshedAt: NOW,
  lastSeenAt: NOW,
  endsAt: NOW + 12 * HOUR,
} as const;

/** A session begun at `NOW`, as a provider with all options gives it. */
export function sampleSession(changes: Partial<Session> = {}): Session {
  return { ...WHOLE, ...changes };
}

/** From a provider that sends neither `sid` nor a refresh token. */
export function bareSession(changes: Partial<Session> = {}): Session {
  const { providerSid: _, refreshToken: __, ...rest } = WHOLE;
  return { ...rest, ...changes };
}
