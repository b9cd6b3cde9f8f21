import type { IncomingMessage } from 'node:http';
import type { TrustedProxies } from './trusted-proxies.ts';

/** `wrong` is a well-formed name of another host: a navigation may be sent to the right one. */
export type HostVerdict = { readonly kind: 'ours' } | { readonly kind: 'wrong' } | { readonly kind: 'malformed'; readonly detail: string };

/** What the check reads of a request. */
export interface HostedRequest extends Pick<IncomingMessage, 'rawHeaders' | 'headers'> {
  readonly socket: { readonly remoteAddress?: string | undefined };
}

const OURS: HostVerdict = { kind: 'ours' };
const WRONG: HostVerdict = { kind: 'wrong' };
const WELL_FORMED = /^(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is;

/** Compares the Host that a client named with publicUrl's: nothing else decides whom a request is for (RFC 9112 §3.2). */
export class HostCheck {
  readonly #accepted: ReadonlySet<string>;
  readonly #trustedProxies: TrustedProxies;

  constructor(options: { publicOrigin: string; trustedProxies: TrustedProxies }) {
    const { protocol, host, hostname, port } = new URL(options.publicOrigin);
    const spelled = port === '' ? `${hostname}:${protocol === 'https:' ? '443' : '80'}` : host;
    this.#accepted = new Set([host, spelled]);
    this.#trustedProxies = options.trustedProxies;
  }

  check(request: HostedRequest): HostVerdict {
    if (isRepeated(request.rawHeaders)) return { kind: 'malformed', detail: 'The request carries more than one Host header.' };
    const host = this.#named(request);
    if (host === undefined || host === '') return { kind: 'malformed', detail: 'The request carries no Host header.' };
    if (this.accepts(host)) return OURS;
    return WELL_FORMED.test(host) ? WRONG : { kind: 'malformed', detail: 'The Host header is malformed.' };
  }

  /** A host, with or without the default port, in any case. */
  accepts(host: string): boolean {
    return this.#accepted.has(host) || this.#accepted.has(host.toLowerCase());
  }

  #named(request: HostedRequest): string | undefined {
    const forwarded = request.headers['x-forwarded-host'];
    if (forwarded === undefined || !this.#trustedProxies.has(request.socket.remoteAddress)) return request.headers.host;
    return (typeof forwarded === 'string' ? forwarded : forwarded.join(',')).split(',')[0]?.trim();
  }
}

/** Splits an absolute-form target (RFC 9112 §3.2.2); any other target is a `path` without `authority`. */
export function splitTarget(target: string): { readonly authority?: string; readonly path: string } {
  if (target.charCodeAt(0) === 47) return { path: target }; // '/'
  const match = ABSOLUTE.exec(target);
  if (match === null) return { path: target };
  const rest = match[2] ?? '';
  return { authority: match[1] ?? '', path: rest === '' || rest.startsWith('?') ? `/${rest}` : rest };
}

function isRepeated(raw: readonly string[]): boolean {
  let seen = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') seen++;
  }
  return seen > 1;
}
