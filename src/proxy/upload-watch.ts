import type { RequestBody } from './request-body.ts';

/** No byte of the body came from the client. */
export class ClientSilent extends Error {
  override readonly name = 'ClientSilent';
}

/** The upstream took no byte of the body, or did not answer after it had it all. */
export class UpstreamSilent extends Error {
  override readonly name = 'UpstreamSilent';
}

/** Milliseconds. */
export interface UploadLimits {
  /** A pause in the body, whoever makes it. */
  readonly idleTimeout: number;
  /** From the end of the body to the response head. */
  readonly headersTimeout: number;
}

/** Bounds the silence of a request with a body until its answer begins; never the whole transfer. Until the upstream reads, connecting has limits of its own. */
export class UploadWatch {
  readonly #body: RequestBody;
  readonly #limits: UploadLimits;
  readonly #onSilent: (error: ClientSilent | UpstreamSilent) => void;
  #timer: NodeJS.Timeout | undefined;
  #isSent = false;
  #isOver = false;

  constructor(body: RequestBody, limits: UploadLimits, onSilent: (error: ClientSilent | UpstreamSilent) => void) {
    this.#body = body;
    this.#limits = limits;
    this.#onSilent = onSilent;
    body.onMoved = () => this.refresh();
    body.once('end', () => this.#sent());
  }

  /** Something moved: the time begins anew. */
  refresh(): void {
    if (this.#timer === undefined) this.#arm(this.#limits.idleTimeout);
    else if (!this.#isOver) this.#timer.refresh();
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #sent(): void {
    this.#isSent = true;
    clearTimeout(this.#timer);
    this.#arm(this.#limits.headersTimeout);
  }

  #arm(ms: number): void {
    if (!this.#isOver) this.#timer = setTimeout(() => this.#expire(), ms);
  }

  #expire(): void {
    // Bytes that wait to be read: it is not the client who keeps the other side waiting.
    this.#onSilent(this.#isSent || this.#body.readableLength > 0 ? new UpstreamSilent() : new ClientSilent());
  }
}
