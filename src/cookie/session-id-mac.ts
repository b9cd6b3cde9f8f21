import { createHmac, timingSafeEqual } from 'node:crypto';

import type { KeyRing } from './key-ring.ts';

const digest = (key: Buffer, sid: string): Buffer => createHmac('sha256', key).update(sid).digest();

/**
 * The public id of a session, such as logout's `id`: base64url of HMAC-SHA256 (RFC 2104) over our session id.
 * It names a session to its own browser without telling the session id, and cannot be made without a cookie key.
 */
export class SessionIdMac {
  readonly #active: Buffer;
  readonly #keys: readonly Buffer[];

  constructor({ keyRing }: { readonly keyRing: KeyRing }) {
    const [active, ...others] = keyRing.macKeys;
    if (active === undefined) throw new Error('a key ring has at least one key');
    this.#active = active;
    this.#keys = [active, ...others];
  }

  id(sid: string): string {
    return digest(this.#active, sid).toString('base64url');
  }

  /** In constant time, under every key of the ring: an id made before a key roll stays good. */
  matches(sid: string, id: string): boolean {
    const presented = Buffer.from(id, 'base64url');
    // One spelling only: base64url ignores stray bits and characters.
    if (presented.toString('base64url') !== id) return false;
    return this.#keys.some((key) => {
      const expected = digest(key, sid);
      return presented.length === expected.length && timingSafeEqual(presented, expected);
    });
  }
}
