import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { Seldom } from '../kernel/seldom.ts';
import type { IdentityProvider, RefreshOutcome, TokenSet } from '../oidc/identity-provider.ts';
import { registeredError } from '../oidc/oidc-errors.ts';
import type { RevocationCause, Revocations } from '../session/revocations.ts';
import type { SessionHead } from '../session/session-head.ts';
import type { SessionStore } from '../session/session-store.ts';
import type { Session } from '../session/session.ts';
import type { FailedRefreshes } from './failed-refreshes.ts';
import { heldToken } from './held-token.ts';
import { ended, failed, rejectedFor, type RefreshEnd } from './refresh-end.ts';
import { isOver, judgeRefusal } from './refresh-policy.ts';
import type { RefreshTokenRotation } from './refresh-token-rotation.ts';
import { refreshedSession, withOwnToken } from './refreshed-session.ts';
import type { RouteTarget } from './route-policy.ts';

export interface GrantSettlementOptions {
  readonly provider: IdentityProvider;
  readonly store: SessionStore;
  readonly head: SessionHead;
  readonly revocations: Revocations;
  readonly failures: FailedRefreshes;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fatalErrors: readonly string[];
  readonly rotation?: Pick<RefreshTokenRotation, 'learn'>;
  /** Told what each grant that was sent came to, for a metric. */
  readonly onGrant?: (outcome: RefreshOutcome['kind']) => void;
  /** Names of the claims that sessions keep. */
  readonly claims?: readonly string[];
  /** Whether a sealed value can be kept by a browser. */
  readonly fits: (value: string) => boolean;
  /** Work that nobody waits for, except the shutdown. */
  readonly background: (work: Promise<unknown>) => void;
}

type Granted = Extract<RefreshOutcome, { kind: 'granted' }>;
type Refused = Extract<RefreshOutcome, { kind: 'refused' }>;

/** What a refresh is for: see `Errand`. */
interface Purpose {
  readonly activity: boolean;
  readonly target?: RouteTarget;
}

/**
 * `fatal`: the refresh token is dead, and the session with it unless there is a successor. `outrun`: somebody else has made the same
 * generation of the session.
 */
export type Settled = RefreshEnd | 'fatal' | 'outrun';

const ALERT_EVERY_MS = 60_000;
const LONGEST_OUTAGE_WAIT_S = 10;

/** Makes of the provider's answer what it means for the session: a new generation, its end, or a failure that leaves it as it is. */
export class GrantSettlement {
  readonly #options: GrantSettlementOptions;
  readonly #alerts: Seldom;

  constructor(options: GrantSettlementOptions) {
    this.#options = options;
    this.#alerts = new Seldom(options.clock, ALERT_EVERY_MS);
  }

  async settle(session: Session, outcome: RefreshOutcome, purpose: Purpose): Promise<Settled> {
    if (outcome.kind !== 'failed' || outcome.sent) this.#options.onGrant?.(outcome.kind);
    switch (outcome.kind) {
      case 'granted':
        return this.#granted(session, outcome, purpose);
      case 'subject-changed':
        return this.#subjectChanged(session, outcome.tokens);
      case 'refused':
        return this.#refused(session, outcome, purpose);
      case 'throttled':
        this.#options.logger.warn('refresh_throttled', { retryAfter: outcome.retryAfter });
        return failed({ code: 'provider_unavailable', retryAfter: outcome.retryAfter });
      case 'failed':
        this.#options.logger.warn('refresh_failed', { cause: outcome.cause, sent: outcome.sent });
        return failed({ code: 'provider_unavailable', ambiguous: outcome.sent, ...retryAfterOf(outcome) });
    }
  }

  /** Ends the session everywhere. `this-generation`: a newer one, which somebody may have made, goes on. */
  async end(session: Session, cause: RevocationCause, which: 'whole' | 'this-generation' = 'whole'): Promise<RefreshEnd> {
    this.#options.logger.info('session_ended', { cause, sub: session.sub });
    const { sid, generation, endsAt: until } = session;
    try {
      await this.#options.revocations.add({ cause, sid, until, ...(which === 'whole' ? {} : { generation }) });
    } catch {
      // Known in this process all the same; elsewhere the provider refuses the refresh token again.
      this.#options.logger.error('revocation_not_shared', { cause });
    }
    return ended(cause);
  }

