import { randomUUID } from 'node:crypto';
import type { Clock } from '../../src/kernel/clock.ts';
import { CookieCodec } from '../../src/cookie/cookie-codec.ts';
import { KeyRing } from '../../src/cookie/key-ring.ts';
import { SessionCookie } from '../../src/cookie/session-cookie.ts';
import { CookieSessionStore } from '../../src/session/cookie-session-store.ts';
import type { House } from './house.ts';

/** Where the sessions are good. */
export type MintHouse = Pick<House, 'config' | 'provider'> & { readonly clock: Clock };

export interface MintedSession {
  readonly sub: string;
  /** The whole Cookie header. */
  readonly cookie: string;
}

/**
 * Sessions as logins would have made them, without a browser: refresh tokens come from the provider itself, and the house's own keys
 * seal them. `lifetime` is how long the access token is still good, negative when it is over. Milliseconds.
 */
export class SessionMint {
  readonly #house: MintHouse;
  readonly #store: CookieSessionStore;
  readonly #cookie: SessionCookie;

  constructor(house: MintHouse) {
    const { cookie, provider } = house.config;
    this.#house = house;
    const { keys, activeKey, name: app } = cookie;
    const keyRing = new KeyRing({ keys, activeKey, app, issuer: provider.issuer, clientId: provider.clientId });
    this.#store = new CookieSessionStore({ codec: new CookieCodec({ keyRing }) });
    this.#cookie = new SessionCookie(cookie);
  }

  async mint(sub: string, lifetime: number): Promise<MintedSession> {
    const now = this.#house.clock.now();
    const createdAt = now - 300_000;
    const { value } = await this.#store.save({
      ...{ sid: randomUUID(), generation: 1, sub, idTokenIssuedAt: Math.floor(createdAt / 1000), claims: { sub } },
      ...{ accessToken: `minted-for-${sub}`, accessTokenExpiresAt: now + lifetime },
      refreshToken: await this.#house.provider.control.mintRefreshToken(sub),
      ...{ scope: ['openid'], createdAt, refreshedAt: createdAt, lastSeenAt: now, endsAt: now + 12 * 3_600_000 },
    });
    const lines = this.#cookie.write(value, 3600, { candidates: [], names: [] });
    return { sub, cookie: lines.map((line) => line.split(';', 1)[0] ?? '').join('; ') };
  }
}
