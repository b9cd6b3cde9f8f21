import { FrameReader } from './websocket-frames.ts';

/** The socket that bytes come from, as far as a lane needs it. */
export interface LaneSource {
  pause(): void;
  resume(): void;
}

/** The socket that they go to. `write` says whether more may be written before it has drained. */
export interface LaneTarget {
  readonly writable: boolean;
  write(bytes: Buffer): boolean;
}

/**
 * One direction of a tunnel: chunks go out as they came in, and no faster than the receiver takes them. Frames of ours go in between
 * two frames, and only then is a chunk cut.
 */
export class WebSocketLane {
  readonly #from: LaneSource;
  readonly #to: LaneTarget;
  readonly #frames = new FrameReader();
  #waiting: Buffer | undefined;
  #last: Buffer | undefined;
  #isShut = false;
  #isPaused = false;

  constructor(from: LaneSource, to: LaneTarget) {
    this.#from = from;
    this.#to = to;
  }

  /** The sender has said Close. */
  get hasClosed(): boolean {
    return this.#frames.hasClosed;
  }

  /** Nothing goes out any more; what comes in is read and thrown away. */
  get isShut(): boolean {
    return this.#isShut;
  }

  /** The sender is not read from, because the receiver is slow. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Bytes of the sender. */
  take(chunk: Buffer): void {
    let start = 0;
    if (!this.#isShut && (this.#waiting ?? this.#last) !== undefined) {
      start = this.#frames.readToBoundary(chunk);
      this.#write(start === chunk.length ? chunk : chunk.subarray(0, start));
      if (this.#frames.atBoundary) this.#insertWaiting();
    }
    if (start === chunk.length) return;
    this.#frames.read(chunk, start);
    if (!this.#isShut) this.#write(start === 0 ? chunk : chunk.subarray(start));
  }

  /** Puts a frame of ours in at the next boundary, and says whether that was now. Nothing follows a Close, and one waits at most. */
  insert(frame: Buffer): boolean {
    if (this.#isShut || this.hasClosed) return false;
    this.#waiting ??= frame;
    if (!this.#frames.atBoundary) return false;
    this.#insertWaiting();
    return true;
  }

  /** Ends this direction with a Close of ours at the next boundary; without it when the sender has said its own. */
  shut(close: Buffer): void {
    if (this.#isShut) return;
    this.#waiting = undefined;
    this.#last = close;
    if (this.#frames.atBoundary) this.#insertWaiting();
  }

  /** The same at once: the sender is gone, and in the midst of a frame no Close can be said. `true`: it was said, or was not needed. */
  shutNow(close: Buffer): boolean {
    this.shut(close);
    const isOrderly = this.#isShut;
    this.discard();
    return isOrderly;
  }

  /** From here on everything is read and thrown away. */
  discard(): void {
    this.#isShut = true;
    this.#waiting = this.#last = undefined;
    this.#isPaused = false;
    this.#from.resume();
  }

  /** The receiver has taken everything. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#from.resume();
  }

  #insertWaiting(): void {
    const frame = this.#last ?? this.#waiting;
    const isLast = this.#last !== undefined;
    this.#waiting = this.#last = undefined;
    if (frame !== undefined && !this.hasClosed) this.#write(frame);
    if (isLast) this.discard();
  }

  #write(bytes: Buffer): void {
    if (!this.#to.writable || this.#to.write(bytes) || this.#isPaused) return;
    this.#isPaused = true;
    this.#from.pause();
  }
}
