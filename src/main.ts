import type { Config } from './config/config.ts';

/** Runs the proxy until it is told to stop. */
export function serve(_config: Config, _warnings: readonly string[]): Promise<void> {
  return Promise.reject(new Error('not wired'));
}
