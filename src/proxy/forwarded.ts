import { isIPv6 } from 'node:net';
import type { HostedRequest } from './host-check.ts';
import type { TrustedProxies } from './trusted-proxies.ts';

/** Writes X-Forwarded-* and Forwarded (RFC 7239) anew. Scheme and host are publicUrl's: the Host check has compared them. */
export class ForwardedHeaders {
  /** publicUrl's host, with its port where that is not the default one. */
  readonly host: string;
  readonly #proxies: TrustedProxies;
  readonly #proto: string;
  readonly #suffix: string;
  #lastPeer: string | undefined;
  #lastHeaders: string[] | undefined;

  constructor(options: { publicOrigin: string; trustedProxies: TrustedProxies }) {
    const { protocol, host } = new URL(options.publicOrigin);
    this.#proxies = options.trustedProxies;
    this.#proto = protocol.slice(0, -1);
    this.host = host;
    this.#suffix = `;host=${host.includes(':') ? `"${host}"` : host};proto=${this.#proto}`;
  }

  append(headers: string[], request: Pick<HostedRequest, 'headers' | 'socket'>): void {
    const peer = request.socket.remoteAddress;
    const given = request.headers['x-forwarded-for'];
    if (given === undefined || !this.#proxies.has(peer)) this.#pushAlone(headers, peer);
    else this.#push(headers, this.#proxies.chain(peer, typeof given === 'string' ? given : given.join(',')));
  }

  /** The same clients and the same load balancer come again and again. */
  #pushAlone(headers: string[], peer: string | undefined): void {
    if (this.#lastHeaders === undefined || peer !== this.#lastPeer) {
      this.#lastPeer = peer;
      this.#lastHeaders = [];
      this.#push(this.#lastHeaders, this.#proxies.chain(peer, undefined));
    }
    for (const text of this.#lastHeaders) headers.push(text);
  }

  #push(headers: string[], chain: readonly string[]): void {
    headers.push('x-forwarded-for', chain.join(', '), 'x-forwarded-proto', this.#proto, 'x-forwarded-host', this.host);
    headers.push('forwarded', chain.map((it) => `for=${node(it)}`).join(', ') + this.#suffix);
  }
}

const node = (address: string): string => (isIPv6(address) ? `"[${address}]"` : address);
