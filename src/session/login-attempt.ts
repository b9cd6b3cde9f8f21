import { randomBytes } from 'node:crypto';

import type { AttemptCookie, PresentedAttempt } from '../cookie/attempt-cookie.ts';
import type { CookieCodec } from '../cookie/cookie-codec.ts';
import type { Clock } from '../kernel/clock.ts';
import { fromAttemptPayload, toAttemptPayload, toLoginAttempt, type LoginAttempt, type SealedAttempt } from './attempt-payload.ts';
import { attemptSecrets, idOfState, sameState, type AttemptSecrets } from './attempt-secrets.ts';
import { ageSince } from './session-limits.ts';

export type { LoginAttempt } from './attempt-payload.ts';

export interface LoginAttemptsOptions {
  readonly codec: CookieCodec;
  readonly clock: Clock;
  /** `login.attemptTtl`, ms. */
  readonly ttl: number;
  readonly cookie: AttemptCookie;
}

export interface NewLogin {
  readonly returnTo: string;
  readonly previousSid?: string;
  readonly silent?: boolean;
  readonly maxAge?: number;
  /** Of the request that starts the login: attempts it carries may have to make room. */
  readonly cookieHeader?: string | undefined;
}

export interface BegunLogin extends AttemptSecrets {
  /** The new attempt's line, then clearing lines that leave at most three attempts in the browser. */
  readonly setCookies: string[];
}

export type FoundAttempt =
  | { readonly kind: 'found'; readonly attempt: LoginAttempt }
  /** No cookie for this state: reload, back button, another browser, or a state that is not of our form. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'expired' }
  /** An attempt of ours has this id, but began with another state. */
  | { readonly kind: 'other-state' }
  /** A cookie with this id is there, but is no attempt that we can read. */
  | { readonly kind: 'unreadable' };

const MOST_ATTEMPTS = 3;
/** Cookies of one id that are tried. Only devCookies names can be there twice. */
const MOST_TRIED = 4;
const SECRET_BYTES = 32;
const TIME_DIGITS = 7;

function newId(seconds: number): string {
  return seconds.toString(36).padStart(TIME_DIGITS, '0') + randomBytes(3).toString('base64url');
}

const secondsOfId = (id: string): number => Number.parseInt(id.slice(0, TIME_DIGITS), 36);

/** Logins under way. Each lives in a cookie of its own, so that two tabs can log in at once, and nowhere else. */
export class LoginAttempts {
  readonly #options: LoginAttemptsOptions;

  constructor(options: LoginAttemptsOptions) {
    this.#options = options;
  }

  async begin(login: NewLogin): Promise<BegunLogin> {
    const { codec, cookie, ttl } = this.#options;
    const beganAt = Math.floor(this.#options.clock.now() / 1000);
    const id = newId(beganAt);
    const secret = randomBytes(SECRET_BYTES);
    const { silent = false, cookieHeader, ...rest } = login;
    const value = await codec.seal('login', toAttemptPayload({ ...rest, silent, secret, beganAt }));
    const evicted = this.#evicted(cookie.read(cookieHeader), beganAt);
    const setCookies = [cookie.line(id, value, Math.ceil(ttl / 1000)), ...evicted.map((old) => cookie.clear(old))];
    return { ...attemptSecrets(secret, id), setCookies };
  }

  /** The attempt that a callback's `state` belongs to. */
  async find(cookieHeader: string | undefined, state: string): Promise<FoundAttempt> {
    const id = idOfState(state);
    if (id === undefined) return { kind: 'missing' };
    const presented = this.#options.cookie.read(cookieHeader).filter((attempt) => attempt.id === id);
    if (presented.length === 0) return { kind: 'missing' };
    let kind: 'unreadable' | 'other-state' = 'unreadable';
    for (const { value } of presented.slice(0, MOST_TRIED)) {
      const sealed = await this.#unsealed(value);
      if (sealed === undefined) continue;
      if (sameState(attemptSecrets(sealed.secret, id).state, state)) return this.#judged(sealed, id);
      kind = 'other-state';
    }
    return { kind };
  }

  /** The line that expires the cookie of this state; none when the state is not of our form. */
  finish(state: string): string[] {
    const id = idOfState(state);
    return id === undefined ? [] : [this.#options.cookie.clear(id)];
  }

  /** Expires every attempt that the request carries. */
  clearAll(cookieHeader: string | undefined): string[] {
    const ids = new Set(this.#options.cookie.read(cookieHeader).map(({ id }) => id));
    return [...ids].map((id) => this.#options.cookie.clear(id));
  }

  async #unsealed(value: string): Promise<SealedAttempt | undefined> {
    const unsealed = await this.#options.codec.unseal('login', value);
    return unsealed.kind === 'sealed' ? fromAttemptPayload(unsealed.payload) : undefined;
  }

  // By the time inside the seal: the cookie's Max-Age is the browser's word.
  #judged(sealed: SealedAttempt, id: string): FoundAttempt {
    const isOver = ageSince(sealed.beganAt * 1000, this.#options.clock.now()) >= this.#options.ttl;
    return isOver ? { kind: 'expired' } : { kind: 'found', attempt: toLoginAttempt(sealed, id) };
  }

  /** The oldest ids, so that with the new one at most three are left. No seal is opened: ids sort by age. */
  #evicted(presented: readonly PresentedAttempt[], now: number): string[] {
    const ids = [...new Set(presented.map(({ id }) => id))].sort();
    const lifetime = this.#options.ttl / 1000;
    const living = ids.filter((id) => Math.abs(now - secondsOfId(id)) < lifetime).slice(1 - MOST_ATTEMPTS);
    return ids.filter((id) => !living.includes(id));
  }
}
