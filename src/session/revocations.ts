import type { Session } from './session.ts';

/** `refresh_abandoned`: a process has vanished with the refresh token; should it have gone on, its newer generation is good. */
export type RevocationCause =
  'logout' | 'replaced' | 'back_channel' | 'front_channel' | 'operator' | 'refresh_refused' | 'refresh_expired' | 'refresh_abandoned';

export interface Revocation {
  readonly cause: RevocationCause;
  /** Any one of these names the sessions that end. */
  readonly sid?: string;
  readonly providerSid?: string;
  readonly sub?: string;
  /** For `sid`: only this generation of the session and older ones end. A newer one, should there be any, has tokens of its own. */
  readonly generation?: number;
  /** For `providerSid` and `sub`: only sessions whose ID token was issued at or before this time end (seconds, the provider's clock). */
  readonly issuedAt?: number;
  /** When the entry may be forgotten: no session it names can live longer. Milliseconds. */
  readonly until: number;
}

/** The list of sessions that ended before their seal says so. Asked synchronously on every request, so it lives in memory. */
export interface Revocations {
  causeOf(session: Session): RevocationCause | undefined;
  /** Known here before the promise is returned; resolved once every replica can know. */
  add(revocation: Revocation): Promise<void>;
  /** Calls `listener` after each entry that this process learns of, its own ones too. For as long as the list lives. */
  onAdded(listener: (revocation: Revocation) => void): void;
}
