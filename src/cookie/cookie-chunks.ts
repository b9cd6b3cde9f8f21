import type { CookiePair } from './cookie-header.ts';

/** What browsers keep of one cookie: name and value together, in bytes. */
export const COOKIE_LIMIT = 4096;
/** More never: the whole header is sent on every request, and proxies commonly cap it at 8 KB. */
export const MOST_CHUNKS = 4;

export const chunkName = (name: string, index: number): string => `${name}.${index}`;

/** Every chunk but the last has this length. All chunk names are equally long. */
export const chunkCapacity = (name: string): number => COOKIE_LIMIT - chunkName(name, 0).length;

/** One cookie of this name while it fits, otherwise `.0`, `.1`, … of one full length each but the last. */
export function splitValue(name: string, value: string): CookiePair[] {
  if (name.length + value.length <= COOKIE_LIMIT) return [{ name, value }];
  const capacity = chunkCapacity(name);
  const count = Math.ceil(value.length / capacity);
  return Array.from({ length: count }, (_, index) => ({
    name: chunkName(name, index),
    value: value.slice(index * capacity, (index + 1) * capacity),
  }));
}

/**
 * The values that presented chunks may stand for, longest first, at most `limit`. `chunks[i]` holds what was presented as `.i`.
 * A chunk shorter than `capacity` ends its value, so a left-over chunk of an older, longer value does no harm.
 */
export function joinChunks(chunks: readonly (readonly string[])[], capacity: number, limit: number): string[] {
  const whole: string[] = [];
  let open: readonly string[] = [''];
  for (const values of chunks) {
    const joined = open.flatMap((head) => values.map((value) => ({ text: head + value, full: value.length === capacity })));
    whole.unshift(...joined.slice(0, limit).map(({ text }) => text));
    open = joined.filter(({ full }) => full).map(({ text }) => text);
    if (open.length === 0) break;
    open = open.slice(0, limit);
  }
  return whole.slice(0, limit);
}
