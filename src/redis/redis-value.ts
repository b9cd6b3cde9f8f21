import { StoreUnavailableError } from '../kernel/store-unavailable.ts';

/** As Redis carries it: integers, strings, nothing, lists. */
export type RedisValue = number | string | null | readonly RedisValue[];

/** A reply as one of our values. Throws StoreUnavailableError for an error inside a list, and for types that RESP 2 does not have. */
export function toRedisValue(value: unknown): RedisValue {
  if (typeof value === 'number' || typeof value === 'string' || value === null) return value;
  if (Array.isArray(value)) return value.map(toRedisValue);
  throw new StoreUnavailableError('unreadable_reply', true);
}

/** The entries of a list; none for anything else. */
export const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
