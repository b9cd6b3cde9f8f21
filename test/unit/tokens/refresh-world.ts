import type { RefreshOutcome } from '../../../src/oidc/identity-provider.ts';
import { LocalRevocations } from '../../../src/session/local-revocations.ts';
import { MemorySessionHead } from '../../../src/session/memory-session-head.ts';
import type { Claim, Claimant, SessionHead } from '../../../src/session/session-head.ts';
import type { ActiveSession } from '../../../src/session/session-lookup.ts';
import type { Loaded, SessionStore } from '../../../src/session/session-store.ts';
import type { Session, Ticket } from '../../../src/session/session.ts';
import type { Freshness } from '../../../src/tokens/freshness.ts';
import type { RefreshOptions } from '../../../src/tokens/refresh-options.ts';
import { TokenRefresher, type TokenRefresherOptions } from '../../../src/tokens/token-refresher.ts';
import { accessTokenOf, FakeProvider, refreshTokenOf } from '../../support/fake-provider.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
const HEAD = { idle: 30 * MINUTE, handover: MINUTE, confirmAfter: 45 * SECOND };
export const LIFETIME = 5 * MINUTE;

const POLICY: RefreshOptions = {
  early: MINUTE,
  earlyWait: 300,
  providerLeeway: 0,
  wait: 10 * SECOND,
  cooldown: 2 * SECOND,
  maxInFlight: 50,
  fatalErrors: ['invalid_grant'],
  breaker: { failures: 5, pause: 10 * SECOND },
};

/** Answers of the token endpoint, by the words of the decision table. */
export const refused = (error: string, status = 400): RefreshOutcome => ({ kind: 'refused', error, status });
export const notSent: RefreshOutcome = { kind: 'failed', sent: false, cause: 'ECONNREFUSED' };
export const noAnswer: RefreshOutcome = { kind: 'failed', sent: true, cause: 'timeout' };

/** Tickets are the session as JSON: no key, no waiting. Every save is counted, and no two give the same bytes. */
class PlainStore implements SessionStore {
  readonly saved: Session[] = [];
  fail: Error | undefined;

  load(value: string): Loaded {
    const { session } = JSON.parse(value) as { session: Session };
    return { kind: 'loaded', session };
  }

  async save(session: Session): Promise<Ticket> {
    if (this.fail !== undefined) throw this.fail;
    this.saved.push(session);
    return { value: JSON.stringify({ save: this.saved.length, session }), session };
  }

  async remove(): Promise<void> {}
}

/** The head of this process, with what was published and released to be looked at, and claims that can be answered otherwise. */
class WatchedHead implements SessionHead {
  readonly published: string[] = [];
  readonly claims: number[] = [];
  released = 0;
  readonly script: (Claim | Error)[] = [];
  readonly inner: MemorySessionHead;

  constructor(inner: MemorySessionHead) {
    this.inner = inner;
  }

  async claim(claimant: Claimant, leaseMs: number): Promise<Claim> {
    this.claims.push(claimant.generation);
    const scripted = this.script.shift();
    if (scripted instanceof Error) throw scripted;
    return scripted ?? this.inner.claim(claimant, leaseMs);
  }

  spending(sid: string, generation: number, leaseMs: number): Promise<boolean> {
    return this.inner.spending(sid, generation, leaseMs);
  }

  async publish(sid: string, generation: number, ticket: string, endsAt: number): Promise<boolean> {
    this.published.push(ticket);
    return this.inner.publish(sid, generation, ticket, endsAt);
  }

  confirm(sid: string, generation: number): Promise<void> {
    return this.inner.confirm(sid, generation);
  }

  release(sid: string, generation: number, doubtful?: boolean): Promise<void> {
    this.released++;
    return this.inner.release(sid, generation, doubtful);
  }

  forget(sid: string): Promise<void> {
    return this.inner.forget(sid);
  }
}

/** A refresher with all that it stands on. */
export class RefreshWorld {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly provider = new FakeProvider(this.clock);
  readonly store = new PlainStore();
  readonly revocations = new LocalRevocations({ clock: this.clock });
  readonly policy: RefreshOptions;
  readonly memory: MemorySessionHead;
  readonly head: WatchedHead;
  readonly refresher: TokenRefresher;
  readonly #more: Partial<TokenRefresherOptions>;

  constructor(policy: Partial<RefreshOptions> = {}, more: Partial<TokenRefresherOptions> = {}) {
    this.policy = { ...POLICY, ...policy };
    this.memory = new MemorySessionHead({ clock: this.clock, ...HEAD, memory: 1 << 20 });
    this.head = new WatchedHead(this.memory);
    this.#more = more;
    this.refresher = this.replica();
  }

  /** One more process with the same head, store and provider, and nothing else in common. */
  replica(): TokenRefresher {
    return new TokenRefresher({
      ...{ provider: this.provider, store: this.store, head: this.head, heads: this.memory, revocations: this.revocations },
      ...{ clock: this.clock, timer: this.clock, logger: this.logger, policy: this.policy, providerTimeout: 5 * SECOND, ...this.#more },
    });
  }

  /** A session as a login now would make it, with tokens number 1. */
  login(sub = 'alice', changes: Partial<Session> = {}): Session {
    const now = this.clock.now();
    return {
      ...{ sid: `sid-${sub}`, generation: 1, sub, idTokenIssuedAt: Math.floor(now / SECOND) },
      ...{ accessToken: accessTokenOf(sub, 1), accessTokenExpiresAt: now + LIFETIME, refreshToken: refreshTokenOf(sub, 1) },
      ...{ scope: ['openid'], claims: { sub }, createdAt: now, refreshedAt: now, lastSeenAt: now, endsAt: now + 12 * 60 * MINUTE },
      ...changes,
    };
  }

  /** A session whose access token has just ended. */
  async expired(sub = 'alice', changes: Partial<Session> = {}): Promise<Session> {
    const session = this.login(sub, changes);
    await this.clock.advance(session.accessTokenExpiresAt - this.clock.now());
    return session;
  }

  /** A session deep in its early window: ten seconds before the access token ends. */
  async ageing(sub = 'alice', changes: Partial<Session> = {}): Promise<Session> {
    const session = this.login(sub, changes);
    await this.clock.advance(session.accessTokenExpiresAt - this.clock.now() - 10 * SECOND);
    return session;
  }

  /** A request on a route that carries this session's cookie. */
  async request(session: Session): Promise<Freshness> {
    return this.refresher.fresh(this.present(session));
  }

  /** What a cookie with this session amounts to here and now: the head's newer ticket takes its place. */
  present(session: Session): ActiveSession {
    const ticket = { value: JSON.stringify({ save: 0, session }), session };
    const head = this.memory.newest(session.sid);
    if (head?.ticket === undefined || head.generation <= session.generation) return { kind: 'active', session, ticket };
    const loaded = this.store.load(head.ticket);
    if (loaded.kind !== 'loaded') throw new Error('the head has a ticket that cannot be read');
    const newest = { value: head.ticket, session: loaded.session };
    return { kind: 'active', session: loaded.session, ticket: newest, taken: { ticket: newest, takenAt: this.clock.now() } };
  }
}

/** Sessions of different users, all over. */
export async function users(world: RefreshWorld, count: number): Promise<Session[]> {
  const sessions = Array.from({ length: count }, (_, at) => world.login(`user-${String(at)}`));
  await world.expired('last');
  return sessions;
}

export async function inTurn(world: RefreshWorld, sessions: readonly Session[]): Promise<string[]> {
  const kinds = [];
  for (const session of sessions) kinds.push((await world.request(session)).kind);
  return kinds;
}
