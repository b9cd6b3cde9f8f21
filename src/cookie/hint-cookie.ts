import { pairBytes, parseCookies, setCookieLine } from './cookie-header.ts';
import { hintCookieName, type CookieNameOptions } from './cookie-names.ts';

export interface HintCookieOptions extends CookieNameOptions {
  /** `<path><basePath>/logout`: the cookie travels to logout only. */
  readonly path: string;
}

/** A path-limited name can be planted by a sibling domain: several may arrive, and each is tried. */
const MOST_TRIED = 4;

/** Name and lines of the cookie that carries the ID token hint to logout. */
export class HintCookie {
  readonly name: string;
  readonly #options: HintCookieOptions;

  constructor(options: HintCookieOptions) {
    this.name = hintCookieName(options);
    this.#options = options;
  }

  read(cookieHeader: string | undefined): string[] {
    if (!cookieHeader?.includes(this.name)) return [];
    const values = parseCookies(cookieHeader, this.name).filter(({ name, value }) => name === this.name && value !== '');
    return values.slice(0, MOST_TRIED).map(({ value }) => value);
  }

  /** Bytes of `name=value; `. */
  size(value: string): number {
    return pairBytes(this.name, value);
  }

  line(value: string, maxAgeSeconds: number): string {
    const { path, devCookies } = this.#options;
    return setCookieLine(this.name, value, { path, maxAge: maxAgeSeconds, sameSite: 'Strict', secure: !devCookies });
  }

  clear(): string {
    return this.line('', 0);
  }
}
