import type { TargetGrantOutcome, TokenIssuer } from '../../../src/oidc/token-issuer.ts';
import type { TokenTarget } from '../../../src/oidc/token-target.ts';
import { LocalRevocations } from '../../../src/session/local-revocations.ts';
import type { Session } from '../../../src/session/session.ts';
import { RouteGrants, type RouteGrantsOptions } from '../../../src/tokens/route-grants.ts';
import { routeTokenPolicy, type RouteTarget, type RouteTokenOptions } from '../../../src/tokens/route-policy.ts';
import { SealedTokens } from '../../../src/tokens/sealed-tokens.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const LIFETIME = 5 * MINUTE;
export const POLICY = {
  early: MINUTE,
  cooldown: 2 * SECOND,
  wait: 10 * SECOND,
  maxInFlight: 50,
  breaker: { failures: 5, pause: 10 * SECOND },
} as const;

export const refused = (error: string, status = 400): TargetGrantOutcome => ({ kind: 'refused', error, status });
export const noAnswer: TargetGrantOutcome = { kind: 'failed', sent: true, cause: 'timeout' };

/** A token endpoint without a network: tokens are numbered in the order in which they were asked for. Scripted answers come first. */
class FakeIssuer implements TokenIssuer {
  readonly issuer = 'https://id.example.com';
  /** `client` or the subject token, and the target. */
  readonly asked: { readonly subject: string; readonly target: TokenTarget }[] = [];
  lifetime = LIFETIME;
  readonly #clock: ManualClock;
  readonly #script: (TargetGrantOutcome | Error)[] = [];
  #gate: Promise<void> | undefined;
  #open: () => void = () => undefined;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  script(...answers: (TargetGrantOutcome | Error)[]): void {
    this.#script.push(...answers);
  }

  /** From now on every answer waits until `answer()`. */
  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  answer(): void {
    this.#gate = undefined;
    this.#open();
  }

  clientCredentials(target: TokenTarget): Promise<TargetGrantOutcome> {
    return this.#grant('client', target);
  }

  exchangeToken(subjectToken: string, target: TokenTarget): Promise<TargetGrantOutcome> {
    return this.#grant(subjectToken, target);
  }

  async #grant(subject: string, target: TokenTarget): Promise<TargetGrantOutcome> {
    this.asked.push({ subject, target });
    const accessToken = `${subject}>${target.audience ?? target.resource ?? ''}#${String(this.asked.length)}`;
    const scripted = this.#script.shift();
    const accessTokenExpiresAt = this.#clock.now() + this.lifetime;
    await this.#gate;
    if (scripted instanceof Error) throw scripted;
    return scripted ?? { kind: 'granted', tokens: { accessToken, accessTokenExpiresAt } };
  }
}

/** What the tokens of routes stand on. */
export class RouteWorld {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly issuer = new FakeIssuer(this.clock);
  readonly revocations = new LocalRevocations({ clock: this.clock });
  readonly grants: RouteGrants;
  readonly kept: SealedTokens;

  constructor(policy: Partial<RouteGrantsOptions['policy']> = {}, memory = 1 << 20) {
    this.grants = new RouteGrants({
      ...{ issuer: this.issuer.issuer, policy: { ...POLICY, ...policy } },
      ...{ clock: this.clock, timer: this.clock, logger: this.logger },
    });
    this.kept = new SealedTokens({ clock: this.clock, revocations: this.revocations, memory });
  }

  session(sub = 'alice', changes: Partial<Session> = {}): Session {
    const now = this.clock.now();
    return {
      ...{ sid: `sid-${sub}`, generation: 1, sub, idTokenIssuedAt: Math.floor(now / SECOND), accessToken: `at-${sub}` },
      ...{ accessTokenExpiresAt: now + LIFETIME, refreshToken: `rt-${sub}`, scope: ['openid'], claims: { sub } },
      ...{ createdAt: now, refreshedAt: now, lastSeenAt: now, endsAt: now + 12 * 60 * MINUTE, ...changes },
    };
  }
}

/** The target of a route that is configured so. */
export function targetOf(options: Partial<RouteTokenOptions> = { audience: 'orders' }): RouteTarget {
  const policy = routeTokenPolicy({ token: 'client', ...options });
  if (policy === undefined || policy.kind === 'scoped') throw new Error('no target');
  return policy.target;
}
