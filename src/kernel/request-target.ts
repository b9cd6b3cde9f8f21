/** A request target that means the same to every reader: judged and forwarded as this one string. */
export interface CanonicalTarget {
  readonly kind: 'canonical';
  /** Starts with `/`; unreserved characters stand unencoded. */
  readonly path: string;
  /** As received, with its `?`, or `''`. */
  readonly query: string;
  /** The path holds `%2F`: refused unless the route allows it. */
  readonly encodedSlash: boolean;
}

export type RequestTarget = CanonicalTarget | { readonly kind: 'refused'; readonly detail: string };

// Segments of harmless characters that do not begin with a dot: nothing to decode, to encode or to refuse.
const PLAIN = /^(?:\/[\w~!$&'()*+,=:@-][\w.~!$&'()*+,;=:@-]*)*\/?$/;
const NOT_PRINTABLE_ASCII = /[^\x21-\x7e]/;
const MALFORMED_ESCAPE = /%(?![0-9a-f]{2})/i;
const ESCAPE = /%([0-9a-f]{2})/gi;
const UNRESERVED_BUT_DOT = /^[\w~-]$/;
// After any number of further decodings: dot, backslash, NUL; a slash only behind `%25`, the plain `%2F` is the route's choice.
const HIDDEN = /%(?:25)*(?:2e|5c|00)|%(?:25)+2f/i;
const OVERLONG_UTF8 = /%c[01]|%e0%[89]|%f0%8/i;
const ENCODED_SLASH = /%2f/i;
const SLASHES = /\/|%2f/i;
// `..;x` is `..` to servlet containers, `..%3B`, `..%20`, `..%3F` become it by one decoding, `%20..` to readers that trim.
const DOT_SEGMENT = /^(?:%(?:25)*(?:20|[01][0-9a-f]))*\.{1,2}(?:$|;|%[0-7])/i;
// Once decoded, a tab or line break vanishes in a URL parser (WHATWG), and what stood around it comes together.
const VANISHING = /%(?:25)*0[9ad]/gi;
const NEVER_RAW = /["<>^`{}]/g;

const refuse = (detail: string): RequestTarget => ({ kind: 'refused', detail });

/**
 * The one reader of a request target in origin form (RFC 9112 §3.2.1). Anything two readers could understand differently is
 * refused; percent-encoded unreserved characters are decoded (RFC 3986 §6.2.2.2) and characters that no URL may hold are encoded.
 */
export function canonicalTarget(rawTarget: string): RequestTarget {
  const mark = rawTarget.indexOf('?');
  const path = mark === -1 ? rawTarget : rawTarget.slice(0, mark);
  const query = mark === -1 ? '' : rawTarget.slice(mark);
  if (query !== '' && (NOT_PRINTABLE_ASCII.test(query) || query.includes('#'))) {
    return refuse('The query holds a fragment, a control character or raw non-ASCII.');
  }
  if (PLAIN.test(path) && path !== '') return { kind: 'canonical', path, query, encodedSlash: false };
  return careful(path, query);
}

/** `/api` and `/api/x` lie below `/api`; `/apix` does not. */
export function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length || path.charCodeAt(prefix.length) === 47; // '/'
}

function careful(raw: string, query: string): RequestTarget {
  if (!raw.startsWith('/')) return refuse('The request target must be a path that starts with a slash.');
  if (NOT_PRINTABLE_ASCII.test(raw)) return refuse('The path holds a control character, a space or raw non-ASCII.');
  if (raw.includes('#') || raw.includes('\\')) return refuse('The path holds a backslash or a fragment.');
  if (MALFORMED_ESCAPE.test(raw)) return refuse('The path holds a percent sign without two hexadecimal digits.');
  const path = raw.replace(ESCAPE, decodeUnreserved).replace(NEVER_RAW, encodeURIComponent);
  if (HIDDEN.test(path)) return refuse('The path holds an encoded dot, slash, backslash or NUL.');
  if (OVERLONG_UTF8.test(path)) return refuse('The path holds an overlong UTF-8 sequence.');
  const plain = path.replace(VANISHING, '');
  if (plain !== path && path.includes('%25')) return refuse('The path holds an encoded tab or line break, and an encoded percent sign.');
  const segments = plain.split(SLASHES).slice(1);
  if (segments.some((it) => DOT_SEGMENT.test(it))) return refuse('The path holds a dot segment.');
  if (segments.slice(0, -1).includes('')) return refuse('The path holds an empty segment.');
  return { kind: 'canonical', path, query, encodedSlash: ENCODED_SLASH.test(path) };
}

function decodeUnreserved(escape: string, digits: string): string {
  const character = String.fromCharCode(Number.parseInt(digits, 16));
  return UNRESERVED_BUT_DOT.test(character) ? character : escape;
}
