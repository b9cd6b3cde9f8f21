import { pino, stdTimeFunctions, type Logger as Pino } from 'pino';
import type { Clock } from '../kernel/clock.ts';
import type { LogFields, Logger } from '../kernel/logger.ts';
import type { RequestFact } from '../kernel/request-fact.ts';
import { AccessLog } from './access-log.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Lines of less than this are held back until the next flush: one write for many access lines. */
const BUFFER_BYTES = 4096;
const FLUSH_EVERY_MS = 250;

/** JSON lines on a file descriptor (stdout). Events are written at once, access lines in batches. */
export class JsonLogger implements Logger {
  readonly #pino: Pino;
  readonly #destination: ReturnType<typeof pino.destination>;
  readonly #access: AccessLog;
  readonly #flusher: NodeJS.Timeout;

  constructor(options: { level: LogLevel; clock: Clock; fd?: number }) {
    // A write that a thread still carries would be overtaken by the last lines, or lost when the process ends right after them.
    this.#destination = pino.destination({ fd: options.fd ?? 1, sync: true, minLength: BUFFER_BYTES });
    this.#pino = pino(
      {
        level: options.level,
        base: null,
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      this.#destination,
    );
    const now = (): number => options.clock.now();
    this.#access = new AccessLog({ write: (lines) => void this.#destination.write(lines), now });
    this.#flusher = setInterval(() => this.#flush(), FLUSH_EVERY_MS).unref();
  }

  debug(event: string, fields?: LogFields): void {
    this.#event('debug', event, fields);
  }

  info(event: string, fields?: LogFields): void {
    this.#event('info', event, fields);
  }

  warn(event: string, fields?: LogFields): void {
    this.#event('warn', event, fields);
  }

  error(event: string, fields?: LogFields): void {
    this.#event('error', event, fields);
  }

  access(fact: RequestFact): void {
    if (this.#pino.isLevelEnabled('info')) this.#access.add(fact);
  }

  /** Writes everything that is held back; call before the process ends. */
  close(): void {
    clearInterval(this.#flusher);
    this.#access.flush();
    this.#destination.flushSync();
  }

  /** Access lines that came before it are written before it. */
  #event(level: LogLevel, event: string, fields: LogFields | undefined): void {
    if (!this.#pino.isLevelEnabled(level)) return;
    this.#access.flush();
    this.#pino[level]({ event, ...fields });
    this.#destination.flush();
  }

  #flush(): void {
    this.#access.flush();
    this.#destination.flush();
  }
}
