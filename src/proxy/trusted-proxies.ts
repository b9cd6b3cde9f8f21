import { BlockList, isIP } from 'node:net';

const MAX_HOPS = 32;
const MAPPED_IPV4 = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;
const WITH_PORT = /^(?:\[([^\]]+)\](?::\d{1,5})?|(\d+\.\d+\.\d+\.\d+):\d{1,5})$/;

/** The proxies whose X-Forwarded-* are believed: nobody else's. */
export class TrustedProxies {
  readonly #list = new BlockList();
  readonly #empty: boolean;

  /** `10.0.0.0/8`, `fd00::/8`, or single addresses. Throws on anything else: the configuration has checked them. */
  constructor(cidrs: readonly string[]) {
    this.#empty = cidrs.length === 0;
    for (const cidr of cidrs) this.#add(cidr);
  }

  has(address: string | undefined): boolean {
    if (this.#empty || address === undefined) return false;
    const plain = plainAddress(address);
    const version = isIP(plain);
    return version !== 0 && this.#list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
  }

  /**
   * The addresses that a request came through, client first, the peer last (`unknown` when it has none, such as a Unix socket's).
   * Read from the right, and only as long as a trusted proxy vouches for the entry: what a client wrote in front is not part of it.
   */
  chain(peer: string | undefined, forwardedFor: string | undefined): string[] {
    const hops = [peer === undefined || peer === '' ? 'unknown' : plainAddress(peer)];
    if (forwardedFor === undefined || !this.has(peer)) return hops;
    const entries = forwardedFor.split(',');
    for (let at = entries.length - 1; at >= 0 && hops.length < MAX_HOPS; at--) {
      const address = withoutPort((entries[at] ?? '').trim());
      if (isIP(address) === 0) break;
      hops.unshift(address);
      if (!this.has(address)) break;
    }
    return hops;
  }

  #add(cidr: string): void {
    const [address = '', prefix] = cidr.split('/');
    const version = isIP(address);
    if (version === 0) throw new Error('not an address or CIDR');
    const family = version === 4 ? 'ipv4' : 'ipv6';
    if (prefix === undefined) this.#list.addAddress(address, family);
    else this.#list.addSubnet(address, Number(prefix), family);
  }
}

/** A dual-stack socket reports IPv4 peers as `::ffff:192.0.2.1`. */
const plainAddress = (address: string): string => (address.startsWith('::') ? address.replace(MAPPED_IPV4, '') : address);

function withoutPort(entry: string): string {
  const match = WITH_PORT.exec(entry);
  return plainAddress(match?.[1] ?? match?.[2] ?? entry);
}
