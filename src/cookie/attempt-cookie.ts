import { parseCookies, setCookieLine } from './cookie-header.ts';
import { attemptCookiePrefix, type CookieNameOptions } from './cookie-names.ts';

export interface AttemptCookieOptions extends CookieNameOptions {
  /** The provider answers by a cross-site POST, to which browsers send SameSite=None only. */
  readonly formPost?: boolean;
}

export interface PresentedAttempt {
  readonly id: string;
  readonly value: string;
}

/** Seven base36 digits of seconds, so that ids sort by age, and four random base64url characters. */
const ATTEMPT_ID = /^[0-9a-z]{7}[\w-]{4}$/;

/** Name and lines of the login-attempt cookies, one for each attempt: `<session cookie>-login.<id>`. */
export class AttemptCookie {
  readonly #prefix: string;
  readonly #options: AttemptCookieOptions;

  constructor(options: AttemptCookieOptions) {
    this.#prefix = attemptCookiePrefix(options);
    this.#options = options;
  }

  name(id: string): string {
    return `${this.#prefix}${id}`;
  }

  /** The attempts of a Cookie header as they stand there, duplicates kept. */
  read(cookieHeader: string | undefined): PresentedAttempt[] {
    if (!cookieHeader?.includes(this.#prefix)) return [];
    return parseCookies(cookieHeader, this.#prefix)
      .map(({ name, value }) => ({ id: name.slice(this.#prefix.length), value }))
      .filter(({ id }) => ATTEMPT_ID.test(id));
  }

  line(id: string, value: string, maxAgeSeconds: number): string {
    const { devCookies, formPost = false } = this.#options;
    // Browsers refuse SameSite=None without Secure: with devCookies a form_post callback works on one site only.
    const crossSite = formPost && !devCookies;
    return setCookieLine(this.name(id), value, {
      path: '/',
      maxAge: maxAgeSeconds,
      sameSite: crossSite ? 'None' : 'Lax',
      secure: !devCookies,
    });
  }

  clear(id: string): string {
    return this.line(id, '', 0);
  }
}
