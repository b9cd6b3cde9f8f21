import { describe, expect, it } from '@jest/globals';

import { isOver, judgeRefusal, mayRepeat, refreshKey, spread, tokenAge } from '../../../src/tokens/refresh-policy.ts';
import type { Session } from '../../../src/session/session.ts';

const START = 1_900_000_000_000;
const MINUTE = 60_000;

function session(lifetime: number, changes: Partial<Session> = {}): Session {
  return {
    ...{ sid: 'sid-1', generation: 1, sub: 'alice', idTokenIssuedAt: START / 1000, accessToken: 'at', refreshToken: 'rt' },
    ...{ accessTokenExpiresAt: START + lifetime, scope: [], claims: {}, createdAt: START, refreshedAt: START },
    ...{ lastSeenAt: START, endsAt: START + 720 * MINUTE, ...changes },
  };
}

/** How long before its end a token becomes early. */
function window(subject: Session, early: number): number {
  let low = 0;
  let high = subject.accessTokenExpiresAt - START;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (tokenAge(subject, subject.accessTokenExpiresAt - middle, early) === 'current') high = middle;
    else low = middle;
  }
  return low;
}

describe('the age of an access token', () => {
  it('is over at its very end and not a millisecond before', () => {
    const subject = session(60 * MINUTE);
    expect(tokenAge(subject, subject.accessTokenExpiresAt - 1, MINUTE)).toBe('early');
    expect(tokenAge(subject, subject.accessTokenExpiresAt, MINUTE)).toBe('over');
    expect(isOver(subject, subject.accessTokenExpiresAt - 1)).toBe(false);
    expect(isOver(subject, subject.accessTokenExpiresAt)).toBe(true);
  });

  it('becomes early at most the configured time before its end, and at least 90 % of it', () => {
    const widths = Array.from({ length: 200 }, (_, at) => window(session(60 * MINUTE, { sid: `sid-${String(at)}` }), MINUTE));
    expect(Math.max(...widths)).toBeLessThanOrEqual(MINUTE);
    expect(Math.min(...widths)).toBeGreaterThanOrEqual(0.9 * MINUTE - 1);
    expect(new Set(widths).size).toBeGreaterThan(150);
  });

  it('is early for no more than a third of a short lifetime', () => {
    expect(window(session(90_000), MINUTE)).toBeLessThanOrEqual(30_000);
    expect(window(session(90_000), MINUTE)).toBeGreaterThanOrEqual(27_000 - 1);
  });

  it('turns early at the same moment however often it is asked', () => {
    expect(window(session(60 * MINUTE), MINUTE)).toBe(window(session(60 * MINUTE), MINUTE));
  });

  it('is spread anew with every generation of a session', () => {
    const widths = [1, 2, 3, 4].map((generation) => window(session(60 * MINUTE, { generation }), MINUTE));
    expect(new Set(widths).size).toBe(4);
  });

  it('is never early when early refresh is off', () => {
    const subject = session(60 * MINUTE);
    expect(tokenAge(subject, subject.accessTokenExpiresAt - 1, 0)).toBe('current');
  });

  it('is current for a token that was granted after it ended', () => {
    const subject = session(-MINUTE, { accessTokenExpiresAt: START + 1, refreshedAt: START + MINUTE });
    expect(tokenAge(subject, START, MINUTE)).toBe('current');
  });
});

describe('the key of a refresh', () => {
  it('tells sessions and their generations apart', () => {
    const keys = [session(1), session(1, { generation: 2 }), session(1, { sid: 'sid-2' })].map(refreshKey);
    expect(new Set(keys).size).toBe(3);
  });
});

describe('a second try', () => {
  it.each([
    { sent: false, providerLeeway: 0, over: false, repeats: true },
    { sent: false, providerLeeway: 0, over: true, repeats: true },
    { sent: false, providerLeeway: 5000, over: false, repeats: true },
    { sent: false, providerLeeway: 5000, over: true, repeats: true },
    { sent: true, providerLeeway: 0, over: false, repeats: false },
    { sent: true, providerLeeway: 0, over: true, repeats: true },
    { sent: true, providerLeeway: 5000, over: false, repeats: true },
    { sent: true, providerLeeway: 5000, over: true, repeats: true },
  ])('with sent=$sent, a leeway of $providerLeeway ms and over=$over is made: $repeats', ({ sent, repeats, ...situation }) => {
    expect(mayRepeat({ sent }, situation)).toBe(repeats);
  });
});

describe('an OAuth error of the token endpoint', () => {
  it.each([
    ['invalid_grant', 400, 'fatal'],
    ['invalid_grant', 403, 'fatal'],
    ['invalid_grant', 401, 'fatal'],
    ['other', 200, 'doubtful'],
    ['invalid_client', 400, 'misconfigured'],
    ['invalid_client', 401, 'misconfigured'],
    ['unauthorized_client', 400, 'misconfigured'],
    ['unsupported_grant_type', 400, 'misconfigured'],
    ['anything', 401, 'misconfigured'],
    ['invalid_request', 400, 'doubtful'],
    ['invalid_scope', 400, 'doubtful'],
    ['access_denied', 403, 'doubtful'],
  ] as const)('%s with status %i is %s', (error, status, refusal) => {
    expect(judgeRefusal({ error, status }, ['invalid_grant'])).toBe(refusal);
  });

  it('is fatal when a preset says so', () => {
    expect(judgeRefusal({ error: 'invalid_request', status: 400 }, ['invalid_grant', 'invalid_request'])).toBe('fatal');
  });

  it('about our client is never fatal, whatever the list says', () => {
    expect(judgeRefusal({ error: 'invalid_client', status: 400 }, ['invalid_client'])).toBe('misconfigured');
  });
});

describe('the spread of a text', () => {
  it('lies between 0 and 1 and reaches both ends', () => {
    const values = Array.from({ length: 1000 }, (_, at) => spread(`text-${String(at)}`));
    expect(Math.min(...values)).toBeLessThan(0.05);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeGreaterThan(0.95);
    expect(Math.max(...values)).toBeLessThan(1);
  });
});
