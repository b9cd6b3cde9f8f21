/** What the names of all cookies of one frontend follow from. */
export interface CookieNameOptions {
  /** `cookie.name`: `[a-z0-9-]{1,32}`. */
  readonly name: string;
  /** No prefix and no Secure, for browsers that refuse Secure cookies on loopback. */
  readonly devCookies: boolean;
}

/** `__Host-Http-`: only our own host can set it, only over HTTP, for the whole host (a sibling domain cannot plant it). */
export const sessionCookieName = ({ name, devCookies }: CookieNameOptions): string => (devCookies ? name : `__Host-Http-${name}`);

export const attemptCookiePrefix = (options: CookieNameOptions): string => `${sessionCookieName(options)}-login.`;

/** `__Secure-` only: browsers drop `__Host-` names that are limited to a path. */
export const hintCookieName = ({ name, devCookies }: CookieNameOptions): string => (devCookies ? `${name}-hint` : `__Secure-${name}-hint`);
