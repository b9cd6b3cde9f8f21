import type { Clock } from '../../src/kernel/clock.ts';
import { CookieJar, type CookieContext, type StoredCookie } from './cookie-jar.ts';
import { exchange } from './exchange.ts';
import { findForm } from './html-forms.ts';
import { formStep, nextStep, type Step } from './navigation-step.ts';
import { fetchSite, siteOf } from './site.ts';
import { Trail, type Hop } from './trail.ts';

export type { Hop, Trail };

export interface NavigateOptions {
  /** Who caused the navigation: `user` (typed or bookmarked, the default), `page` (a link or script of the page shown), or another page's URL. */
  readonly initiator?: 'user' | 'page' | URL;
  readonly method?: 'GET' | 'POST';
  /** Sent urlencoded. */
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Stops before the first request to a URL it accepts. */
  readonly until?: (url: URL) => boolean;
}

export interface FetchOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** The page whose script fetches; by default the application's own. */
  readonly initiator?: URL;
}

export interface UserAgentOptions {
  /** The application's origin: relative URLs and `fetch` start here. */
  readonly origin: string;
  /** Path of the login endpoint. */
  readonly loginPath?: string;
  readonly clock?: Clock;
  /** `false` behaves like an old browser without Sec-Fetch-* headers. */
  readonly fetchMetadata?: boolean;
  /** `false` leaves self-submitting forms to a click. */
  readonly javascript?: boolean;
  /** Names of cookies that this browser, or something on the way to it, throws away. */
  readonly refusesCookie?: (name: string) => boolean;
}

const MAX_HOPS = 20;
const NAVIGATION_ACCEPT = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';

/** A browser as far as HTTP is concerned: cookies, redirects, continuing pages, forms, Fetch Metadata. No pixels, no scripts of pages. */
export class UserAgent {
  readonly jar: CookieJar;
  readonly origin: URL;
  readonly #options: UserAgentOptions;
  #trail: Trail | undefined;

  constructor(options: UserAgentOptions, jar: CookieJar = new CookieJar(options.clock)) {
    this.#options = options;
    this.origin = new URL(options.origin);
    this.jar = jar;
  }

