import type { ClaimValue } from '../kernel/claims.ts';

export type JsonObject = Readonly<Record<string, ClaimValue | undefined>>;

/** A JSON object, or `undefined` for everything else: broken text, an array, a bare value. Duplicate names: the last one counts. */
export function parseJsonObject(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as ClaimValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined; // not JSON: the caller decides what that means
  }
}

export function isJsonObject(value: ClaimValue | undefined): value is Readonly<Record<string, ClaimValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function stringIn(object: JsonObject, name: string): string | undefined {
  const value = object[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
