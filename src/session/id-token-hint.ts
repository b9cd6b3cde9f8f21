import type { CookieCodec } from '../cookie/cookie-codec.ts';
import type { HintCookie } from '../cookie/hint-cookie.ts';

/** What logout needs for the provider's end-session endpoint (OIDC RP-Initiated Logout §2). Bound to our session id. */
export interface IdTokenHint {
  readonly sid: string;
  readonly idToken?: string;
  /** Who is leaving, for a provider that gets no ID token. */
  readonly logoutHint?: string;
  readonly returnTo?: string;
}

/** `bytes` of `name=value; `, for the session cookie's budget. `withIdToken` is false when there was none or it was left out. */
export type SealedHint =
  { readonly kind: 'sealed'; readonly line: string; readonly bytes: number; readonly withIdToken: boolean } | { readonly kind: 'too-big' };

export interface IdTokenHintsOptions {
  readonly codec: CookieCodec;
  readonly cookie: HintCookie;
}

/** Above this the hint without the ID token does: the provider then gets `client_id` and `logout_hint`. */
const MOST_BYTES = 2560;

const isText = (value: unknown): value is string => typeof value === 'string';

function toHintPayload({ sid, idToken, logoutHint, returnTo }: IdTokenHint): object {
  return { s: sid, i: idToken, h: logoutHint, r: returnTo };
}

function fromHintPayload(payload: unknown): IdTokenHint | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const { s, i, h, r } = payload as { readonly [key in 's' | 'i' | 'h' | 'r']?: unknown };
  if (!isText(s)) return undefined;
  return { sid: s, ...(isText(i) ? { idToken: i } : {}), ...(isText(h) ? { logoutHint: h } : {}), ...(isText(r) ? { returnTo: r } : {}) };
}

/** Seals the hint into its cookie and reads it back. It travels to logout only, and no script ever sees it. */
export class IdTokenHints {
  readonly #codec: CookieCodec;
  readonly #cookie: HintCookie;

  constructor({ codec, cookie }: IdTokenHintsOptions) {
    this.#codec = codec;
    this.#cookie = cookie;
  }

  /** The largest hint that stays within 2.5 KB: with the ID token, without it, without the logout hint. */
  async seal(hint: IdTokenHint, maxAgeSeconds: number): Promise<SealedHint> {
    const { idToken: _, ...withoutToken } = hint;
    const { logoutHint: __, ...least } = withoutToken;
    for (const attempt of [hint, withoutToken, least]) {
      const value = await this.#codec.seal('hint', toHintPayload(attempt));
      const bytes = this.#cookie.size(value);
      const withIdToken = 'idToken' in attempt;
      if (bytes <= MOST_BYTES) return { kind: 'sealed', line: this.#cookie.line(value, maxAgeSeconds), bytes, withIdToken };
    }
    return { kind: 'too-big' };
  }

  /** The presented hint whose session `belongs` here; every cookie of the name is tried, for a sibling domain can plant one. */
  async read(cookieHeader: string | undefined, belongs: (sid: string) => boolean = () => true): Promise<IdTokenHint | undefined> {
    for (const value of this.#cookie.read(cookieHeader)) {
      const unsealed = await this.#codec.unseal('hint', value);
      const hint = unsealed.kind === 'sealed' ? fromHintPayload(unsealed.payload) : undefined;
      if (hint !== undefined && belongs(hint.sid)) return hint;
    }
    return undefined;
  }

  clear(): string {
    return this.#cookie.clear();
  }
}
