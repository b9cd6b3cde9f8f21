import type { RequestFact } from '../kernel/request-fact.ts';

const BATCH_CHARS = 16 * 1024;

/**
 * Access lines as JSON, many in one write: on the proxied path a line costs one concatenation. No field needs escaping: the id is a
 * token, the method is one of Node's, the route comes from the configuration, which admits plain paths only.
 */
export class AccessLog {
  readonly #write: (lines: string) => void;
  readonly #now: () => number;
  #lines = '';
  #second = -1;
  #secondText = '';

  constructor(options: { write: (lines: string) => void; now: () => number }) {
    this.#write = options.write;
    this.#now = options.now;
  }

  add({ requestId, method, route, status, durationMs }: RequestFact): void {
    this.#lines +=
      `{"level":"info","time":"${this.#time()}","event":"access","requestId":"${requestId}","method":"${method}",` +
      `"route":"${route}","status":${String(status)},"durationMs":${String(durationMs)}}\n`;
    if (this.#lines.length >= BATCH_CHARS) this.flush();
  }

  flush(): void {
    if (this.#lines === '') return;
    const lines = this.#lines;
    this.#lines = '';
    this.#write(lines);
  }

  /** ISO 8601 in milliseconds; the part that changes once a second is kept. */
  #time(): string {
    const now = this.#now();
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = new Date(second * 1000).toISOString().slice(0, -4);
    }
    return `${this.#secondText}${String(now - second * 1000).padStart(3, '0')}Z`;
  }
}
