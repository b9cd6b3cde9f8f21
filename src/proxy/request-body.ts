import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { PassedBytes } from '../kernel/passed-bytes.ts';

/** More bytes than the route admits. */
export class BodyTooLarge extends Error {}

/** The client went away before its body was whole. */
export class ClientGone extends Error {}

// Whoever reads the body takes its listener off once it is done; a failure after that concerns nobody.
const ignore = (): void => undefined;

/**
 * The request body as a stream of its own. Whoever sends it upstream may destroy it (the upstream answered early) without
 * touching the client's connection: what the client still sends is then read and thrown away, so that it can read the answer.
 */
export class RequestBody extends Readable {
  /** Called when bytes have come from the client, and when more are wanted upstream. */
  onMoved: () => void = ignore;
  readonly #source: IncomingMessage;
  readonly #passed: Pick<PassedBytes, 'add'>;
  #left: number;

  constructor(source: IncomingMessage, maxBytes: number | undefined, passed: Pick<PassedBytes, 'add'>) {
    super();
    this.#passed = passed;
    this.on('error', ignore);
    this.#source = source;
    this.#left = maxBytes ?? Infinity;
    source.on('data', this.#take).on('end', this.#finish).on('close', this.#gone);
    source.pause();
  }

  override _read(): void {
    this.onMoved();
    this.#source.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#source.off('data', this.#take).off('end', this.#finish).off('close', this.#gone);
    this.#source.resume();
    callback(error);
  }

  readonly #take = (chunk: Buffer): void => {
    this.onMoved();
    this.#passed.add(chunk.length);
    this.#left -= chunk.length;
    if (this.#left < 0) this.destroy(new BodyTooLarge());
    else if (!this.push(chunk)) this.#source.pause();
  };

  readonly #finish = (): void => {
    this.push(null);
  };

  readonly #gone = (): void => {
    if (!this.#source.complete) this.destroy(new ClientGone());
  };
}
