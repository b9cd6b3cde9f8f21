/** One HTTP message, as far as it has come. */
export interface Message {
  /** Request or status line. */
  readonly start: string;
  /** By lower-case name; a repeated one keeps its last value. */
  readonly headers: ReadonlyMap<string, string>;
  /** Grows while the body comes in, decoded when it comes in chunks. */
  body: string;
  whole: boolean;
}

/** `length`: by Content-Length; `ended`: up to the end of the connection. */
type Framing = { readonly kind: 'length'; left: number } | { readonly kind: 'chunked'; left: number } | { readonly kind: 'ended' };

const status = (message: Message): number => (message.start.startsWith('HTTP/') ? Number(message.start.split(' ')[1]) : 0);

/** Takes the bytes of one direction of a connection apart into messages; a bare reader for tests, strict where it costs nothing. */
export class MessageReader {
  readonly messages: Message[] = [];
  readonly #onHead: (message: Message) => void;
  readonly #onWhole: (message: Message) => void;
  #rest = '';
  #framing: Framing | undefined;

  constructor(onHead: (message: Message) => void, onWhole: (message: Message) => void = () => undefined) {
    this.#onHead = onHead;
    this.#onWhole = onWhole;
  }

  /** The last message, if it is not whole yet. */
  get current(): Message | undefined {
    const last = this.messages.at(-1);
    return last?.whole === false ? last : undefined;
  }

  /** Bytes of no message yet. */
  get rest(): string {
    return this.#rest;
  }

  take(text: string): void {
    this.#rest += text;
    while (this.current === undefined ? this.#head() : this.#body(this.current));
  }

  /** The connection ended in order. */
  end(): void {
    if (this.current !== undefined && this.#framing?.kind === 'ended') this.#finish(this.current);
  }

  #head(): boolean {
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const [start = '', ...lines] = this.#rest.slice(0, end).split('\r\n');
    this.#rest = this.#rest.slice(end + 4);
    const pairs = lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const);
    const message: Message = { start, headers: new Map(pairs), body: '', whole: false };
    if (isInterim(message)) return true;
    this.#framing = framingOf(message);
    this.messages.push(message);
    this.#onHead(message);
    return true;
  }

  #body(message: Message): boolean {
    const framing = this.#framing;
    if (framing?.kind === 'chunked') return this.#chunk(message, framing);
    const piece = this.#rest.slice(0, framing?.kind === 'length' ? framing.left : Infinity);
    this.#rest = this.#rest.slice(piece.length);
    message.body += piece;
    if (framing?.kind === 'length' && (framing.left -= piece.length) === 0) this.#finish(message);
    return message.whole;
  }

  /** `left` counts the line end behind a chunk too. */
  #chunk(message: Message, framing: { left: number }): boolean {
    if (framing.left > 0) {
      const piece = this.#rest.slice(0, framing.left);
      this.#rest = this.#rest.slice(piece.length);
      message.body += piece.slice(0, Math.max(0, framing.left - 2));
      framing.left -= piece.length;
      return piece.length > 0;
    }
    const end = this.#rest.indexOf('\r\n');
    if (end < 0) return false;
    const size = Number.parseInt(this.#rest.slice(0, end), 16);
    if (size > 0) {
      this.#rest = this.#rest.slice(end + 2);
      framing.left = size + 2;
      return true;
    }
    if (this.#rest.length < end + 4) return false;
    this.#rest = this.#rest.slice(end + 4);
    this.#finish(message);
    return true;
  }

  #finish(message: Message): void {
    message.whole = true;
    this.#onWhole(message);
  }
}

const isInterim = (message: Message): boolean => status(message) >= 100 && status(message) < 200;

function framingOf(message: Message): Framing {
  const { headers } = message;
  const length = headers.get('content-length');
  if (status(message) === 204 || status(message) === 304) return { kind: 'length', left: 0 };
  if (headers.get('transfer-encoding') === 'chunked') return { kind: 'chunked', left: 0 };
  if (length !== undefined) return { kind: 'length', left: Number(length) };
  return status(message) === 0 ? { kind: 'length', left: 0 } : { kind: 'ended' };
}
