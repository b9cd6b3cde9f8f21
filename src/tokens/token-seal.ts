import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;
const BODY = IV_BYTES + TAG_BYTES;

/** Seals tokens (AES-256-GCM) with a key that nobody else has and that ends with this object. */
export class TokenSeal {
  readonly #key = randomBytes(32);

  /** `place`: what the token is kept under; it opens only there. */
  seal(place: string, token: string): Buffer {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(Buffer.from(place));
    const sealed = Buffer.concat([cipher.update(token, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
  }

  /** Throws when it was not sealed here and for this place. */
  open(place: string, sealed: Buffer): string {
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(place)).setAuthTag(sealed.subarray(IV_BYTES, BODY));
    return decipher.update(sealed.subarray(BODY), undefined, 'utf8') + decipher.final('utf8');
  }
}
