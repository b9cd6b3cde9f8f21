export type LogValue = string | number | boolean | undefined | readonly string[];
export type LogFields = Readonly<Record<string, LogValue>>;

/**
 * Structured log of one frontend. `event` is a stable snake_case name, `fields` never hold a token, a code, a cookie value,
 * a secret, or an error object of a library (its `cause` may carry tokens: log the error's code and name only).
 */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

const ignore = (): void => undefined;

/** For parts built without a log, mostly in tests. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
