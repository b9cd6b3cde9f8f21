/** What a socket counts. */
export interface SocketCounts {
  readonly bytesRead: number;
  /** Those that wait are counted, too. */
  readonly bytesWritten: number;
  /** Those that wait. */
  readonly writableLength: number;
}

const STALLS = 2;

/** Signs of life of one peer, looked for at every ping. */
export class WebSocketPulse {
  readonly #socket: SocketCounts;
  #bytesRead: number;
  #bytesTaken = 0;
  #isAsked = false;
  #isOnHold = false;
  #hasWaiting = false;
  #hasDrained = false;
  #stalls = 0;

  constructor(socket: SocketCounts) {
    this.#socket = socket;
    this.#bytesRead = socket.bytesRead;
  }

  /** The peer has taken all the bytes that waited for it. */
  drained(): void {
    this.#hasDrained = true;
  }

  /**
   * Whether it is dead: silent although it was asked, or taking nothing of what waits for it, twice. A peer that is on hold, which
   * we do not read from, cannot be heard. That the kernel takes our ping means nothing: it does so without any peer.
   */
  isDead(isOnHold: boolean): boolean {
    const hasTaken = this.#hasDrained || (this.#hasWaiting && this.#taken() !== this.#bytesTaken);
    const isSilent = this.#socket.bytesRead === this.#bytesRead && !hasTaken;
    this.#stalls = this.#hasWaiting && !hasTaken ? this.#stalls + 1 : 0;
    const couldAnswer = this.#isAsked && !this.#hasWaiting && !this.#isOnHold && !isOnHold;
    return this.#stalls >= STALLS || (isSilent && couldAnswer);
  }

  /** The time until the next look begins. `isAsked`: an answer is due in it. */
  begin(isAsked: boolean, isOnHold: boolean): void {
    this.#isAsked = isAsked;
    this.#isOnHold = isOnHold;
    this.#bytesRead = this.#socket.bytesRead;
    this.#bytesTaken = this.#taken();
    this.#hasWaiting = this.#socket.writableLength > 0;
    this.#hasDrained = false;
  }

  /** Bytes that are no longer with us. */
  #taken(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }
}
