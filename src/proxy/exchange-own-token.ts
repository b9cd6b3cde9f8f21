import type { RouteTokenPolicy } from '../tokens/route-policy.ts';
import type { OwnToken } from '../tokens/route-token.ts';
import type { RouteTokens } from '../tokens/route-tokens.ts';
import { isRepeatable, later } from './exchange-steps.ts';
import type { ProxyExchange } from './proxy-exchange.ts';
import { SecondTry, type Remedy } from './second-try.ts';

type ClientPolicy = Extract<RouteTokenPolicy, { kind: 'client' }>;

/** Requests on routes that read no session: they go upstream with a token of our own, or with none. */
export class SessionlessExchanges {
  readonly #tokens: Pick<RouteTokens, 'own' | 'ownRenewed'>;
  readonly #forward: (exchange: ProxyExchange, accessToken: string | undefined) => void;

  constructor(
    tokens: Pick<RouteTokens, 'own' | 'ownRenewed'>,
    forward: (exchange: ProxyExchange, accessToken: string | undefined) => void,
  ) {
    this.#tokens = tokens;
    this.#forward = forward;
  }

  begin(exchange: ProxyExchange): void {
    const { policy } = exchange.route;
    if (policy?.kind !== 'client') return this.#forward(exchange, undefined);
    const own = this.#tokens.own(policy);
    if (own instanceof Promise) return later(exchange, own, (it) => this.#with(exchange, policy, it));
    this.#with(exchange, policy, own);
  }

  #with(exchange: ProxyExchange, policy: ClientPolicy, own: OwnToken): void {
    if (own.kind === 'unavailable') return exchange.fail({ code: own.code, retryAfter: own.retryAfter });
    if (exchange.secondTry === undefined && exchange.route.retryOn401 && isRepeatable(exchange.request)) {
      exchange.secondTry = new SecondTry(() => this.#renewed(exchange, policy, own.accessToken));
    }
    this.#forward(exchange, own.accessToken);
  }

  async #renewed(exchange: ProxyExchange, policy: ClientPolicy, refused: string): Promise<Remedy> {
    const renewed = await this.#tokens.ownRenewed(policy, refused);
    if (renewed.kind !== 'granted' || renewed.accessToken === refused) return undefined;
    return () => this.#with(exchange, policy, renewed);
  }
}
