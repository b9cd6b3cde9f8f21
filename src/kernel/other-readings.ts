const READ_IN_MORE_WAYS = /[;%]|\.(?:\/|$)/;
// However often it is encoded.
const ENCODED = /%(?:25)*([0-9a-f]{2})/gi;
// Parameters of a segment (RFC 3986 §3.3). `?` and `#` stand in a path only after a decoding.
const PARAMETERS = /[;?#][^/]*/g;
// URL parsers (WHATWG) drop these wherever they stand.
const DROPPED = /[\t\n\r]/g;

const NONE: readonly string[] = [];

/**
 * What a canonical path is to readers more lenient than we are: those that decode once more or again and again, take parameters off
 * segments before or after that (servlet containers), read `%2F` as a slash, merge slashes, or lose dots and blanks at the end of a
 * segment (Windows). Empty for ordinary paths. A reader that does only some of this sees no prefix of plain segments that is missing
 * here. There are no dot segments in it: `canonicalTarget` has refused what could become one.
 */
export function otherReadings(path: string): readonly string[] {
  if (!READ_IN_MORE_WAYS.test(path)) return NONE;
  const bare = path.replace(PARAMETERS, '');
  return (path.includes('%') ? [decodedThrough(bare), decodedThrough(path).replace(PARAMETERS, '')] : [bare]).map(tidied);
}

/** Byte by byte: routes are plain ASCII. */
const decodedThrough = (path: string): string =>
  path.replace(ENCODED, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));

const tidied = (path: string): string => `/${path.replace(DROPPED, '').split('/').map(trimmed).filter(isNotEmpty).join('/')}`;
const isNotEmpty = (segment: string): boolean => segment !== '';

/** By hand: a pattern anchored at the end takes quadratic time on blanks that are not there. */
function trimmed(segment: string): string {
  let end = segment.length;
  while (end > 0 && isDotOrBlank(segment.charCodeAt(end - 1))) end--;
  return segment.slice(0, end).trimStart();
}

const isDotOrBlank = (code: number): boolean => code === 46 || code <= 32; // '.', controls, space
