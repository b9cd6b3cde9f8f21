import type { IncomingMessage, ServerResponse } from 'node:http';
import { Pool, type Dispatcher } from 'undici';
import { dialer, type DialOptions } from './dial.ts';
import { hasBody, RESPONSE_HEAD_BYTES, type Forwarder, type ForwardPlan } from './forwarder.ts';
import { admitBody } from './own-answer.ts';
import { RequestBody } from './request-body.ts';
import { UndiciExchange } from './undici-exchange.ts';
import { connectorOf, UndiciLane } from './undici-lane.ts';

/** Where the connections lead to and how they are made; and: */
export interface UndiciForwarderOptions extends DialOptions {
  /** Sockets at most. Requests beyond it wait for one; the routes' maxInFlight keeps it from coming to that. */
  readonly connections: number;
  /** Bytes of a response head. */
  readonly maxHeaderSize?: number;
}

const KEEP_ALIVE_MS = 4_000; // below the 5 s of a Node upstream, so that it is us who close an idle socket

/**
 * One pool of HTTP/1.1 connections to one origin; no pipelining, no redirect followed. One attempt for each request, and one more
 * on a connection of its own where the first went out on a kept connection that had been closed meanwhile: for requests that may
 * be sent twice, and only if not a byte came back (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
 */
export class UndiciForwarder implements Forwarder {
  readonly #kept: Pool;
  /** Every connection is for one request. */
  readonly #fresh: Pool;
  readonly #serverName: string | undefined;

  constructor(options: UndiciForwarderOptions) {
    const { protocol, hostname } = new URL(options.origin);
    // Whatever the Host is: a connection is not given up for the next request's.
    this.#serverName = protocol === 'https:' ? hostname : undefined;
    const dial = dialer(options);
    const common = {
      connections: options.connections,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: options.maxHeaderSize ?? RESPONSE_HEAD_BYTES,
    };
    this.#kept = new Pool(options.origin, {
      ...common,
      pipelining: 1,
      factory: (origin, settings) => new UndiciLane(origin, settings, dial),
    });
    this.#fresh = new Pool(options.origin, { ...common, pipelining: 0, connect: connectorOf(dial) });
  }

  forward(request: IncomingMessage, response: ServerResponse, plan: ForwardPlan): void {
    const body = hasBody(request) ? new RequestBody(request, plan.maxBody) : null;
    if (body !== null) admitBody(response);
    this.#kept.dispatch(this.#dispatchOf(plan, body), new UndiciExchange(response, body, plan, this.#again));
  }

  async close(): Promise<void> {
    await this.#kept.close();
    await this.#fresh.close(); // after the others: what had to be sent again is under way there
  }

  readonly #again = (exchange: UndiciExchange, plan: ForwardPlan): void => {
    this.#fresh.dispatch(this.#dispatchOf(plan, null), exchange);
  };

  #dispatchOf({ path, method, headers, headersTimeout }: ForwardPlan, body: RequestBody | null): Dispatcher.DispatchOptions {
    // Bodies have timers of their own: undici's know neither event streams nor whose silence it is. The types do not know servername.
    const limits = { headersTimeout: body === null ? headersTimeout : 0, bodyTimeout: 0 };
    const options = { path, method, headers, body, ...limits, servername: this.#serverName };
    return options;
  }
}
