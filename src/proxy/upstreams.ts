import type { ApiRoute } from './api-routes.ts';
import type { UpstreamTlsOptions } from './upstream-tls.ts';

/** What makes the pool of one upstream: origin, sockets at most, milliseconds. */
export interface PoolOptions {
  readonly origin: string;
  readonly connections: number;
  readonly connectTimeout: number;
  readonly tls?: UpstreamTlsOptions | undefined;
}

/** The pools of connections: one for each upstream, connect timeout and TLS, shared by the routes that lead there, with room for all of them. */
export class Upstreams<Pool extends { close(): Promise<void> }> {
  readonly #pools: ReadonlyMap<string, Pool>;

  constructor(routes: readonly ApiRoute[], open: (options: PoolOptions) => Pool) {
    const options = new Map<string, PoolOptions>();
    for (const route of routes) {
      const connections = (options.get(keyOf(route))?.connections ?? 0) + route.maxInFlight;
      const { connectTimeout, tls } = route;
      options.set(keyOf(route), { origin: route.upstream.origin, connections, connectTimeout, tls });
    }
    this.#pools = new Map([...options].map(([key, it]) => [key, open(it)]));
  }

  /** `route` is one of those that this was made for. */
  of(route: ApiRoute): Pool {
    const pool = this.#pools.get(keyOf(route));
    if (pool === undefined) throw new Error('a route of another frontend');
    return pool;
  }

  /** Lets requests under way end, then closes every connection. */
  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
  }
}

const keyOf = ({ upstream, connectTimeout, tls }: ApiRoute): string => JSON.stringify([upstream.origin, connectTimeout, tls]);
