export interface CookiePair {
  readonly name: string;
  readonly value: string;
}

export interface CookieAttributes {
  readonly path: string;
  /** Seconds. */
  readonly maxAge: number;
  readonly sameSite: 'Strict' | 'Lax' | 'None';
  readonly secure: boolean;
}

const SPACE = 0x20;
const TAB = 0x09;

const isSpace = (code: number): boolean => code === SPACE || code === TAB;

// Only what HTTP calls white space: trim() would also eat characters that belong to a foreign cookie's value.
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function pairOf(segment: string): CookiePair {
  const equals = segment.indexOf('=');
  if (equals < 0) return { name: '', value: trimmed(segment) };
  return { name: trimmed(segment.slice(0, equals)), value: trimmed(segment.slice(equals + 1)) };
}

/**
 * The pairs of a Cookie header (RFC 6265 §4.2) whose name begins so, order and duplicates kept, values as they are: nothing is
 * decoded. A piece without `=` has the name ''. Nothing is made of other cookies, which are most of a request's.
 */
export function parseCookies(header = '', prefix = ''): CookiePair[] {
  const pairs: CookiePair[] = [];
  for (let start = 0, end: number; start < header.length; start = end + 1) {
    const semicolon = header.indexOf(';', start);
    end = semicolon === -1 ? header.length : semicolon;
    while (isSpace(header.charCodeAt(start))) start += 1;
    if (start >= end || !header.startsWith(prefix, start)) continue;
    const pair = pairOf(header.slice(start, end));
    if (pair.name.startsWith(prefix)) pairs.push(pair);
  }
  return pairs;
}

/** A Cookie header with only the pairs whose name is kept, or undefined when none is left. */
export function keepCookies(header: string | undefined, keep: (name: string) => boolean): string | undefined {
  const segments = header?.split(';').map(trimmed) ?? [];
  const kept = segments.filter((segment) => segment !== '' && keep(pairOf(segment).name));
  return kept.length === 0 ? undefined : kept.join('; ');
}

/** Bytes of `name=value; `: what a cookie of ours (ASCII all through) costs in a Cookie header. */
export const pairBytes = (name: string, value: string): number => name.length + value.length + '=; '.length;

/** One Set-Cookie line (RFC 6265 §4.1). Always HttpOnly: no cookie of ours is for scripts. */
export function setCookieLine(name: string, value: string, attributes: CookieAttributes): string {
  const secure = attributes.secure ? '; Secure' : '';
  return `${name}=${value}; Path=${attributes.path}; Max-Age=${attributes.maxAge}${secure}; HttpOnly; SameSite=${attributes.sameSite}`;
}
