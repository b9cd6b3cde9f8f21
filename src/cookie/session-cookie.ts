import { chunkCapacity, chunkName, COOKIE_LIMIT, joinChunks, MOST_CHUNKS, splitValue } from './cookie-chunks.ts';
import { pairBytes, parseCookies, setCookieLine, type CookiePair } from './cookie-header.ts';
import { attemptCookiePrefix, hintCookieName, sessionCookieName, type CookieNameOptions } from './cookie-names.ts';
import { HintCookie } from './hint-cookie.ts';

/** The session cookies that a request carries. */
export interface PresentedCookie {
  /** Whole values to try: cookies of the plain name first, then joined chunks. Bounded in number and length. */
  readonly candidates: readonly string[];
  /** Names of session cookies seen, chunks included: what may have to be cleared. */
  readonly names: readonly string[];
}

export interface SessionCookieOptions extends CookieNameOptions {
  readonly maxChunks: number;
  /** Bytes of `name=value; ` over all chunks and the hint. */
  readonly budget: number;
  /** Path of the hint cookie (`<path><basePath>/logout`), for `clearAll`. */
  readonly hintPath?: string;
}

const NOTHING: PresentedCookie = Object.freeze({ candidates: Object.freeze([]), names: Object.freeze([]) });
const DEFAULT_HINT_PATH = '/bff/logout';
/** Of cookies of one name, and of joined values: eight candidates in all. */
const MOST_TRIED = 4;
const SINGLE = -1;

const bytesOf = (pairs: readonly CookiePair[]): number => pairs.reduce((sum, { name, value }) => sum + pairBytes(name, value), 0);

/** Names, chunks and Set-Cookie lines of the session cookie (reference, "Cookies on the wire"). Knows nothing of what is inside. */
export class SessionCookie {
  readonly baseName: string;
  readonly #options: SessionCookieOptions;
  readonly #hint: HintCookie;
  readonly #names: readonly string[];
  readonly #attemptPrefix: string;
  readonly #hintName: string;

  constructor(options: SessionCookieOptions) {
    this.baseName = sessionCookieName(options);
    this.#options = options;
    this.#hint = new HintCookie({ ...options, path: options.hintPath ?? DEFAULT_HINT_PATH });
    this.#names = Array.from({ length: MOST_CHUNKS }, (_, index) => chunkName(this.baseName, index));
    this.#attemptPrefix = attemptCookiePrefix(options);
    this.#hintName = hintCookieName(options);
  }

  read(cookieHeader: string | undefined): PresentedCookie {
    if (!cookieHeader?.includes(this.baseName)) return NOTHING;
    const names: string[] = [];
    const singles: string[] = [];
    const chunks: string[][] = [];
    for (const { name, value } of parseCookies(cookieHeader, this.baseName)) {
      const index = this.#indexOf(name);
      if (index === undefined) continue;
      if (!names.includes(name)) names.push(name);
      const place = index === SINGLE ? singles : (chunks[index] ??= []);
      if (place.length < MOST_TRIED && this.#canBeOurs(name, value)) place.push(value);
    }
    if (chunks.length === 0) return { names, candidates: singles };
    const joined = joinChunks(
      this.#names.map((_, index) => chunks[index] ?? []),
      chunkCapacity(this.baseName),
      MOST_TRIED,
    );
    return { names, candidates: [...singles, ...joined] };
  }

  size(value: string): number {
    return bytesOf(splitValue(this.baseName, value));
  }

  /** Whether the value stays within the budget (together with a hint of `hintBytes`) and the number of chunks. */
  fits(value: string, hintBytes = 0): boolean {
    const { budget, maxChunks } = this.#options;
    const pairs = splitValue(this.baseName, value);
    return pairs.length <= Math.min(maxChunks, MOST_CHUNKS) && bytesOf(pairs) + hintBytes <= budget;
  }

  /** Set-Cookie lines for the value, and for clearing presented cookies that the value does not use. */
  write(value: string, maxAgeSeconds: number, presented: PresentedCookie): string[] {
    const pairs = splitValue(this.baseName, value);
    const leftOver = presented.names.filter((name) => !pairs.some((pair) => pair.name === name));
    return [...pairs.map((pair) => this.#line(pair.name, pair.value, maxAgeSeconds)), ...leftOver.map((name) => this.#line(name, '', 0))];
  }

  /** Clears each session cookie that was seen. */
  clear(presented: PresentedCookie): string[] {
    return presented.names.map((name) => this.#line(name, '', 0));
  }

  /** Clears every cookie that can make a header too large, seen or not (the request could not be read). */
  clearAll(): string[] {
    return [...[this.baseName, ...this.#names].map((name) => this.#line(name, '', 0)), this.#hint.clear()];
  }

  /** Whether a cookie is one of ours (session, chunk, attempt, hint) and must never go upstream. */
  owns(name: string): boolean {
    if (name === this.#hintName || name === this.baseName) return true;
    return name.startsWith(this.baseName) && (name.startsWith(this.#attemptPrefix) || name.charAt(this.baseName.length) === '.');
  }

  #indexOf(name: string): number | undefined {
    if (name === this.baseName) return SINGLE;
    const index = this.#names.indexOf(name);
    return index === -1 ? undefined : index;
  }

  // Longer ones no browser keeps, so they cannot be what we set.
  #canBeOurs(name: string, value: string): boolean {
    return value !== '' && name.length + value.length <= COOKIE_LIMIT;
  }

  #line(name: string, value: string, maxAge: number): string {
    return setCookieLine(name, value, { path: '/', maxAge, sameSite: 'Strict', secure: !this.#options.devCookies });
  }
}
