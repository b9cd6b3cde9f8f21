import type { UnreadableReason } from '../cookie/cookie-codec.ts';
import type { Session } from './session.ts';
import type { Loaded } from './session-store.ts';

export interface Candidate {
  /** The presented value. */
  readonly value: string;
  readonly session: Session;
}

/** Negative when `a` is to be preferred. */
function compare(a: Session, b: Session): number {
  if (a.sid === b.sid) return b.generation - a.generation || b.lastSeenAt - a.lastSeenAt;
  return b.createdAt - a.createdAt || b.refreshedAt - a.refreshedAt;
}

/**
 * The candidate to go by when a browser presents several authentic ones (a chunked and a plain cookie, a left-over of an older
 * login): one that has not ended, then the newest login, then its newest generation.
 */
export function bestCandidate(candidates: readonly Candidate[], hasEnded: (session: Session) => boolean): Candidate | undefined {
  const [only] = candidates;
  if (candidates.length < 2) return only;
  const living = candidates.filter(({ session }) => !hasEnded(session));
  const [best] = [...(living.length > 0 ? living : candidates)].sort((a, b) => compare(a.session, b.session));
  return best;
}

/** `tampered` leads to cleared cookies, so it counts only beside nothing that another key or version may still read. */
const BY_WEIGHT: readonly UnreadableReason[] = ['unknown-version', 'unknown-key', 'tampered', 'foreign'];

/** The reason to go by when no candidate could be read. */
export function unreadableReason(results: readonly Loaded[]): UnreadableReason | undefined {
  return BY_WEIGHT.find((reason) => results.some((result) => result.kind === 'unreadable' && result.reason === reason));
}
