import type { LookupFunction } from 'node:net';
import type { Secret } from '../kernel/secret.ts';

/** Where the shared store is and how we get in, as the configuration says it. Exactly one of `url`, `sentinel` and `cluster`. */
export interface RedisSettings {
  /** `redis://user@host:6379/0`, or `rediss:` for TLS; never a password. */
  readonly url?: string;
  /** Nodes as `host:port`. */
  readonly sentinel?: { readonly master: string; readonly nodes: readonly string[] };
  readonly cluster?: { readonly nodes: readonly string[] };
  /** ACL user, where it is not in `url`. */
  readonly username?: string;
  readonly password?: Secret;
  /** Read again at every connection, as its content may change while we run; wins over `password`. */
  readonly passwordFile?: string;
  /** TLS with Sentinel and Cluster; a `url` says it in its scheme. */
  readonly tls: boolean;
  /** Authorities trusted besides the default ones, PEM; read again at every connection. */
  readonly caFile?: string;
  /** The name that the certificate must have, where it is not the host we connect to. */
  readonly serverName?: string;
  readonly keyPrefix: string;
  /** Milliseconds that a command may take. */
  readonly timeout: number;
}

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** Everything that one attempt to connect needs. */
export interface RedisTarget {
  readonly address: RedisAddress;
  readonly username?: string;
  readonly password?: Secret;
  readonly database: number;
  readonly lookup: LookupFunction;
  /** Absent: no TLS. */
  readonly tls?: { readonly ca?: readonly string[]; readonly serverName?: string };
}

/** `host:port` or `[v6]:port`. */
export function parseAddress(text: string): RedisAddress {
  const { hostname, port } = new URL(`redis://${text}`);
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? 6379 : Number(port) };
}

export const printAddress = ({ host, port }: RedisAddress): string => `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
