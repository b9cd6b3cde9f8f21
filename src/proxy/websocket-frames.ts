import { randomBytes } from 'node:crypto';

const CLOSE = 0x8;
const FINAL_CLOSE = 0x88;
const FINAL_PING = 0x89;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MASK_BYTES = 4;

/** Where in a frame the next byte stands. `opcode` is its first byte, so that stage is the boundary between two frames. */
type Stage = 'opcode' | 'length' | 'extended' | 'mask' | 'payload';

/**
 * Follows the frames of one direction (RFC 6455 §5.2) through chunks cut anywhere, and knows at every byte whether a frame of ours
 * could stand there. Reads frame heads only; never keeps or copies a byte. It judges nothing: the two ends do.
 */
export class FrameReader {
  #stage: Stage = 'opcode';
  /** Bytes left of this stage. */
  #left = 0;
  #length = 0;
  #isMasked = false;
  #isClose = false;
  #hasClosed = false;

  get atBoundary(): boolean {
    return this.#stage === 'opcode';
  }

  /** A whole Close frame has passed. */
  get hasClosed(): boolean {
    return this.#hasClosed;
  }

  /** Reads the rest of a chunk. */
  read(chunk: Buffer, start = 0): void {
    let at = start;
    while (at < chunk.length) at = this.#step(chunk, at);
  }

  /** Reads as far as the next boundary and says where in the chunk it is; the chunk's length when it holds none, or ends with one. */
  readToBoundary(chunk: Buffer, start = 0): number {
    let at = start;
    while (at < chunk.length && !this.atBoundary) at = this.#step(chunk, at);
    return at;
  }

  #step(chunk: Buffer, at: number): number {
    if (this.#stage === 'payload') return this.#skip(chunk, at);
    this.#readHead(chunk[at] ?? 0);
    return at + 1;
  }

  #skip(chunk: Buffer, at: number): number {
    const skipped = Math.min(this.#left, chunk.length - at);
    this.#left -= skipped;
    if (this.#left === 0) this.#endFrame();
    return at + skipped;
  }

  #readHead(byte: number): void {
    switch (this.#stage) {
      case 'opcode':
        this.#isClose = (byte & 0x0f) === CLOSE;
        this.#stage = 'length';
        return;
      case 'length':
        return this.#readLength(byte);
      case 'extended':
        // A length beyond 2^53 loses its last digits here; no connection lives to see such a frame end.
        this.#length = this.#length * 256 + byte;
        if (--this.#left === 0) this.#endLength();
        return;
      case 'mask':
        if (--this.#left === 0) this.#beginPayload();
        return;
      case 'payload':
    }
  }

  #readLength(byte: number): void {
    const length = byte & 0x7f;
    this.#isMasked = (byte & MASKED) !== 0;
    if (length < LENGTH_16) {
      this.#length = length;
      return this.#endLength();
    }
    this.#length = 0;
    this.#left = length === LENGTH_64 ? 8 : 2;
    this.#stage = 'extended';
  }

  #endLength(): void {
    if (!this.#isMasked) return this.#beginPayload();
    this.#left = MASK_BYTES;
    this.#stage = 'mask';
  }

  #beginPayload(): void {
    this.#left = this.#length;
    if (this.#length === 0) this.#endFrame();
    else this.#stage = 'payload';
  }

  #endFrame(): void {
    this.#stage = 'opcode';
    this.#hasClosed ||= this.#isClose;
  }
}

/** Whoever plays the client of a connection masks its frames, the other side never does (RFC 6455 §5.1). */
export type Masking = 'masked' | 'unmasked';

/** A Ping without payload (RFC 6455 §5.5.2). */
export function pingFrame(masking: Masking): Buffer {
  return controlFrame(FINAL_PING, Buffer.alloc(0), masking);
}

/** A Close with a status code and a reason of at most 123 bytes (RFC 6455 §5.5.1). */
export function closeFrame(code: number, reason: string, masking: Masking): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return controlFrame(FINAL_CLOSE, payload, masking);
}

function controlFrame(head: number, payload: Buffer, masking: Masking): Buffer {
  if (masking === 'unmasked') return Buffer.concat([Buffer.from([head, payload.length]), payload]);
  const key = randomBytes(MASK_BYTES);
  const hidden = payload.map((byte, at) => byte ^ (key[at % MASK_BYTES] ?? 0));
  return Buffer.concat([Buffer.from([head, MASKED | payload.length]), key, hidden]);
}
