import type { PresentedCookie } from '../cookie/session-cookie.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { bestCandidate, unreadableReason, type Candidate } from './best-session.ts';
import type { RevocationCause, Revocations } from './revocations.ts';
import type { Head, LocalHeads, SessionHead } from './session-head.ts';
import { ageSince, isExpired } from './session-limits.ts';
import type { SessionLookup } from './session-lookup.ts';
import type { Loaded, SessionStore } from './session-store.ts';
import type { Session } from './session.ts';
import { ToldGenerations } from './told-generations.ts';

export interface SessionResolverOptions {
  readonly store: SessionStore;
  readonly heads: LocalHeads & Pick<SessionHead, 'confirm'>;
  readonly revocations: Revocations;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
  /** `session.idle`, ms. */
  readonly idle: number;
  /** `refresh.confirmAfter`, ms. */
  readonly confirmAfter: number;
}

const NONE: SessionLookup = Object.freeze({ kind: 'none' });
/** Between two processes: a word that comes too early does not count, and is not said again. */
const CLOCKS_APART_MS = 5000;
const UNKNOWN_NOW: SessionLookup = Object.freeze({ kind: 'unavailable', retryAfter: 1 });

/** Judges what the cookies of a request amount to: which session, its newest generation known here, its limits and revocations. */
export class SessionResolver {
  readonly #options: SessionResolverOptions;
  readonly #told = new ToldGenerations();
  readonly #suspected = new ToldGenerations();

  constructor(options: SessionResolverOptions) {
    this.#options = options;
  }

  /** Awaits nothing when the cookie is cached: returns the plain value then. */
  resolve({ candidates, names }: PresentedCookie): SessionLookup | Promise<SessionLookup> {
    const [first] = candidates;
    if (first === undefined) return names.length === 0 ? NONE : { kind: 'unreadable', reason: 'foreign' };
    const loaded = this.#options.store.load(first);
    // The usual request: one cookie, unsealed before.
    if (candidates.length === 1 && !(loaded instanceof Promise)) {
      return loaded.kind === 'loaded' ? this.#judge({ value: first, session: loaded.session }) : this.#choose(candidates, [loaded]);
    }
    const results = [loaded, ...candidates.slice(1).map((value) => this.#options.store.load(value))];
    if (results.every((result): result is Loaded => !(result instanceof Promise))) return this.#choose(candidates, results);
    return Promise.all(results.map((result) => Promise.resolve(result))).then((all) => this.#choose(candidates, all));
  }

  #choose(values: readonly string[], results: readonly Loaded[]): SessionLookup | Promise<SessionLookup> {
    const read = results.flatMap((result, at) => (result.kind === 'loaded' ? [{ value: values[at] ?? '', session: result.session }] : []));
    const best = bestCandidate(read, (session) => this.#hasEnded(session));
    if (best !== undefined) return this.#judge(best);
    const unavailable = results.find((result) => result.kind === 'unavailable');
    if (unavailable !== undefined) return unavailable;
    const reason = unreadableReason(results);
    return reason === undefined ? NONE : { kind: 'unreadable', reason };
  }

  #judge(presented: Candidate): SessionLookup | Promise<SessionLookup> {
    const { session, value } = presented;
    const head = this.#options.heads.newest(session.sid);
    if (head !== undefined && head.generation > session.generation) return this.#handOver(session, head);
    const ended = this.#ending(session);
    if (ended !== undefined) return ended;
    if (head !== undefined && head.generation < session.generation) this.#options.heads.outrun(session);
    if (session.generation > 1) this.#confirm(session, head);
    return { kind: 'active', session, ticket: { value, session } };
  }

  /** An older generation: the head's ticket takes its place while it may be handed over. */
  #handOver(session: Session, head: Head): SessionLookup | Promise<SessionLookup> {
    const current = this.#options.heads.current(session.sid, head);
    return current instanceof Promise ? current.then((later) => this.#handOverFrom(session, later)) : this.#handOverFrom(session, current);
  }

  #handOverFrom(session: Session, head: Head): SessionLookup | Promise<SessionLookup> {
    const { ticket } = head;
    // Those who know it cannot be asked now.
    if (ticket === undefined && head.elsewhere === true) return UNKNOWN_NOW;
    if (ticket === undefined) return this.#superseded(session, head);
    const newest = { ...head, ticket };
    const loaded = this.#options.store.load(ticket);
    return loaded instanceof Promise ? loaded.then((later) => this.#taken(session, newest, later)) : this.#taken(session, newest, loaded);
  }

  #taken(presented: Session, head: Head & { readonly ticket: string }, loaded: Loaded): SessionLookup {
    if (loaded.kind === 'unavailable') return loaded;
    // Sealed with a key that another process has already, and this one not yet.
    if (loaded.kind === 'unreadable' && loaded.reason === 'unknown-key') return UNKNOWN_NOW;
    const isIt = loaded.kind === 'loaded' && loaded.session.sid === presented.sid && loaded.session.generation === head.generation;
    // A head that cannot be read any more is as good as a number: the older generation must not go on.
    if (!isIt) return this.#superseded(presented, head);
    const { session } = loaded;
    const ended = this.#ending(session);
    if (ended !== undefined) return ended;
    const ticket = { value: head.ticket, session };
    return { kind: 'active', session, ticket, taken: { ticket, takenAt: this.#options.clock.now() } };
  }

  // A session that was ended is that first: `superseded` is for the audit, and never clears a cookie.
  #superseded(session: Session, head: Head): SessionLookup {
    const cause = this.#options.revocations.causeOf(session);
    if (cause !== undefined) return revokedBy(cause, session);
    const { sid, sub, generation } = session;
    if (this.#suspected.add(sid, generation)) {
      this.#options.logger.warn('refresh_reuse_suspected', { sub, generation, newest: head.generation });
    }
    return { kind: 'superseded', session };
  }

  #ending(session: Session): SessionLookup | undefined {
    const cause = this.#options.revocations.causeOf(session);
    if (cause !== undefined) return revokedBy(cause, session);
    return isExpired(session, this.#options.clock.now(), this.#options.idle) ? { kind: 'expired', session } : undefined;
  }

  #hasEnded(session: Session): boolean {
    return this.#ending(session) !== undefined;
  }

  /**
   * Tells the head that the browser has its newest ticket. Once per generation, and nobody waits for it. Another process may have made
   * that ticket: then the session itself says when.
   */
  #confirm({ sid, generation, refreshedAt }: Session, head: Head | undefined): void {
    const { heads, clock, confirmAfter, idle } = this.#options;
    const known = head?.generation === generation ? head : undefined;
    if (known?.confirmedAt !== undefined) return;
    const age = ageSince(known?.setAt ?? refreshedAt + CLOCKS_APART_MS, clock.now());
    if (age < confirmAfter || age >= idle || !this.#told.add(sid, generation)) return;
    // Unconfirmed is the safe side: the ticket is kept longer, and the next claim confirms as well.
    heads.confirm(sid, generation).catch(() => undefined);
  }
}

/** A session whose tokens can no longer be renewed is on the list of ended ones, but nobody revoked it. */
function revokedBy(cause: RevocationCause, session: Session): SessionLookup {
  if (cause === 'refresh_abandoned') return { kind: 'expired', session, mayHaveSuccessor: true };
  return cause === 'refresh_expired' ? { kind: 'expired', session } : { kind: 'revoked', session, cause };
}
