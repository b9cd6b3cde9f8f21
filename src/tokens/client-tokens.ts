import type { Clock } from '../kernel/clock.ts';
import type { TokenIssuer } from '../oidc/token-issuer.ts';
import type { HeldToken } from './held-token.ts';
import { unavailable } from './refresh-end.ts';
import type { RouteGrants } from './route-grants.ts';
import type { RouteTarget } from './route-policy.ts';
import type { OwnToken, RouteGrantEnd } from './route-token.ts';

export interface ClientTokensOptions {
  readonly provider: Pick<TokenIssuer, 'clientCredentials'>;
  readonly grants: RouteGrants;
  readonly clock: Clock;
  /** How long before its end a token is renewed; at most a third of its lifetime. Milliseconds. */
  readonly early: number;
  /** A token younger than this is not replaced, whoever refused it. Milliseconds. */
  readonly cooldown: number;
}

interface Held {
  readonly token: HeldToken;
  readonly renewFrom: number;
}

const MOST_OF_LIFETIME = 1 / 3;

/**
 * Our own access tokens (RFC 6749 §4.4): one for each target, shared by all requests, and renewed before its end while requests go
 * on with the old one. There are as many as routes differ, so nothing bounds them.
 */
export class ClientTokens {
  readonly #options: ClientTokensOptions;
  readonly #held = new Map<string, Held>();

  constructor(options: ClientTokensOptions) {
    this.#options = options;
  }

  /** A plain value while a token is at hand. */
  of(target: RouteTarget): OwnToken | Promise<OwnToken> {
    const held = this.#held.get(target.key);
    const now = this.#options.clock.now();
    if (held === undefined || now >= held.token.usableUntil) return this.#obtain(target);
    // Nobody waits for it, and while it fails the old one is as good as before.
    if (now >= held.renewFrom) void this.#obtain(target);
    return { kind: 'granted', accessToken: held.token.accessToken };
  }

  /** After an upstream's 401 to `refused`: a newer one. The same one again when it is too young to be worth it. */
  async renewed(target: RouteTarget, refused: string): Promise<OwnToken> {
    const token = this.#held.get(target.key)?.token;
    const now = this.#options.clock.now();
    const isNew = token !== undefined && (token.accessToken !== refused || Math.abs(now - token.grantedAt) < this.#options.cooldown);
    return isNew && now < token.usableUntil ? { kind: 'granted', accessToken: token.accessToken } : this.#obtain(target);
  }

  async #obtain(target: RouteTarget): Promise<OwnToken> {
    const key = `client ${target.key}`;
    const end = await this.#options.grants.obtain(key, () => this.#grant(target, key));
    return end.kind === 'granted' || end.kind === 'unavailable' ? end : unavailable('provider_unavailable');
  }

  async #grant(target: RouteTarget, key: string): Promise<RouteGrantEnd> {
    const { provider, grants, early } = this.#options;
    const issued = await grants.ask('client_credentials', key, () => provider.clientCredentials(target));
    if (issued.kind !== 'issued') return issued.kind === 'unavailable' ? issued : unavailable('provider_unavailable');
    const { token } = issued;
    const window = Math.min(early, (token.usableUntil - token.grantedAt) * MOST_OF_LIFETIME);
    this.#held.set(target.key, { token, renewFrom: token.usableUntil - window });
    return { kind: 'granted', accessToken: token.accessToken };
  }
}
