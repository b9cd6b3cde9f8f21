export interface AnswerEvents {
  /** One whole answer. `length` is NaN when it did not say its length: nothing that follows can be read then. */
  onAnswer(status: number, length: number): void;
  /** Pieces of a body; valid within the call only. */
  onBody?(bytes: Buffer): void;
}

/** Longer than any head that a target of ours answers with. */
const HEAD_BYTES = 16 * 1024;

/** Counts the answers on one connection without keeping their bodies: a load generator must cost less than what it measures. */
export class AnswerReader {
  readonly #events: AnswerEvents;
  #head = '';
  #status = 0;
  #length = 0;
  #left = 0;

  constructor(events: AnswerEvents) {
    this.#events = events;
  }

  read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) at = this.#readBody(bytes, at);
      else at = this.#readHead(bytes, at);
    }
  }

  #readBody(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.#events.onBody?.(bytes.subarray(at, end));
    if (this.#left === 0) this.#events.onAnswer(this.#status, this.#length);
    return end;
  }

  #readHead(bytes: Buffer, at: number): number {
    const text = this.#head + bytes.toString('latin1', at, Math.min(bytes.length, at + HEAD_BYTES));
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) {
      if (text.length > HEAD_BYTES) throw new Error('an answer without an end of its head');
      this.#head = text;
      return bytes.length;
    }
    const head = text.slice(0, end);
    const next = at + end + 4 - this.#head.length;
    this.#head = '';
    this.#status = Number(head.slice(9, 12));
    this.#length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (this.#length > 0) this.#left = this.#length;
    else this.#events.onAnswer(this.#status, this.#length);
    return Number.isNaN(this.#length) ? bytes.length : next;
  }
}
