import { BoundedMap } from '../kernel/bounded-map.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { SingleFlight } from '../kernel/single-flight.ts';
import { within, type Timer } from '../kernel/timer.ts';
import { registeredError } from '../oidc/oidc-errors.ts';
import type { ActiveSession } from '../session/session-lookup.ts';
import type { Session } from '../session/session.ts';
import { freshnessOf, unavailable, type RefreshEnd } from './refresh-end.ts';
import { isOver } from './refresh-policy.ts';
import { missingScope, type RouteTokenPolicy } from './route-policy.ts';
import { NO_REFRESH_TOKEN, NOT_FOR_ACCOUNT, scopeMissing, type RouteToken } from './route-token.ts';
import type { SealedTokens } from './sealed-tokens.ts';
import { isRenewable, type TokenRefresher } from './token-refresher.ts';

export interface AudienceTokensOptions {
  readonly refresher: Pick<TokenRefresher, 'flightFor'>;
  readonly kept: SealedTokens;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A token younger than this is not replaced, whoever refused it. Milliseconds. */
  readonly cooldown: number;
  readonly timer: Timer;
  /** The longest a request waits. Milliseconds. */
  readonly wait: number;
}

type Policy = Extract<RouteTokenPolicy, { kind: 'audience' }>;
type Active = Pick<ActiveSession, 'session'>;

const MOST_REMEMBERED = 10_000;
/** A provider may spend the refresh token with such a refusal: better late than often. */
const PAUSE_REFUSED_MS = 60_000;

/**
 * A user's tokens for other audiences than the session's own one. Each costs a refresh: so it is kept, and comes in a flight of its
 * own, after whatever other flight the session has under way. One refresh token is never spent by two.
 */
export class AudienceTokens {
  readonly #options: AudienceTokensOptions;
  readonly #flights = new SingleFlight<RouteToken>();
  readonly #refusedUntil = new BoundedMap<number>(MOST_REMEMBERED);

  constructor(options: AudienceTokensOptions) {
    this.#options = options;
  }

  /** A plain value while a token is at hand: then the session's own may be over. */
  of(policy: Policy, active: Active, activity: boolean): RouteToken | Promise<RouteToken> {
    const { session } = active;
    const missing = missingScope(policy.scope, session.scope);
    if (missing.length > 0) return scopeMissing(missing);
    const token = this.#options.kept.get(session, policy.target.key);
    return token === undefined ? this.#once(policy, session, activity) : { kind: 'usable', session, accessToken: token.accessToken };
  }

  /** After an upstream's 401 to `refused`: a newer one. The same one again when it is too young to be worth it. */
  async renewed(policy: Policy, { session }: Active, refused: string, activity: boolean): Promise<RouteToken> {
    const { kept, clock, cooldown } = this.#options;
    const token = kept.get(session, policy.target.key);
    const isNew = token !== undefined && (token.accessToken !== refused || Math.abs(clock.now() - token.grantedAt) < cooldown);
    return isNew ? { kind: 'usable', session, accessToken: token.accessToken } : this.#once(policy, session, activity);
  }

  #once({ target }: Policy, session: Session, activity: boolean): RouteToken | Promise<RouteToken> {
    const key = `${session.sid} ${target.key}`;
    const refusedUntil = this.#refusedUntil.get(key) ?? 0;
    if (this.#options.clock.now() < refusedUntil) return NOT_FOR_ACCOUNT;
    return this.#waited(
      this.#flights.run(key, () => this.#obtain(session, { target, key, activity })),
      session,
    );
  }

  async #waited(flight: Promise<RouteToken>, session: Session): Promise<RouteToken> {
    const { wait, timer } = this.#options;
    const token = (await within(flight, wait, timer)) ?? unavailable('provider_unavailable');
    if (token.kind !== 'usable' || token.accessToken === undefined || token.session.generation >= session.generation) return token;
    // Other flights went further before this one was looked at: their session is the newer one.
    return { kind: 'usable', session, accessToken: token.accessToken };
  }

  /** Flights end in generations that only grow; whatever one was for, the next may be ours. */
  async #obtain(
    start: Session,
    wish: { readonly target: Policy['target']; readonly key: string; readonly activity: boolean },
  ): Promise<RouteToken> {
    const { refresher, clock, wait } = this.#options;
    const deadline = clock.now() + wait;
    let session = start;
    do {
      if (!isRenewable(session)) return isOver(session, clock.now()) ? { kind: 'rejected', reason: 'expired' } : NO_REFRESH_TOKEN;
      const end = await refresher.flightFor(session, wish.target, wish.activity);
      const settled = this.#settle(end, session, wish);
      if (settled !== undefined) return settled;
      if (end.kind === 'refreshed') ({ session } = end);
    } while (clock.now() < deadline);
    return unavailable('provider_unavailable');
  }

  /** `undefined`: the flight was another errand's. */
  #settle(
    end: RefreshEnd,
    session: Session,
    { target, key }: { readonly target: Policy['target']; readonly key: string },
  ): RouteToken | undefined {
    if (end.kind === 'ended') return freshnessOf(end);
    if (end.kind === 'failed') {
      const { unfit } = end.failure;
      if (unfit === undefined) return freshnessOf(end);
      return unfit.key === target.key ? this.#refused(session, key, unfit.error) : undefined;
    }
    const { aside } = end;
    if (aside?.key !== target.key) return undefined;
    this.#options.kept.set(end.session, target.key, aside.token);
    const taken = end.ticket === undefined ? {} : { taken: { ticket: end.ticket, takenAt: end.at } };
    return { kind: 'usable', session: end.session, accessToken: aside.token.accessToken, ...taken };
  }

  #refused({ sub }: Session, key: string, error: string): RouteToken {
    this.#refusedUntil.set(key, this.#options.clock.now() + PAUSE_REFUSED_MS);
    this.#options.logger.warn('audience_refused', { sub, error: registeredError(error) });
    return NOT_FOR_ACCOUNT;
  }
}
