/** One answered request of a navigation. */
export interface Hop {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly setCookies: readonly string[];
  /** Names of the cookies the request carried. */
  readonly sentCookies: readonly string[];
  /** What led here. */
  readonly via: 'start' | 'redirect' | 'refresh' | 'form';
  /** Empty for redirects. */
  readonly body: string;
}

/** All hops of a navigation; the last one is the page that stays. */
export class Trail {
  readonly hops: readonly Hop[];
  /** The URL that `until` stopped at, not requested. */
  readonly stoppedAt: string | undefined;

  constructor(hops: readonly Hop[], stoppedAt?: string) {
    this.hops = hops;
    this.stoppedAt = stoppedAt;
  }

  get page(): Hop {
    const last = this.hops.at(-1);
    if (last === undefined) throw new Error('The navigation stopped before its first request');
    return last;
  }

  get urls(): string[] {
    return this.hops.map(({ url }) => url);
  }

  get statuses(): number[] {
    return this.hops.map(({ status }) => status);
  }

  /** The first hop whose path is this one. */
  at(pathname: string): Hop | undefined {
    return this.hops.find(({ url }) => new URL(url).pathname === pathname);
  }
}
