import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { systemTimer, type Timer } from '../kernel/timer.ts';
import type { TokenIssuer } from '../oidc/token-issuer.ts';
import type { Revocations } from '../session/revocations.ts';
import type { ActiveSession } from '../session/session-lookup.ts';
import { AudienceTokens } from './audience-tokens.ts';
import { ClientTokens } from './client-tokens.ts';
import { ExchangedTokens } from './exchanged-tokens.ts';
import type { Freshness } from './freshness.ts';
import type { RefreshOptions } from './refresh-options.ts';
import { RouteGrants } from './route-grants.ts';
import { missingScope, type RouteTarget, type RouteTokenPolicy } from './route-policy.ts';
import { scopeMissing, type OwnToken, type RouteGrantEnd, type RouteToken } from './route-token.ts';
import { SealedTokens } from './sealed-tokens.ts';
import type { TokenRefresher } from './token-refresher.ts';

export interface RouteTokensOptions {
  readonly provider: TokenIssuer;
  readonly refresher: Pick<TokenRefresher, 'fresh' | 'refreshNow' | 'flightFor'>;
  readonly revocations: Pick<Revocations, 'causeOf' | 'onAdded'>;
  readonly policy: Pick<RefreshOptions, 'early' | 'cooldown' | 'wait' | 'maxInFlight' | 'breaker'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timer?: Timer;
  /** Bytes for tokens of sessions besides their own. */
  readonly memory?: number;
}

type Active = Pick<ActiveSession, 'session'>;
/** Those that need the session's own token to be fresh, whatever they do with it. */
type OnFreshSession = Exclude<RouteTokenPolicy, { kind: 'audience' }>;
type Usable = Extract<Freshness, { kind: 'usable' }>;

interface NoRefreshToken {
  readonly kind: 'no-refresh-token';
}

const MEMORY = 32 * 1024 * 1024;

/** The tokens of routes that get another one than their session's own, or ask more of it. Nothing here ever rejects. */
export class RouteTokens {
  readonly #options: RouteTokensOptions;
  readonly #grants: RouteGrants;
  readonly #client: ClientTokens;
  readonly #exchanged: ExchangedTokens;
  readonly #audience: AudienceTokens;

  constructor(options: RouteTokensOptions) {
    const { provider, policy, revocations, clock, timer = systemTimer, memory = MEMORY } = options;
    this.#options = options;
    this.#grants = new RouteGrants({ ...options, issuer: provider.issuer, timer });
    const kept = new SealedTokens({ clock, revocations, memory });
    this.#client = new ClientTokens({ provider, grants: this.#grants, clock, ...policy });
    this.#exchanged = new ExchangedTokens({ ...options, grants: this.#grants, kept, cooldown: policy.cooldown });
    this.#audience = new AudienceTokens({ ...options, ...policy, kept, timer });
  }

  /** Our own, for a request without a session. */
  own({ target }: { readonly target: RouteTarget }): OwnToken | Promise<OwnToken> {
    return this.#client.of(target);
  }

  /** Our own after an upstream's 401 to `refused`. The same one again: no newer one is to be had. */
  ownRenewed({ target }: { readonly target: RouteTarget }, refused: string): Promise<OwnToken> {
    return this.#client.renewed(target, refused);
  }

  /** For a request of a session. A plain value when everything is at hand. With `activity: false` a renewal does not move the idle limit. */
  token(policy: RouteTokenPolicy, active: Active, activity: boolean): RouteToken | Promise<RouteToken> {
    if (policy.kind === 'audience') return this.#audience.of(policy, active, activity);
    const fresh = this.#options.refresher.fresh(active, activity);
    return fresh instanceof Promise ? fresh.then((it) => this.#with(policy, active, it)) : this.#with(policy, active, fresh);
  }

  /** After an upstream's 401 to `refused`. The same token again: no newer one is to be had. */
  async renewed(policy: RouteTokenPolicy, active: Active, refused: string, activity: boolean): Promise<RouteToken | NoRefreshToken> {
    const { session } = active;
    switch (policy.kind) {
      case 'client':
        return besides({ kind: 'usable', session }, await this.#client.renewed(policy.target, refused));
      case 'exchange':
        return besides({ kind: 'usable', session }, await this.#exchanged.renewed(session, policy.target, refused));
      case 'audience':
        return this.#audience.renewed(policy, active, refused, activity);
      case 'scoped': {
        const fresh = await this.#options.refresher.refreshNow(active, activity);
        return fresh.kind === 'no-refresh-token' ? fresh : this.#with(policy, active, fresh);
      }
    }
  }

  /** Lets what is under way come to its end. */
  close(): Promise<void> {
    return this.#grants.close();
  }

  #with(policy: OnFreshSession, active: Active, fresh: Freshness): RouteToken | Promise<RouteToken> {
    if (fresh.kind === 'rejected') return fresh;
    // Our own token needs the session only for the access rules, and those have been asked.
    if (policy.kind === 'client') return this.#added(fresh.kind === 'usable' ? fresh : { kind: 'usable', ...active }, this.own(policy));
    if (fresh.kind === 'unavailable') return fresh;
    if (policy.kind === 'exchange') return this.#added(fresh, this.#exchanged.of(fresh.session, policy.target));
    return this.#withScope(policy.scope, fresh);
  }

  #withScope(scope: readonly string[], fresh: Usable): RouteToken {
    const missing = missingScope(scope, fresh.session.scope);
    return missing.length === 0 ? fresh : besides(fresh, scopeMissing(missing));
  }

  #added(fresh: Usable, token: RouteGrantEnd | Promise<RouteGrantEnd>): RouteToken | Promise<RouteToken> {
    return token instanceof Promise ? token.then((it) => besides(fresh, it)) : besides(fresh, token);
  }
}

/** A route's token together with what its session came to: a newer ticket goes to the browser whatever became of the token. */
function besides(fresh: Usable, end: RouteGrantEnd): RouteToken {
  const taken = fresh.taken === undefined ? {} : { taken: fresh.taken };
  if (end.kind === 'granted') return { kind: 'usable', session: fresh.session, accessToken: end.accessToken, ...taken };
  return end.kind === 'rejected' ? end : { ...end, ...taken };
}
