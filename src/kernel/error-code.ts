/**
 * The word that Node, OpenSSL or a parser has for an error (`ECONNREFUSED`, `HPE_INVALID_VERSION`); `undefined` for one without.
 * Judged by its shape and never by `instanceof`: an error of Node's core may come from another realm (a VM context, as in tests),
 * whose `Error` is not ours.
 */
export function errorCode(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What went wrong in a short word, for the log: never an error's message, which may quote bytes. */
export const causeOf = (error: unknown): string => errorCode(error) ?? (error instanceof Error ? error.name : typeof error);
