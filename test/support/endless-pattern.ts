import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** A prime, so that no buffer's size is a multiple of it: a byte that is lost or doubled shifts all that follow. */
const PERIOD = 65_521;
const BLOCK = 16 * PERIOD;

/** Bytes that tell by their place whether they are right, checked at memory speed. */
export class EndlessPattern {
  readonly #tile: Buffer;

  constructor() {
    const one = Buffer.alloc(PERIOD);
    for (let at = 0; at < PERIOD; at++) one[at] = (at * 7 + (at >> 8)) & 0xff;
    this.#tile = Buffer.concat(Array.from({ length: 17 }, () => one));
  }

  /** Writes so many bytes as fast as they are taken; `onSent` is told after each block how many were handed over. `ends`: the target too. */
  async send(target: Writable, bytes: number, onSent: (sent: number) => void = () => undefined, { ends = true } = {}): Promise<void> {
    for (let sent = 0; sent < bytes;) {
      const block = this.#tile.subarray(0, Math.min(BLOCK, bytes - sent));
      sent += block.length;
      const isTaken = target.write(block);
      onSent(sent);
      if (!isTaken) await once(target, 'drain');
    }
    if (ends) target.end();
  }

  /** Takes chunks in their order. */
  check(): PatternCheck {
    return new PatternCheck(this.#tile);
  }
}

export class PatternCheck {
  readonly #tile: Buffer;
  bytes = 0;
  isIntact = true;

  constructor(tile: Buffer) {
    this.#tile = tile;
  }

  take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += BLOCK) {
      const piece = chunk.subarray(at, at + BLOCK);
      const from = (this.bytes + at) % PERIOD;
      if (!piece.equals(this.#tile.subarray(from, from + piece.length))) this.isIntact = false;
    }
    this.bytes += chunk.length;
  }
}
