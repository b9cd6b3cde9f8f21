import type { Session } from './session.ts';

/** The session for which a lease is asked. */
export type Claimant = Pick<Session, 'sid' | 'generation' | 'endsAt'>;

/** An earlier use of the same refresh token whose outcome nobody has learned: the provider may have spent it. */
export interface Doubt {
  /** When the token was first sent, ms. */
  readonly since: number;
  /** Its sender has vanished, rather than told us that it got no answer. */
  readonly abandoned: boolean;
}

/** The answer of `claim`. `until` is a wall-clock time in ms: the end of the lease. */
export type Claim =
  /** `unknown`: whoever was asked had never heard of the session. */
  | { readonly kind: 'granted'; readonly until: number; readonly doubt?: Doubt; readonly unknown?: boolean }
  /** Somebody else holds the lease. */
  | { readonly kind: 'busy'; readonly until: number }
  /** A newer generation exists and its ticket may still be handed over. The times are those of its head, where they are known. */
  | { readonly kind: 'newer'; readonly generation: number; readonly ticket: string; readonly setAt?: number; readonly confirmedAt?: number }
  /** A newer generation exists and the handover is over: this generation must never reach the provider. */
  | { readonly kind: 'superseded'; readonly generation: number }
  | { readonly kind: 'unavailable'; readonly retryAfter: number };

/** The newest generation known of one session. `ticket` is the sealed cookie value itself, absent once the handover is over. */
export interface Head {
  readonly generation: number;
  readonly ticket?: string;
  readonly setAt: number;
  /** When the new generation was first presented `confirmAfter` or more after `setAt`. */
  readonly confirmedAt?: number;
  /** Only others know its ticket: a browser has shown that this generation exists. */
  readonly elsewhere?: true;
}

/**
 * Per session id, the newest generation anyone knows of: what makes a refresh happen once, and what hands its result to late
 * requests that still carry the older cookie.
 * A head keeps its ticket while unconfirmed (within the idle limit and a byte bound) or confirmed less than the handover ago;
 * after that only the number stays, until the absolute limit.
 */
export interface SessionHead {
  /** One atomic step: take the lease for refreshing this generation, or learn why not. Implies `confirm` of that generation. */
  claim(claimant: Claimant, leaseMs: number): Promise<Claim>;
  /**
   * The holder of the lease sends the refresh token now: should it vanish, whoever claims next learns of the doubt. The lease lasts
   * `leaseMs` from now. False when the lease is not, or not known to be, this holder's any more.
   */
  spending(sid: string, generation: number, leaseMs: number): Promise<boolean>;
  /**
   * Makes `ticket` the head and ends the lease. False: there is another ticket of this generation or a newer one already, and nothing
   * has changed. `endsAt`: the session's absolute limit.
   */
  publish(sid: string, generation: number, ticket: string, endsAt: number): Promise<boolean>;
  /** The browser presented `generation`. Counts only `confirmAfter` or more after it was set. */
  confirm(sid: string, generation: number): Promise<void>;
  /** Gives the lease back without a new generation. Only the lease of this generation is released. `doubtful`: the refresh token may have been spent. */
  release(sid: string, generation: number, doubtful?: boolean): Promise<void>;
  /** Forgets the session (logout). */
  forget(sid: string): Promise<void>;
}

/** What this process knows by itself, without asking anybody: enough to judge most requests without a wait. */
export interface LocalHeads {
  newest(sid: string): Head | undefined;
  /**
   * For handing a ticket over: this head of `newest` as everybody knows it. A plain value where this process knows enough; otherwise
   * the others are asked whether the browser has shown them the ticket long ago.
   */
  current(sid: string, head: Head): Head | Promise<Head>;
  /** The browser has presented a newer generation than `newest` knows of. */
  outrun(session: Pick<Session, 'sid' | 'generation' | 'refreshedAt' | 'endsAt'>): void;
}
