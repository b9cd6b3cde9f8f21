import 'reflect-metadata';
import type { Server } from 'node:http';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from '../../src/app.module.ts';
import type { AuthOptions, AuthParts } from '../../src/auth/auth-parts.ts';
import { TokenRevocation } from '../../src/auth/token-revocation.ts';
import { AttemptCookie } from '../../src/cookie/attempt-cookie.ts';
import { CookieCodec } from '../../src/cookie/cookie-codec.ts';
import { HintCookie } from '../../src/cookie/hint-cookie.ts';
import { KeyRing } from '../../src/cookie/key-ring.ts';
import { SessionCookie } from '../../src/cookie/session-cookie.ts';
import { SessionIdMac } from '../../src/cookie/session-id-mac.ts';
import { isBelow } from '../../src/kernel/request-target.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { CookieSessionStore } from '../../src/session/cookie-session-store.ts';
import { IdTokenHints } from '../../src/session/id-token-hint.ts';
import { LocalRevocations } from '../../src/session/local-revocations.ts';
import { LoginAttempts } from '../../src/session/login-attempt.ts';
import { MemorySessionHead } from '../../src/session/memory-session-head.ts';
import { SessionResolver } from '../../src/session/session-resolver.ts';
import { TicketDelivery } from '../../src/session/ticket-delivery.ts';
import { TokenRefresher } from '../../src/tokens/token-refresher.ts';
import { AuthProvider, ISSUER } from './auth-provider.ts';
import { CookieJar } from './cookie-jar.ts';
import { ManualClock } from './manual-clock.ts';
import { RecordingLogger } from './recording-logger.ts';

const ORIGIN = 'https://app.example.com';

export interface AuthAppOptions {
  /** publicUrl's path, such as `/app`. */
  readonly path?: string;
  readonly origin?: string;
  readonly budget?: number;
  readonly cookieSecret?: string;
  readonly options?: Partial<AuthOptions>;
  readonly accessRules?: AuthParts['accessRules'];
  /** The last word on any part. */
  readonly parts?: (parts: AuthParts) => AuthParts;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Sent instead of what the jar holds. */
  readonly cookie?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly setCookies: readonly string[];
  readonly body: string;
  json(): Readonly<Record<string, unknown>>;
}

export const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' } as const;
const FETCH = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', 'sec-fetch-site': 'same-origin', accept: '*/*' } as const;

/** The endpoints with their real rooms, a provider without a network, a clock that is moved by hand, and one browser. */
export class AuthApp {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly provider = new AuthProvider(this.clock);
  readonly jar = new CookieJar(this.clock);
  readonly parts: AuthParts;
  readonly tokenRevocation: TokenRevocation;
  readonly #nest: NestFastifyApplication;

  private constructor(parts: AuthParts, nest: NestFastifyApplication, made: ReturnType<typeof makeParts>) {
    this.parts = parts;
    this.#nest = nest;
    this.clock = made.clock;
    this.logger = made.logger;
    this.provider = made.provider;
    this.jar = new CookieJar(made.clock);
    this.tokenRevocation = made.tokenRevocation;
  }

  static async start(options: AuthAppOptions = {}): Promise<AuthApp> {
    const made = makeParts(options);
    const parts = options.parts?.(made.parts) ?? made.parts;
    const nest = await createNest(AppModule.forFrontend(parts));
    await nest.init();
    await nest.getHttpAdapter().getInstance().ready();
    return new AuthApp(parts, nest, made);
  }

  stop(): Promise<void> {
    return this.#nest.close();
  }

  /** For what only a real socket shows. */
  async listen(): Promise<number> {
    await this.#nest.listen(0, '127.0.0.1');
    const server: Server = this.#nest.getHttpServer();
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    return address.port;
  }

  /** A request of the page's script. */
  fetch(target: string, sent: Sent = {}): Promise<Answer> {
    return this.send(target, { ...sent, headers: { ...FETCH, ...sent.headers } }, { sameSite: true, laxAllowed: true });
  }

  /** A top-level navigation: `none` (typed), `same-origin` (a link of the page) or `cross-site` (from another site). */
  navigate(target: string, site: 'none' | 'same-origin' | 'cross-site' = 'none', sent: Sent = {}): Promise<Answer> {
    const sameSite = site !== 'cross-site';
    const headers = { ...NAVIGATION, 'sec-fetch-site': site, ...sent.headers };
    return this.send(target, { ...sent, headers }, { sameSite, laxAllowed: (sent.method ?? 'GET') === 'GET' });
  }