  async #granted(session: Session, { tokens, claims }: Granted, { activity, target }: Purpose): Promise<Settled> {
    this.#options.rotation?.learn(session.refreshToken, tokens.refreshToken);
    const now = this.#options.clock.now();
    const kept = this.#options.claims;
    const optional = { ...(claims === undefined ? {} : { claims }), ...(kept === undefined ? {} : { kept }) };
    const renewed = refreshedSession(session, { tokens, now, activity, ...optional });
    const next = target === undefined ? renewed : withOwnToken(renewed, session);
    const cause = this.#options.revocations.causeOf(session);
    if (cause !== undefined) {
      this.#options.background(this.#revoke(tokens.refreshToken));
      return { kind: 'ended', answer: rejectedFor(cause), newest: next };
    }
    const ticket = await this.#options.store.save(next);
    if (!(await this.#publish(next, ticket.value))) return 'outrun';
    const aside = target === undefined ? {} : { aside: { key: target.key, token: heldToken(tokens, now) } };
    const end = { kind: 'refreshed', from: 'grant', session: next, at: now, ...aside } as const;
    if (this.#options.fits(ticket.value)) return { ...end, ticket };
    // The old cookie stays in the browser and is healed by the head with every request, which beats a session lost half way.
    this.#options.logger.error('cookie_budget', { bytes: ticket.value.length });
    return end;
  }

  async #publish(session: Session, ticket: string): Promise<boolean> {
    try {
      return await this.#options.head.publish(session.sid, session.generation, ticket, session.endsAt);
    } catch {
      // The tokens are in the ticket that the waiting requests deliver; only later stragglers miss the head.
      this.#options.logger.error('refresh_not_published');
      return true;
    }
  }

  async #subjectChanged(session: Session, tokens: TokenSet): Promise<RefreshEnd> {
    this.#options.logger.error('refresh_subject_changed', { sub: session.sub });
    this.#options.background(this.#revoke(tokens.refreshToken ?? session.refreshToken));
    return this.end(session, 'refresh_refused');
  }

  #refused(session: Session, refused: Refused, { target }: Purpose): Promise<RefreshEnd> | Settled {
    const { error, status } = refused;
    const now = this.#options.clock.now();
    const refusal = judgeRefusal(refused, this.#options.fatalErrors);
    if (refusal === 'fatal') return 'fatal';
    if (target !== undefined && refusal !== 'misconfigured')
      return failed({ code: 'provider_unavailable', unfit: { key: target.key, error } });
    this.#alert(refusal === 'misconfigured' ? 'refresh_refused_misconfigured' : 'refresh_refused', {
      // Anything else could be a quoted token.
      error: registeredError(error),
      status,
    });
    if (refusal === 'doubtful' && isOver(session, now) && this.#options.failures.isFinal(session, error, now))
      return this.end(session, 'refresh_expired');
    return failed({ code: 'provider_unavailable' });
  }

  /** Every session meets the same wrong client secret: one line a minute says it. */
  #alert(event: 'refresh_refused_misconfigured' | 'refresh_refused', fields: { error: string; status: number }): void {
    if (this.#alerts.isTime(event)) this.#options.logger.error(event, fields);
  }

  async #revoke(refreshToken: string | undefined): Promise<void> {
    if (refreshToken === undefined) return;
    try {
      // Best effort (RFC 7009). A failure was logged by the provider client.
      await this.#options.provider.revoke(refreshToken);
    } catch (error) {
      this.#options.logger.error('refresh_token_not_revoked', { error: error instanceof Error ? error.name : typeof error });
    }
  }
}

/** The provider's own wish, within reason: unlike a 429, an outage is often over before its Retry-After. */
function retryAfterOf(outcome: { readonly retryAfter?: number }): { retryAfter?: number } {
  return outcome.retryAfter === undefined ? {} : { retryAfter: Math.min(outcome.retryAfter, LONGEST_OUTAGE_WAIT_S) };
}
