import { describe, expect, it } from '@jest/globals';

import type { Session } from '../../../src/session/session.ts';
import { refreshedSession } from '../../../src/tokens/refreshed-session.ts';

const NOW = 1_900_000_000_000;
const SESSION: Session = {
  ...{ sid: 'sid-1', generation: 4, sub: 'alice', providerSid: 'p-1', idTokenIssuedAt: 1_890_000_000, accessToken: 'at-4' },
  ...{ accessTokenExpiresAt: NOW, refreshToken: 'rt-4', scope: ['openid', 'api'], claims: { sub: 'alice', email: 'a@example.com' } },
  ...{ createdAt: NOW - 9000, refreshedAt: NOW - 8000, lastSeenAt: NOW - 7000, endsAt: NOW + 60_000 },
};
const TOKENS = { accessToken: 'at-5', accessTokenExpiresAt: NOW + 300_000 };

describe('a refreshed session', () => {
  it('has the new tokens, the next generation, and otherwise stays as it was', () => {
    const next = refreshedSession(SESSION, { tokens: { ...TOKENS, refreshToken: 'rt-5' }, now: NOW, activity: true });
    expect(next).toEqual({
      ...SESSION,
      ...{
        generation: 5,
        accessToken: 'at-5',
        accessTokenExpiresAt: NOW + 300_000,
        refreshToken: 'rt-5',
        refreshedAt: NOW,
        lastSeenAt: NOW,
      },
    });
  });

  it('keeps the refresh token when the provider sent none', () => {
    expect(refreshedSession(SESSION, { tokens: TOKENS, now: NOW, activity: true }).refreshToken).toBe('rt-4');
  });

  it('never moves its absolute limit, even when the access token lives longer', () => {
    const next = refreshedSession(SESSION, { tokens: TOKENS, now: NOW, activity: true });
    expect(next.endsAt).toBe(SESSION.endsAt);
  });

  it('records a scope that became smaller', () => {
    const tokens = { ...TOKENS, scope: ['openid'] };
    expect(refreshedSession(SESSION, { tokens, now: NOW, activity: true }).scope).toEqual(['openid']);
  });

  it('does not count as activity when nobody was active', () => {
    expect(refreshedSession(SESSION, { tokens: TOKENS, now: NOW, activity: false }).lastSeenAt).toBe(SESSION.lastSeenAt);
  });

  it('takes new values of the claims it has and keeps those the ID token does not name', () => {
    const claims = { iss: 'https://id.example.com', exp: 1, sub: 'alice', email: 'new@example.com' };
    expect(
      refreshedSession({ ...SESSION, claims: { ...SESSION.claims, name: 'Alice' } }, { tokens: TOKENS, claims, now: NOW, activity: true })
        .claims,
    ).toEqual({
      ...{ sub: 'alice', email: 'new@example.com', name: 'Alice' },
    });
  });

  it('takes every claim that sessions keep, and no other', () => {
    const claims = { iss: 'https://id.example.com', sub: 'alice', groups: ['staff'] };
    const next = refreshedSession(SESSION, { tokens: TOKENS, claims, kept: ['sub', 'email', 'groups'], now: NOW, activity: true });
    expect(next.claims).toEqual({ sub: 'alice', email: 'a@example.com', groups: ['staff'] });
  });
});
