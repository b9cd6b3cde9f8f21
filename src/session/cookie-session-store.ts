import type { CookieCodec, Unsealed } from '../cookie/cookie-codec.ts';
import { fromPayload, toPayload } from './session-payload.ts';
import type { Session, Ticket } from './session.ts';
import type { Loaded, SessionStore } from './session-store.ts';

const UNKNOWN_VERSION: Loaded = Object.freeze({ kind: 'unreadable', reason: 'unknown-version' });

function parsed(payload: unknown): Loaded {
  const session = fromPayload(payload);
  return session === undefined ? UNKNOWN_VERSION : Object.freeze({ kind: 'loaded', session });
}

/** The session itself is the ticket: sealed, in the browser's cookie, and nowhere else. */
export class CookieSessionStore implements SessionStore {
  readonly #codec: CookieCodec;
  /** By the payload that the codec caches: a session is parsed once for as long as its cookie stays unsealed. */
  readonly #parsed = new WeakMap<object, Loaded>();

  constructor({ codec }: { readonly codec: CookieCodec }) {
    this.#codec = codec;
  }

  load(ticketValue: string): Loaded | Promise<Loaded> {
    const unsealed = this.#codec.unseal('session', ticketValue);
    return unsealed instanceof Promise ? unsealed.then((later) => this.#loaded(later)) : this.#loaded(unsealed);
  }

  async save(session: Session): Promise<Ticket> {
    return { value: await this.#codec.seal('session', toPayload(session)), session };
  }

  /** Nothing is kept, so nothing is removed: the revocation list is what ends a sealed session. */
  remove(_sid: string): Promise<void> {
    return Promise.resolve();
  }

  #loaded(unsealed: Unsealed): Loaded {
    if (unsealed.kind === 'unreadable') return unsealed;
    const { payload } = unsealed;
    if (typeof payload !== 'object' || payload === null) return UNKNOWN_VERSION;
    const known = this.#parsed.get(payload);
    if (known !== undefined) return known;
    const loaded = parsed(payload);
    this.#parsed.set(payload, loaded);
    return loaded;
  }
}
