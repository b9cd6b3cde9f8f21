import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import type { TrustedProxies } from './trusted-proxies.ts';

/** Writes X-Forwarded-* and Forwarded (RFC 7239) anew. Scheme and host are publicUrl's: the Host check has compared them. */
export class ForwardedHeaders {
  readonly #proxies: TrustedProxies;
  readonly #proto: string;
  readonly #host: string;
  readonly #suffix: string;

  constructor(options: { publicOrigin: string; trustedProxies: TrustedProxies }) {
    const { protocol, host } = new URL(options.publicOrigin);
    this.#proxies = options.trustedProxies;
    this.#proto = protocol.slice(0, -1);
    this.#host = host;
    this.#suffix = `;host=${host.includes(':') ? `"${host}"` : host};proto=${this.#proto}`;
  }

  append(headers: string[], request: IncomingMessage): void {
    const given = request.headers['x-forwarded-for'];
    const chain = this.#proxies.chain(request.socket.remoteAddress, typeof given === 'string' ? given : given?.join(','));
    headers.push('x-forwarded-for', chain.join(', '), 'x-forwarded-proto', this.#proto, 'x-forwarded-host', this.#host);
    headers.push('forwarded', chain.map((it) => `for=${node(it)}`).join(', ') + this.#suffix);
  }
}

const node = (address: string): string => (isIPv6(address) ? `"[${address}]"` : address);
