import { attemptSecrets, type AttemptSecrets } from './attempt-secrets.ts';

/** One login under way, as its cookie holds it. */
export interface LoginAttempt extends AttemptSecrets {
  readonly returnTo: string;
  /** The session that was there when the login began: the callback cannot see its cookie, and ends it. */
  readonly previousSid?: string;
  /** `prompt=none`: the provider was asked not to show anything. */
  readonly silent: boolean;
  /** The `max_age` asked for, seconds: the ID token's `auth_time` is judged by it. */
  readonly maxAge?: number;
}

export interface SealedAttempt {
  readonly secret: Buffer;
  readonly returnTo: string;
  readonly previousSid?: string;
  readonly silent: boolean;
  readonly maxAge?: number;
  /** Seconds. */
  readonly beganAt: number;
}

const SECRET_BYTES = 32;

/**
 * A list, because the cookie is one of three and every byte counts: secret, returnTo, previous sid, time, and only when they are
 * wanted silent (0 or 1) and max_age. App, issuer, client and purpose are bound through the key.
 */
export function toAttemptPayload(attempt: SealedAttempt): readonly unknown[] {
  const { secret, returnTo, previousSid = '', silent, maxAge, beganAt } = attempt;
  const always = [secret.toString('base64url'), returnTo, previousSid, beganAt];
  if (maxAge !== undefined) return [...always, silent ? 1 : 0, maxAge];
  return silent ? [...always, 1] : always;
}

/** Undefined when an authentic payload is not of this form. */
export function fromAttemptPayload(payload: unknown): SealedAttempt | undefined {
  if (!Array.isArray(payload)) return undefined;
  const [secretText, returnTo, previousSid, beganAt, silent, maxAge] = payload as readonly unknown[];
  if (typeof secretText !== 'string' || typeof returnTo !== 'string' || typeof previousSid !== 'string') return undefined;
  if (typeof beganAt !== 'number') return undefined;
  const secret = Buffer.from(secretText, 'base64url');
  if (secret.length !== SECRET_BYTES) return undefined;
  return {
    secret,
    returnTo,
    ...(previousSid === '' ? {} : { previousSid }),
    silent: silent === 1,
    ...(typeof maxAge === 'number' ? { maxAge } : {}),
    beganAt,
  };
}

export function toLoginAttempt({ secret, returnTo, previousSid, silent, maxAge }: SealedAttempt, id: string): LoginAttempt {
  return {
    ...attemptSecrets(secret, id),
    returnTo,
    silent,
    ...(previousSid === undefined ? {} : { previousSid }),
    ...(maxAge === undefined ? {} : { maxAge }),
  };
}