  /** A form of the page. */
  submit(target: string, form: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: 'null' };
    return this.navigate(target, 'same-origin', { method: 'POST', headers, body: new URLSearchParams(form).toString() });
  }

  async send(target: string, sent: Sent, context = { sameSite: true, laxAllowed: true }): Promise<Answer> {
    const { urls } = this.parts;
    const url = new URL(target, urls.origin);
    const cookie = sent.cookie ?? this.cookieHeader(url, context);
    const response = await this.#nest.inject({
      method: (sent.method ?? 'GET') as 'GET',
      url: `/bff${url.pathname.slice(urls.base.length)}${url.search}`,
      headers: { 'x-request-id': 'request-1', ...(cookie === '' ? {} : { cookie }), ...sent.headers },
      ...(sent.body === undefined ? {} : { payload: sent.body }),
    });
    const setCookies = [response.headers['set-cookie'] ?? []].flat();
    this.jar.store(setCookies, url);
    return {
      status: response.statusCode,
      headers: response.headers,
      setCookies,
      body: response.body,
      json: () => JSON.parse(response.body) as Record<string, unknown>,
    };
  }

  cookieHeader(url: URL | string, context = { sameSite: true, laxAllowed: true }): string {
    const cookies = this.jar.matching(new URL(url, this.parts.urls.origin), context);
    return cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  }

  /** Starts a login and gives the URL that the provider would send the browser back to. */
  async begin(query = ''): Promise<{ callback: string; state: string }> {
    const answer = await this.navigate(`${this.parts.urls.base}/login${query}`, 'same-origin');
    const state = new URL(String(answer.headers['location'])).searchParams.get('state') ?? '';
    return { state, callback: `${this.parts.urls.base}/callback?code=c1&state=${state}&iss=${encodeURIComponent(ISSUER)}` };
  }

  /** A whole login, up to the page of the callback. */
  async login(query = ''): Promise<Answer> {
    return this.navigate((await this.begin(query)).callback, 'cross-site');
  }

  /** The session of the browser, as the server sees it. */
  async session(): Promise<Readonly<Record<string, unknown>>> {
    return (await this.fetch(`${this.parts.urls.base}/session`)).json();
  }

  get sessionCookie(): string | undefined {
    return this.jar.get(this.parts.sessionCookie.baseName)?.value;
  }
}

/** As the wiring page does it: no body is parsed before the guards. */
export function createNest(module: Type | DynamicModule): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({ skipMiddie: true });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest takes plain options and exports no class for them
  return NestFactory.create<NestFastifyApplication>(module, adapter, { logger: false, bodyParser: false, abortOnError: false });
}

function makeParts(o: AuthAppOptions) {
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const provider = new AuthProvider(clock);
  const [idle, handover, confirmAfter, budget] = [30 * 60_000, 60_000, 45_000, o.budget ?? 6144];
  const path = o.path ?? '';
  const urls = { origin: o.origin ?? ORIGIN, path, base: `${path}/bff` };
  const names = { name: 'cloakroom', devCookies: false };
  const keys = [{ id: 1, secret: new Secret(o.cookieSecret ?? 'c'.repeat(64)) }];
  const keyRing = new KeyRing({ keys, activeKey: 1, app: 'cloakroom', issuer: ISSUER, clientId: 'app' });
  const codec = new CookieCodec({ keyRing });
  const cookie = new SessionCookie({ ...names, budget, maxChunks: 4, hintPath: `${urls.base}/logout` });
  const store = new CookieSessionStore({ codec });
  const head = new MemorySessionHead({ clock, handover, confirmAfter, idle, memory: 1 << 20 });
  const revocations = new LocalRevocations({ clock });
  const shared = { cookie, store, head, heads: head, revocations, clock, logger };
  const tokenRevocation = new TokenRevocation({ provider, timer: clock, logger, wait: 5000 });
  const options = { ...OPTIONS, idle, cookieBudget: budget, ...o.options };
  const parts: AuthParts = {
    ...shared,
    urls,
    // As with one route `/api`.
    goesOnByItself: (path) => !isBelow(path, `${urls.path}/api`),
    clientAddress: (peer, forwardedFor) => forwardedFor?.split(',').at(-1)?.trim() ?? peer ?? 'unknown',
    identityProvider: provider,
    attempts: new LoginAttempts({
      codec,
      clock,
      ttl: 600_000,
      cookie: new AttemptCookie({ ...names, formPost: options.responseMode === 'form_post' }),
    }),
    sessionCookie: cookie,
    resolver: new SessionResolver({ ...shared, idle, confirmAfter }),
    refresher: new TokenRefresher({ ...shared, provider, policy: POLICY, providerTimeout: 5000, timer: clock }),
    delivery: new TicketDelivery({ ...shared, handover }),
    hints: new IdTokenHints({ codec, cookie: new HintCookie({ ...names, path: `${urls.base}/logout` }) }),
    sessionIdMac: new SessionIdMac({ keyRing }),
    logoutSeal: codec,
    tokenRevocation,
    accessRules: o.accessRules ?? [],
    options,
  };
  return { parts, clock, logger, provider, tokenRevocation };
}

const OPTIONS: Omit<AuthOptions, 'idle' | 'cookieBudget'> = {
  loginParams: ['prompt', 'login_hint', 'max_age', 'acr_values', 'ui_locales'],
  silentErrorParam: 'login_error',
  responseMode: 'query',
  requestedScope: ['openid', 'profile', 'offline_access'],
  absolute: 12 * 3_600_000,
  shownClaims: ['sub', 'name', 'email'],
  routeClaims: [],
  passwordLogin: { enabled: false, perMinute: 5 },
  logout: { revoke: 'before', endSession: true },
};

const POLICY = {
  early: 60_000,
  earlyWait: 300,
  providerLeeway: 0,
  wait: 10_000,
  cooldown: 2000,
  maxInFlight: 50,
  fatalErrors: ['invalid_grant'],
  breaker: { failures: 5, pause: 10_000 },
} as const;

/** Text that compression cannot shorten, the same every time. */
export function randomText(length: number): string {
  let text = '';
  for (let seed = 7; text.length < length; seed = (seed * 48_271) % 2_147_483_647) text += seed.toString(36);
  return text.slice(0, length);
}
