import httpProxy from 'http-proxy';
import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Failure } from '../../src/kernel/errors.ts';
import { forwardFailure } from '../../src/proxy/forward-failure.ts';
import type { ForwardEnd, Forwarder, ForwardPlan } from '../../src/proxy/forwarder.ts';

/** What the framing or the connection needs: not ours to take off. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'expect']);

/**
 * http-proxy behind our port, as its documentation has it: `target`, `agent`, `changeOrigin`, `headers`, `proxyTimeout`, an error
 * callback that answers, and the `proxyReq` and `proxyRes` hooks. It has no notion of what else a plan asks for, and writes the
 * response head itself: what was set on the response before stands for the owner's own headers.
 */
export class HttpProxyForwarder implements Forwarder {
  readonly #agent: Agent;
  readonly #proxy: httpProxy;
  readonly #exchanges = new WeakMap<IncomingMessage, Exchange>();

  constructor({ origin, connections }: { readonly origin: string; readonly connections: number }) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    this.#proxy = httpProxy.createProxyServer({ target: origin, agent: this.#agent, changeOrigin: true });
    this.#proxy.on('proxyReq', (outgoing, request) => this.#exchanges.get(request)?.shape(outgoing));
    this.#proxy.on('proxyRes', (incoming, request) => this.#exchanges.get(request)?.head(incoming));
  }

  forward(request: IncomingMessage, response: ServerResponse, plan: ForwardPlan): void {
    const exchange = new Exchange(response, plan);
    this.#exchanges.set(request, exchange);
    // What Node does by itself when nobody listens for `checkContinue`.
    if (request.headers.expect !== undefined) response.writeContinue();
    const options = { headers: Object.fromEntries(pairs(plan.headers)), proxyTimeout: plan.headersTimeout };
    this.#proxy.web(request, response, options, (error) => exchange.fail(error));
  }

  close(): Promise<void> {
    this.#agent.destroy();
    return Promise.resolve();
  }
}

class Exchange {
  readonly #response: ServerResponse;
  readonly #plan: ForwardPlan;
  #incoming: IncomingMessage | undefined;
  #ended = false;

  constructor(response: ServerResponse, plan: ForwardPlan) {
    this.#response = response;
    this.#plan = plan;
    response.on('close', () => this.#end(this.#howItEnded()));
  }

  /** The hook that takes off what the plan does not name. */
  shape(outgoing: ClientRequest): void {
    const planned = new Set(pairs(this.#plan.headers).map(([name]) => name));
    for (const name of outgoing.getHeaderNames()) {
      if (!planned.has(name) && !OF_THE_CONNECTION.has(name) && !outgoing.headersSent) outgoing.removeHeader(name);
    }
  }

  head(incoming: IncomingMessage): void {
    this.#incoming = incoming;
    void this.#plan.onHead(incoming.statusCode ?? 0, incoming.headers);
  }

  fail(error: NodeJS.ErrnoException): void {
    if (this.#ended) return;
    if (this.#response.headersSent) {
      this.#response.destroy();
      return;
    }
    this.#plan.onFailure(failureOf(error), error.code ?? error.name);
    this.#end('failed');
  }

  #howItEnded(): ForwardEnd {
    if (this.#response.writableFinished) return 'complete';
    return this.#incoming?.destroyed === true && !this.#incoming.complete ? 'upstream_lost' : 'client_gone';
  }

  #end(end: ForwardEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#plan.onEnd(end);
  }
}

const failureOf = ({ code = '' }: NodeJS.ErrnoException): Failure => forwardFailure(code.startsWith('HPE_') ? 'protocol' : 'unreachable');

const pairs = (flat: readonly string[]): readonly (readonly [string, string])[] =>
  flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ''] as const] : []));
