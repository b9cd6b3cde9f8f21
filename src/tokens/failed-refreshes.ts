import { BoundedMap } from '../kernel/bounded-map.ts';
import type { Session } from '../session/session.ts';
import { unavailable, USUAL_RETRY_AFTER_S, type RefreshFailure, type Unavailable } from './refresh-end.ts';
import { isOver, refreshKey, spread } from './refresh-policy.ts';

interface Remembered {
  readonly code: Unavailable['code'];
  readonly at: number;
  readonly holdMs: number;
  readonly ambiguousSince?: number;
}

const MOST_SESSIONS = 10_000;
/** Whatever the provider wishes: another process may have the answer by then, or the provider a change of heart. */
const LONGEST_HOLD_S = 60;
/** With the token over, every request asks: often enough to notice a recovery, rare enough not to be a storm. */
const PAUSE_OVER_MS = 1000;
const PAUSE_VALID_MS = 2000;
const DOUBT_MS = 30_000;

/**
 * Remembers, per session and generation, what went wrong lately, so that a failing provider is not asked once per request. A
 * success needs no forgetting: it makes another generation.
 */
export class FailedRefreshes {
  readonly #failures = new BoundedMap<Remembered>(MOST_SESSIONS);
  readonly #doubts = new BoundedMap<{ readonly error: string; readonly since: number }>(MOST_SESSIONS);
  readonly #providerLeeway: number;

  constructor(o: { providerLeeway: number }) {
    this.#providerLeeway = o.providerLeeway;
  }

  add(session: Session, failure: RefreshFailure, now: number): void {
    const before = this.#failures.get(refreshKey(session))?.ambiguousSince;
    const ambiguousSince = before ?? (failure.ambiguous === true ? now : undefined);
    this.#failures.set(refreshKey(session), {
      code: failure.code,
      at: now,
      holdMs: Math.min(failure.retryAfter ?? 0, LONGEST_HOLD_S) * 1000,
      ...(ambiguousSince === undefined ? {} : { ambiguousSince }),
    });
  }

  /** The answer to give without asking anybody, while it is too early for the next try. */
  answerFor(session: Session, now: number): Unavailable | undefined {
    const failure = this.#failures.get(refreshKey(session));
    if (failure === undefined) return undefined;
    const left = this.#pauseLeft(failure, session, now);
    if (left <= 0) return undefined;
    const least = failure.holdMs > 0 ? 1 : USUAL_RETRY_AFTER_S;
    return unavailable(failure.code, Math.max(least, Math.ceil(left / 1000)));
  }

  /** Remembers a doubtful refusal. True when the provider has been saying the same for half a minute: then it means it. */
  isFinal(session: Session, error: string, now: number): boolean {
    const doubt = this.#doubts.get(refreshKey(session));
    if (doubt?.error === error) return now - doubt.since >= DOUBT_MS;
    this.#doubts.set(refreshKey(session), { error, since: now });
    return false;
  }

  #pauseLeft(failure: Remembered, session: Session, now: number): number {
    const passed = now - failure.at;
    if (passed < 0) return 0; // the clock was set back: asking too early is the smaller harm
    if (isOver(session, now)) return Math.max(failure.holdMs, PAUSE_OVER_MS) - passed;
    // A refresh token that may be spent already is tried again only when there is nothing left to lose.
    if (failure.ambiguousSince !== undefined && now - failure.ambiguousSince >= this.#providerLeeway)
      return session.accessTokenExpiresAt - now;
    return Math.max(failure.holdMs, PAUSE_VALID_MS * (1 + spread(`${refreshKey(session)}@${String(failure.at)}`))) - passed;
  }
}
