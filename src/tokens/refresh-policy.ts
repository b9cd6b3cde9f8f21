import { ID_TOKEN_WAIT_MS } from '../oidc/identity-provider.ts';
import type { Doubt } from '../session/session-head.ts';
import { generationKey, type Session } from '../session/session.ts';

/** `early`: still valid, but near enough to its end to be renewed. `over`: must not be used any more. */
export type TokenAge = 'current' | 'early' | 'over';

const MOST_OF_LIFETIME = 1 / 3;
const JITTER = 0.1;

/** Errors of RFC 6749 §5.2 that speak about our client and not about the user's session. */
const CLIENT_ERRORS: ReadonlySet<string> = new Set(['invalid_client', 'unauthorized_client', 'unsupported_grant_type']);

/** What time it is for an access token. `early` in milliseconds, see `RefreshOptions`. */
export function tokenAge(session: Session, now: number, early: number): TokenAge {
  const left = session.accessTokenExpiresAt - now;
  if (left <= 0) return 'over';
  const widest = widestWindow(session, early);
  // The jitter only ever narrows the window, so that most requests need no hash.
  if (left > widest) return 'current';
  return left > widest * (1 - JITTER * spread(refreshKey(session))) ? 'current' : 'early';
}

export const isOver = (session: Session, now: number): boolean => now >= session.accessTokenExpiresAt;

/** One refresh token's name in this process: the id of the session and how often it was refreshed. */
export const refreshKey: (session: Session) => string = generationKey;

/**
 * Whether a grant that got no usable answer is tried a second time, at once. `sent: false` means that the provider never saw the
 * refresh token. Otherwise it may have been spent: then a repeat is safe within the provider's leeway, and without one it is worth
 * the risk only when the session has nothing left to lose.
 */
export function mayRepeat(
  failure: { readonly sent: boolean },
  situation: { readonly over: boolean; readonly providerLeeway: number },
): boolean {
  return !failure.sent || situation.providerLeeway > 0 || situation.over;
}

/**
 * What to do when an earlier use of the same refresh token has an outcome that nobody knows. Within the leeway sending it again is
 * safe. Beyond it, a use that got no answer is repeated when there is nothing left to lose. One whose sender has vanished is not:
 * the sender may have passed the new tokens on, and whoever presents the old one then ends the whole family (RFC 9700 §4.14.2).
 * `wait`: not now; `end`: never, and without a token the session is over.
 */
export function judgeDoubt(
  doubt: Doubt | undefined,
  { now, over, providerLeeway }: { readonly now: number; readonly over: boolean; readonly providerLeeway: number },
): 'send' | 'wait' | 'end' {
  if (doubt === undefined || now - doubt.since < providerLeeway) return 'send';
  if (!over) return 'wait';
  return doubt.abandoned ? 'end' : 'send';
}

/** For everything of ours. */
const OURS_MS = 1000;

/**
 * How long the lease of a refresh is: it outlasts one grant and the keys of the new ID token, and is extended for another try. A
 * second holder at the same time would spend the same refresh token. Milliseconds.
 */
export const leaseOf = (providerTimeout: number): number => providerTimeout + ID_TOKEN_WAIT_MS + OURS_MS;

/** Whether a grant that begins now has ended when the lease does, whatever happens. */
export const endsInTime = (now: number, leaseEnd: number, providerTimeout: number): boolean =>
  now + providerTimeout + ID_TOKEN_WAIT_MS <= leaseEnd;

/**
 * What an OAuth error of the token endpoint means for the session: `fatal` ends it, `misconfigured` is the operator's to mend,
 * `doubtful` ends it only when it comes again much later (some providers say `invalid_request` for every dead refresh token), so
 * that nobody is told 503 for ever.
 */
export type Refusal = 'fatal' | 'misconfigured' | 'doubtful';

export function judgeRefusal(refusal: { readonly error: string; readonly status: number }, fatalErrors: readonly string[]): Refusal {
  if (CLIENT_ERRORS.has(refusal.error)) return 'misconfigured';
  if (fatalErrors.includes(refusal.error)) return 'fatal';
  return refusal.status === 401 ? 'misconfigured' : 'doubtful';
}

/** A number in [0, 1) that is always the same for the same text (FNV-1a): jitter without a source of randomness. */
export function spread(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) / 2 ** 32;
}

function widestWindow(session: Session, early: number): number {
  const lifetime = session.accessTokenExpiresAt - session.refreshedAt;
  return Math.max(0, Math.min(early, lifetime * MOST_OF_LIFETIME));
}
