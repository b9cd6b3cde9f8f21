import { systemClock, type Clock } from '../../src/kernel/clock.ts';
import { isLoopback } from './site.ts';

export type SameSite = 'Strict' | 'Lax' | 'None';

/** A cookie as a browser keeps it. `expiresAt` is milliseconds since the epoch; without it the cookie lives as long as the jar. */
export interface StoredCookie {
  readonly name: string;
  readonly value: string;
  readonly host: string;
  /** Came with a Domain attribute: sent to subdomains too. */
  readonly domainWide: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: SameSite;
  readonly expiresAt: number | undefined;
}

/** How a request stands to the site that caused it (RFC 6265bis §5.2). */
export interface CookieContext {
  readonly sameSite: boolean;
  /** Top-level navigation with a safe method: the only cross-site requests that carry Lax cookies. */
  readonly laxAllowed: boolean;
}

const MAX_NAME_VALUE_BYTES = 4096;

/** RFC 6265bis, as far as the tests need it: ports do not matter, loopback counts as secure, prefixes are enforced. */
export class CookieJar {
  readonly #clock: Clock;
  #cookies: StoredCookie[] = [];
  /** Set-Cookie lines the jar refused, with the rule that refused them. */
  readonly refused: { line: string; rule: string }[] = [];

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Stores the Set-Cookie lines of a response, or says in `refused` why not. */
  store(lines: readonly string[], url: URL, context: CookieContext = { sameSite: true, laxAllowed: true }): void {
    for (const line of lines) {
      const parsed = parseSetCookie(line, url, this.#clock.now());
      const rule = typeof parsed === 'string' ? parsed : crossSiteRule(parsed, context);
      if (typeof parsed === 'string' || rule !== undefined) this.refused.push({ line, rule: rule ?? 'syntax' });
      else this.#put(parsed);
    }
  }

  /** The cookies a request to `url` would carry, longest path first. */
  matching(url: URL, context: CookieContext = { sameSite: true, laxAllowed: true }): StoredCookie[] {
    return this.all()
      .filter((cookie) => hostMatches(cookie, url.hostname) && pathMatches(cookie.path, url.pathname))
      .filter((cookie) => !cookie.secure || isSecure(url))
      .filter((cookie) => cookie.sameSite === 'None' || context.sameSite || (cookie.sameSite === 'Lax' && context.laxAllowed))
      .sort((a, b) => b.path.length - a.path.length);
  }

  all(): StoredCookie[] {
    const now = this.#clock.now();
    this.#cookies = this.#cookies.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now);
    return [...this.#cookies];
  }

  get(name: string): StoredCookie | undefined {
    return this.all().find((cookie) => cookie.name === name);
  }

  /** Puts cookies back as they were, as a browser does that was killed before it wrote them to disk. */
  restore(cookies: readonly StoredCookie[]): void {
    this.#cookies = [...cookies];
  }

  clear(): void {
    this.#cookies = [];
  }

  #put(cookie: StoredCookie): void {
    this.#cookies = this.#cookies.filter((other) => !sameCookie(other, cookie));
    this.#cookies.push(cookie);
  }
}

function sameCookie(a: StoredCookie, b: StoredCookie): boolean {
  return a.name === b.name && a.host === b.host && a.path === b.path && a.domainWide === b.domainWide;
}

function hostMatches(cookie: StoredCookie, host: string): boolean {
  return cookie.host === host || (cookie.domainWide && host.endsWith(`.${cookie.host}`));
}

function pathMatches(cookiePath: string, path: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}

function isSecure(url: URL): boolean {
  return url.protocol === 'https:' || isLoopback(url.hostname);
}

function crossSiteRule(cookie: StoredCookie, context: CookieContext): string | undefined {
  return cookie.sameSite !== 'None' && !context.sameSite && !context.laxAllowed ? 'SameSite cookie in a cross-site response' : undefined;
}

/** The cookie, or the rule that refuses it. */
function parseSetCookie(line: string, url: URL, now: number): StoredCookie | string {
  const [pair = '', ...attributeParts] = line.split(';');
  const split = pair.indexOf('=');
  if (split < 1) return 'no name';
  const name = pair.slice(0, split).trim();
  const value = pair.slice(split + 1).trim();
  if (Buffer.byteLength(name + value) > MAX_NAME_VALUE_BYTES) return 'name and value over 4,096 bytes';
  const attributes = new Map(attributeParts.map((part) => attribute(part)));
  const domain = attributes.get('domain')?.replace(/^\./, '').toLowerCase();
  if (domain !== undefined && domain !== url.hostname && !url.hostname.endsWith(`.${domain}`)) return 'foreign Domain';
  const path = attributes.get('path') ?? '';
  const cookie: StoredCookie = {
    name,
    value,
    host: domain ?? url.hostname,
    domainWide: domain !== undefined,
    path: path.startsWith('/') ? path : defaultPath(url),
    secure: attributes.has('secure'),
    httpOnly: attributes.has('httponly'),
    sameSite: sameSiteOf(attributes.get('samesite')),
    expiresAt: expiryOf(attributes, now),
  };
  return prefixRule(cookie, attributes, url) ?? cookie;
}

function attribute(part: string): [string, string] {
  const split = part.indexOf('=');
  const [name, value] = split < 0 ? [part, ''] : [part.slice(0, split), part.slice(split + 1)];
  return [name.trim().toLowerCase(), value.trim()];
}

function prefixRule(cookie: StoredCookie, attributes: ReadonlyMap<string, string>, url: URL): string | undefined {
  const name = cookie.name.toLowerCase();
  if (cookie.secure && !isSecure(url)) return 'Secure over plain HTTP';
  if (cookie.sameSite === 'None' && !cookie.secure) return 'SameSite=None without Secure';
  if (/^__(secure|http|host)-/.test(name) && !cookie.secure) return 'prefix without Secure';
  if (name.startsWith('__host-') && (cookie.domainWide || attributes.get('path') !== '/')) return '__Host- needs Path=/ and no Domain';
  if (/^__(http|host-http)-/.test(name) && !cookie.httpOnly) return '__Http- needs HttpOnly';
  return undefined;
}

function defaultPath(url: URL): string {
  const end = url.pathname.lastIndexOf('/');
  return end <= 0 ? '/' : url.pathname.slice(0, end);
}

function sameSiteOf(value: string | undefined): SameSite {
  if (value?.toLowerCase() === 'strict') return 'Strict';
  return value?.toLowerCase() === 'none' ? 'None' : 'Lax';
}

function expiryOf(attributes: ReadonlyMap<string, string>, now: number): number | undefined {
  const maxAge = attributes.get('max-age');
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return now + Number(maxAge) * 1000;
  const expires = Date.parse(attributes.get('expires') ?? '');
  return Number.isNaN(expires) ? undefined : expires;
}
