import type { RouteOptions } from '../../src/proxy/api-routes.ts';
import { openStand, SIGNED_IN, type Stand, type StandOptions } from './proxy-stand.ts';
import { header, rawExchange, type RawAnswer } from './raw-http.ts';
import { UpstreamStub } from './upstream-stub.ts';

export const HOST = 'Host: app.example.com';
/** The header lines of a page's own request with a session. */
export const SIGNED: readonly string[] = [HOST, 'Sec-Fetch-Site: same-origin', `Cookie: ${SIGNED_IN}`];

/** A request head as bytes: exactly these lines. */
export const head = (start: string, ...lines: readonly string[]): string => [`${start} HTTP/1.1`, ...lines, '', ''].join('\r\n');

/** The same with a session. */
export const signedHead = (start: string, ...lines: readonly string[]): string => head(start, ...SIGNED, ...lines);

/** What came of one attack. */
export interface Outcome {
  readonly status: number;
  readonly code: string | undefined;
  /** What the upstream saw of it. */
  readonly upstream: readonly string[];
  /** The status of an ordinary request that came right behind it, on a connection of its own. */
  readonly next: number;
}

export const refused = (status: number, code: string): Outcome => ({ status, code, upstream: [], next: 200 });

/** A stand and the upstream behind it. */
export class Attack {
  readonly upstream: UpstreamStub;
  readonly stand: Stand;
  readonly #path: string;

  private constructor(upstream: UpstreamStub, stand: Stand, path: string) {
    this.upstream = upstream;
    this.stand = stand;
    this.#path = path;
  }

  /** Routes lead to the upstream; ordinary requests go to `ownPath`, or to the first route. */
  static async open({ ownPath, ...options }: Omit<StandOptions, 'upstream'> & { readonly ownPath?: string } = {}): Promise<Attack> {
    const upstream = await UpstreamStub.start();
    const stand = await openStand({ ...options, upstream: upstream.origin });
    const first: Partial<RouteOptions> | undefined = options.routes?.[0] ?? options.route;
    return new Attack(upstream, stand, ownPath ?? first?.path ?? '/api');
  }

  /** Sends these bytes and nothing else, and reads one answer. */
  ask(bytes: string, options: { bodiless?: boolean } = {}): Promise<RawAnswer> {
    return rawExchange(this.stand.port, bytes, options);
  }

  /** Forgets what the upstream has seen. */
  forget(): void {
    this.upstream.requests.splice(0);
  }

  async outcome(bytes: string, options: { bodiless?: boolean } = {}): Promise<Outcome> {
    return this.judge(await this.ask(bytes, options));
  }

  async judge(answer: RawAnswer): Promise<Outcome> {
    const seen = this.upstream.requests.map((it) => `${it.method} ${it.url}`);
    this.forget();
    const next = await this.ask(signedHead(`GET ${this.#path}`));
    this.forget();
    return { status: answer.status, code: header(answer, 'cloakroom-error'), upstream: seen, next: next.status };
  }

  async close(): Promise<void> {
    await this.stand.close();
    await this.upstream.close();
  }
}
