import type { UnreadableReason } from '../cookie/cookie-codec.ts';
import type { Session, Ticket } from './session.ts';

/**
 * What a store knows of a presented ticket. `unreadable` with `tampered` means that the MAC failed under a key we know;
 * every other reason means "not ours to judge" and must never lead to a cleared cookie. `unavailable` is never "not logged in".
 */
export type Loaded =
  | { readonly kind: 'loaded'; readonly session: Session }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly reason: UnreadableReason }
  | { readonly kind: 'unavailable'; readonly retryAfter: number };

/** Turns a ticket into a session and back. Never sees a request, never judges limits or revocations. */
export interface SessionStore {
  /** Answers without a promise when the session is at hand, so that the common request awaits nothing. */
  load(ticketValue: string): Loaded | Promise<Loaded>;
  save(session: Session): Promise<Ticket>;
  remove(sid: string): Promise<void>;
}
