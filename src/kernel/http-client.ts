import type { SecureContext } from 'node:tls';
import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import { classifyFailure, HttpClientError } from './http-client-error.ts';
import { TrustedConnections, type AuthoritiesOutcome } from './trusted-connections.ts';

export interface HttpClientOptions {
  /** Milliseconds for the whole exchange, connecting included; a process that stood still reads what has come before it gives up. */
  readonly timeout: number;
  /** Bytes of a response body. */
  readonly maxResponse: number;
  /** PEM file of authorities that are trusted besides the default ones; read again when it has changed. */
  readonly caFile?: string;
  /** URL of an egress proxy: https goes through a tunnel (CONNECT), and nothing ever around it. */
  readonly proxy?: string;
  /** Told when another content of `caFile` is in use, and once when one cannot be: then the last good one stays. */
  readonly onAuthorities?: (outcome: AuthoritiesOutcome) => void;
}

export interface HttpRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** For calls of our own (provider, doctor), never for proxied traffic. */
export interface HttpClient {
  /**
   * Resolves with a whole response (any status but 3xx), its body already read.
   * Rejects with HttpClientError and nothing else. Redirects are never followed: one is an error.
   */
  fetch(url: string, request?: HttpRequest): Promise<Response>;
  close(): Promise<void>;
}

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { caFile, onAuthorities } = options;
  const connections = new TrustedConnections({ make: (trust) => openLanes(options, trust), caFile, onAuthorities });
  return {
    fetch: (url, request = {}) =>
      new Promise((resolve, reject) => {
        const call = new Call(options, resolve, reject);
        const send = ({ kept, single }: Lanes): void => {
          try {
            const dispatcher = request.method === 'POST' ? single : kept;
            dispatcher.dispatch(toDispatch(new URL(url), request), call);
          } catch (error) {
            call.onResponseError(undefined, error);
          }
        };
        const lanes = connections.current();
        if (lanes instanceof Promise) void lanes.then(send);
        else send(lanes);
      }),
    close: () => connections.close(),
  };
}

interface Lanes {
  readonly kept: Dispatcher;
  /** A POST (a grant, mostly) gets a connection of its own: after the reset of a kept one nobody can tell whether the peer read it. */
  readonly single: Dispatcher;
  close(): Promise<unknown>;
  destroy(): Promise<unknown>;
}

function openLanes(options: HttpClientOptions, trust: SecureContext | undefined): Lanes {
  const kept = createDispatcher(options, {}, trust);
  const single = createDispatcher(options, { pipelining: 0 }, trust);
  return {
    kept,
    single,
    close: () => Promise.all([kept.close(), single.close()]),
    destroy: () => Promise.all([kept.destroy(), single.destroy()]),
  };
}

function toDispatch(target: URL, { method = 'GET', headers, body }: HttpRequest): Dispatcher.DispatchOptions {
  return {
    origin: target.origin,
    path: target.pathname + target.search,
    method,
    headers: { 'accept-encoding': 'identity', ...headers },
    ...(body === undefined ? {} : { body }),
  };
}

function createDispatcher(
  options: HttpClientOptions,
  reuse: { readonly pipelining?: number },
  trust: SecureContext | undefined,
): Dispatcher {
  const tls = trust === undefined ? {} : { secureContext: trust };
  const connect = { timeout: options.timeout, ...tls };
  // The total timeout below covers head and body; HTTP/2 is off because "not one byte written" is known per HTTP/1.1 request only.
  const common = { ...reuse, allowH2: false, headersTimeout: 0, bodyTimeout: 0, connect };
  if (options.proxy === undefined) return new Agent(common);
  return new ProxyAgent({ ...common, uri: options.proxy, requestTls: connect, proxyTls: tls });
}

/** A timer that is no later than this is on time. Milliseconds. */
const ON_TIME_MS = 10;

/** For reading what came while the process stood still. Short: the lease of a refresh token ends soon after the time limit. Milliseconds. */
const READING_MS = 100;

/** One exchange, from dispatch to the last body byte. */
class Call implements Dispatcher.DispatchHandler {
  readonly #maxResponse: number;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: HttpClientError) => void;
  readonly #deadline: number;
  #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | undefined;
  #failure: HttpClientError | undefined;
  #head: { status: number; headers: Headers } | undefined;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(options: HttpClientOptions, resolve: (response: Response) => void, reject: (error: HttpClientError) => void) {
    this.#maxResponse = options.maxResponse;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#deadline = performance.now() + options.timeout;
    this.#timer = setTimeout(() => this.#expire(), options.timeout);
  }

  fail(reason: HttpClientError['reason']): void {
    this.#end(new HttpClientError(reason, this.#controller !== undefined));
  }

  /**
   * Called on the connected socket, right before the first byte is written: a call that failed earlier is stopped here. So is one
   * whose time is over, although its timer has not run yet: after a standstill of the process the socket may come first.
   */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (performance.now() >= this.#deadline) this.fail('timeout');
    if (this.#failure !== undefined) {
      controller.abort(this.#failure);
      return;
    }
    this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    if (status >= 300 && status < 400) {
      this.fail('redirect');
      return;
    }
    if (status > 599) {
      this.fail('protocol');
      return;
    }
    this.#head = { status, headers: toHeaders(headers) };
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > this.#maxResponse) {
      this.fail('too_large');
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    clearTimeout(this.#timer);
    if (this.#head === undefined) {
      this.fail('protocol');
      return;
    }
    const empty = this.#head.status === 204 || this.#head.status === 205;
    this.#resolve(new Response(empty ? null : Buffer.concat(this.#chunks), this.#head));
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: unknown): void {
    this.#end(classifyFailure(error, this.#controller !== undefined));
  }

  /**
   * A process that stood still (paused by its container, busy with something else) finds its timer due and the answer not yet read,
   * which must not be taken for the silence of the peer.
   */
  #expire(): void {
    const onTime = performance.now() - this.#deadline <= ON_TIME_MS;
    if (onTime || this.#controller === undefined) this.fail('timeout');
    else this.#timer = setTimeout(() => this.fail('timeout'), READING_MS);
  }

  #end(failure: HttpClientError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    clearTimeout(this.#timer);
    this.#chunks = [];
    this.#reject(failure);
    this.#controller?.abort(failure);
  }
}

function toHeaders(raw: Record<string, string | string[] | undefined>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return headers;
}
