import { randomFillSync } from 'node:crypto';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const RANDOM_CHARS = 16;
const POOL_BYTES = 4096;

/** Makes ULIDs: 10 characters of time, 16 of randomness, sortable, 26 characters of Crockford base 32. */
export class RequestIds {
  readonly #pool = Buffer.alloc(POOL_BYTES);
  #used = POOL_BYTES;
  #timeMs = -1;
  #timePart = '';

  next(nowMs: number): string {
    if (nowMs !== this.#timeMs) {
      this.#timeMs = nowMs;
      this.#timePart = encodeTime(nowMs);
    }
    if (this.#used + RANDOM_CHARS > POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    let id = this.#timePart;
    for (let i = 0; i < RANDOM_CHARS; i++) id += CROCKFORD.charAt(this.#pool.readUInt8(this.#used++) & 31);
    return id;
  }
}

function encodeTime(ms: number): string {
  let rest = Math.floor(ms);
  let text = '';
  for (let i = 0; i < 10; i++) {
    text = CROCKFORD.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
