import { pino, stdTimeFunctions, type Logger as Pino } from 'pino';
import type { LogFields, Logger } from '../kernel/logger.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** One request that was answered; `route` is the configured prefix or endpoint, never the path or query that was asked for. */
export interface AccessEntry {
  readonly requestId: string;
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

/** Lines of less than this are held back until the next flush: one write for many access lines. */
const BUFFER_BYTES = 4096;
const FLUSH_EVERY_MS = 250;

/** JSON lines on a file descriptor (stdout). Events are written at once, access lines in batches. */
export class JsonLogger implements Logger {
  readonly #pino: Pino;
  readonly #destination: ReturnType<typeof pino.destination>;
  readonly #flusher: NodeJS.Timeout;

  constructor(options: { level: LogLevel; fd?: number }) {
    this.#destination = pino.destination({ fd: options.fd ?? 1, sync: false, minLength: BUFFER_BYTES });
    this.#pino = pino(
      {
        level: options.level,
        base: null,
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      this.#destination,
    );
    this.#flusher = setInterval(() => {
      this.#destination.flush();
    }, FLUSH_EVERY_MS).unref();
  }

  debug(event: string, fields?: LogFields): void {
    this.#pino.debug({ event, ...fields });
  }

  info(event: string, fields?: LogFields): void {
    this.#pino.info({ event, ...fields });
    this.#destination.flush();
  }

  warn(event: string, fields?: LogFields): void {
    this.#pino.warn({ event, ...fields });
    this.#destination.flush();
  }

  error(event: string, fields?: LogFields): void {
    this.#pino.error({ event, ...fields });
    this.#destination.flush();
  }

  access(entry: AccessEntry): void {
    this.#pino.info({ event: 'access', ...entry });
  }

  /** Writes everything that is held back; call before the process ends. */
  close(): void {
    clearInterval(this.#flusher);
    this.#destination.flushSync();
  }
}
