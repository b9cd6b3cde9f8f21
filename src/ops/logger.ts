import { pino, stdTimeFunctions, type Logger as Pino } from 'pino';
import type { Clock } from '../kernel/clock.ts';
import type { LogFields, Logger } from '../kernel/logger.ts';
import type { RequestFact } from '../kernel/request-fact.ts';
import { AccessLog } from './access-log.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Lines of less than this are held back until the next flush: one write for many access lines. */
const BUFFER_BYTES = 4096;
const MOST_HELD_BYTES = 16 * 1024 * 1024;
const FLUSH_EVERY_MS = 250;

/** JSON lines on a file descriptor (stdout). Events are written at once, access lines in batches. */
export class JsonLogger implements Logger {
  readonly #pino: Pino;
  readonly #destination: ReturnType<typeof pino.destination>;
  readonly #announcer: Pino;
  readonly #access: AccessLog;
  readonly #flusher: NodeJS.Timeout;

  constructor(options: { level: LogLevel; clock: Clock; fd?: number }) {
    // Asynchronous: a reader that stalls must not stop the event loop, and may cost lines rather than memory without end.
    this.#destination = pino.destination({ fd: options.fd ?? 1, sync: false, minLength: BUFFER_BYTES, maxLength: MOST_HELD_BYTES });
    this.#pino = pino(
      {
        level: options.level,
        base: null,
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      this.#destination,
    );
    this.#announcer = this.#pino.child({}, { level: 'info' });
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

  /** What whoever started the process waits for, whatever the level. */
  announce(event: string, fields: LogFields): void {
    this.#access.flush();
    this.#announcer.info({ event, ...fields });
    this.#destination.flush();
  }

  access(fact: RequestFact): void {
    if (this.#pino.isLevelEnabled('info')) this.#access.add(fact);
  }

  /** Resolves when everything that is held back is written: a process that ends before loses its last lines. Nothing is logged after it. */
  close(): Promise<void> {
    clearInterval(this.#flusher);
    this.#access.flush();
    return new Promise((resolve) => {
      this.#destination.once('close', () => resolve());
      this.#destination.end();
    });
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
