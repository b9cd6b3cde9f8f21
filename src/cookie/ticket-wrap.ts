import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KeyRing } from './key-ring.ts';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Wraps tickets for a store that is not ours alone. A ticket is sealed already, but it is also what the browser presents: whoever
 * could read it there could present it. Bound to a context (a session and its generation), so that none can be put in another's place.
 */
export class TicketWrap {
  readonly #keyRing: Pick<KeyRing, 'wrapKeys'>;

  constructor({ keyRing }: { readonly keyRing: Pick<KeyRing, 'wrapKeys'> }) {
    this.#keyRing = keyRing;
  }

  wrap(ticket: string, context: string): string {
    const [active] = this.#keyRing.wrapKeys;
    if (active === undefined) throw new Error('there is no key to wrap tickets with');
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, active.key, iv).setAAD(Buffer.from(context));
    const sealed = Buffer.concat([cipher.update(ticket, 'utf8'), cipher.final()]);
    return `${active.name}.${Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')}`;
  }

  /** `undefined`: wrapped with a key that is not ours, for another context, or not by us at all. */
  unwrap(wrapped: string, context: string): string | undefined {
    const [name, text = ''] = wrapped.split('.', 2);
    const known = this.#keyRing.wrapKeys.find((it) => it.name === name);
    const bytes = Buffer.from(text, 'base64url');
    if (known === undefined || bytes.length < IV_BYTES + TAG_BYTES) return undefined;
    const [iv, tag] = [bytes.subarray(0, IV_BYTES), bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)];
    const decipher = createDecipheriv(ALGORITHM, known.key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(context)).setAuthTag(tag);
    try {
      return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
    } catch {
      return undefined; // node:crypto throws when the tag does not fit, and has nothing to add to that
    }
  }
}