  /** Another tab: the same cookies, its own page. */
  openTab(): UserAgent {
    return new UserAgent(this.#options, this.jar);
  }

  /** The page shown now. */
  get page(): Hop {
    if (this.#trail === undefined) throw new Error('No page was opened yet');
    return this.#trail.page;
  }

  /** Every cookie in the jar, or those a same-site request to this URL would carry. */
  cookies(url?: string): StoredCookie[] {
    return url === undefined ? this.jar.all() : this.jar.matching(new URL(url, this.origin));
  }

  /** Opens a URL and follows redirects, `Refresh: 0` pages and self-submitting forms until a page stays. */
  async navigate(url: string, options: NavigateOptions = {}): Promise<Trail> {
    const target = new URL(url, this.origin);
    const body = options.form === undefined ? undefined : new URLSearchParams(options.form).toString();
    const method = options.method ?? (body === undefined ? 'GET' : 'POST');
    return this.#follow({ method, url: target, body, via: 'start', initiator: this.#initiator(options), chain: [target] }, options);
  }

  /** A script's fetch with credentials. Redirects are not followed. */
  async fetch(path: string, options: FetchOptions = {}): Promise<Response> {
    const url = new URL(path, this.origin);
    const initiator = options.initiator ?? this.origin;
    const method = options.method ?? 'GET';
    const sameSite = siteOf(initiator) === siteOf(url);
    const originHeader = url.origin !== initiator.origin || !['GET', 'HEAD'].includes(method);
    const headers = {
      accept: '*/*',
      ...(originHeader ? { origin: initiator.origin } : {}),
      ...this.#fetchMetadata(fetchSite(initiator, [url]), 'cors', 'empty', false),
    };
    return this.#send(url, { method, headers: { ...headers, ...options.headers } }, { sameSite, laxAllowed: false }, options);
  }

  /** Fills the form of the page shown and submits it by the button with this value (or the first one). */
  async submit(fields: Readonly<Record<string, string>> = {}, options: NavigateOptions = {}): Promise<Trail> {
    const form = findForm(this.page.body);
    if (form === undefined) throw new Error(`No form on ${this.page.url} (${this.page.status})`);
    return this.#follow(formStep(form, new URL(this.page.url), fields), options);
  }

  /** Clicks a user on the sign-in page of the development provider. */
  async signIn(user: string, options: NavigateOptions = {}): Promise<Trail> {
    if (!this.page.body.includes(`name="user" value="${user}"`)) {
      throw new Error(`${this.page.url} (${this.page.status}) is no sign-in page with ${user}`);
    }
    return this.submit({ user }, options);
  }

  /** The whole login as this user, from the login link to the page that stays. */
  async login(user: string, options: NavigateOptions & { readonly returnTo?: string } = {}): Promise<Trail> {
    const query = options.returnTo === undefined ? '' : `?returnTo=${encodeURIComponent(options.returnTo)}`;
    const first = await this.navigate(`${this.#options.loginPath ?? '/bff/login'}${query}`, options);
    if (first.stoppedAt !== undefined) return first;
    const second = await this.signIn(user, options);
    return new Trail([...first.hops, ...second.hops], second.stoppedAt);
  }

  async #follow(start: Step, options: NavigateOptions): Promise<Trail> {
    const hops: Hop[] = [];
    let step: Step | undefined = start;
    while (step !== undefined) {
      if (options.until?.(step.url) === true) return this.#show(new Trail(hops, step.url.href));
      if (hops.length === MAX_HOPS) throw new Error(`More than ${MAX_HOPS} hops: ${hops.map(({ url }) => url).join(' → ')}`);
      const hop = await this.#request(step, step === start ? options.headers : undefined);
      hops.push(hop);
      step = nextStep(step, hop, this.#options.javascript ?? true);
    }
    return this.#show(new Trail(hops));
  }

  #show(trail: Trail): Trail {
    if (trail.hops.length > 0) this.#trail = trail;
    return trail;
  }

  async #request(step: Step, extra: Readonly<Record<string, string>> | undefined): Promise<Hop> {
    const safe = step.method === 'GET' || step.method === 'HEAD';
    const sameSite = step.initiator === 'user' || siteOf(step.initiator) === siteOf(step.url);
    const context = { sameSite, laxAllowed: safe };
    const headers = {
      accept: NAVIGATION_ACCEPT,
      'upgrade-insecure-requests': '1',
      ...(step.body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      ...(safe || step.initiator === 'user' ? {} : { origin: this.#originOfForm(step.initiator) }),
      ...this.#fetchMetadata(fetchSite(step.initiator, step.chain), 'navigate', 'document', step.via === 'start'),
      ...extra,
    };
    const sentCookies = this.jar.matching(step.url, context).map(({ name }) => name);
    const response = await this.#send(
      step.url,
      { method: step.method, headers },
      context,
      step.body === undefined ? {} : { body: step.body },
    );
    const body = await response.text();
    return {
      method: step.method,
      url: step.url.href,
      status: response.status,
      headers: response.headers,
      setCookies: response.headers.getSetCookie(),
      sentCookies,
      via: step.via,
      body,
    };
  }

  async #send(
    url: URL,
    request: { method: string; headers: Readonly<Record<string, string>> },
    context: CookieContext,
    options: Pick<FetchOptions, 'body' | 'signal'>,
  ): Promise<Response> {
    const cookie = this.jar.matching(url, context).map(({ name, value }) => `${name}=${value}`);
    const headers = cookie.length === 0 ? request.headers : { cookie: cookie.join('; '), ...request.headers };
    const response = await exchange({ method: request.method, url, headers, body: options.body, signal: options.signal });
    const refuses = this.#options.refusesCookie ?? (() => false);
    const kept = response.headers.getSetCookie().filter((line) => !refuses(line.split('=', 1)[0] ?? ''));
    this.jar.store(kept, url, {
      sameSite: context.sameSite,
      laxAllowed: context.laxAllowed || 'upgrade-insecure-requests' in request.headers,
    });
    return response;
  }

  #initiator(options: NavigateOptions): URL | 'user' {
    if (options.initiator === 'page') return new URL(this.page.url);
    return options.initiator ?? 'user';
  }

  /** A page with `Referrer-Policy: no-referrer` posts its forms with `Origin: null`. */
  #originOfForm(initiator: URL): string {
    const page = this.#trail?.page;
    const hidden = page?.headers.get('referrer-policy') === 'no-referrer' && new URL(page.url).origin === initiator.origin;
    return hidden ? 'null' : initiator.origin;
  }

  #fetchMetadata(site: string, mode: string, dest: string, userActivated: boolean): Record<string, string> {
    if (this.#options.fetchMetadata === false) return {};
    return {
      'sec-fetch-site': site,
      'sec-fetch-mode': mode,
      'sec-fetch-dest': dest,
      ...(userActivated ? { 'sec-fetch-user': '?1' } : {}),
    };
  }
}
