import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { startEchoApi, type EchoApi } from '../../demo/api/echo-api.ts';
import { startDevProvider, type DevProvider } from '../../demo/provider/dev-provider.ts';
import type { DevProviderOptions } from '../../demo/provider/options.ts';
import { createApp, type App } from '../../src/app.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { Logger } from '../../src/kernel/logger.ts';
import { exchange } from './exchange.ts';
import { freePort } from './free-port.ts';
import { RecordingLogger } from './recording-logger.ts';
import { startIngress } from './ingress.ts';
import { UserAgent, type UserAgentOptions } from './user-agent.ts';

/** Real time plus what a test has skipped: the provider lives in real time, the house may be ahead of it. */
export class SkippingClock {
  #skipped = 0;

  now(): number {
    return Date.now() + this.#skipped;
  }

  skip(ms: number): void {
    this.#skipped += ms;
  }
}

export interface HouseOptions {
  readonly provider?: Partial<DevProviderOptions>;
  /** Laid over the configuration, section by section. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Instead of `/api` and `/pages`, both to the API (below `/pages` a login comes back by itself); `upstream` is the API's origin. */
  readonly routes?: (upstream: string) => readonly Readonly<Record<string, unknown>>[];
  /** The provider is not there yet. */
  readonly providerDown?: boolean;
  /** Where Cloakroom logs, instead of `house.log`. */
  readonly logger?: Logger;
  /** publicUrl's path, such as `/app`. */
  readonly publicPath?: string;
  /** An ingress in front that takes publicUrl's path off. */
  readonly ingressStripsPath?: boolean;
}

export interface CallOptions {
  /** The whole Cookie header: what the answer sets is not kept. */
  readonly cookie?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

/** A real provider, a real API and a Cloakroom between them, over real sockets on loopback. */
export interface House {
  readonly origin: string;
  /** Where Cloakroom listens. */
  readonly port: number;
  readonly managementUrl: string;
  readonly provider: DevProvider;
  readonly api: EchoApi;
  /** The Cloakroom of now: `reopen` makes another one. */
  readonly app: App;
  readonly clock: SkippingClock;
  readonly log: RecordingLogger;
  readonly config: Config;
  /** A browser of its own. */
  newAgent(options?: Partial<UserAgentOptions>): UserAgent;
  /** A page's same-origin fetch with exactly these cookies, outside of any browser. */
  call(path: string, options?: CallOptions): Promise<Response>;
  /** The Cookie header that this browser's pages send. */
  cookiesOf(agent: UserAgent): string;
  /** Stops Cloakroom and starts another one at the same place, with this laid over the house's configuration. */
  reopen(config: Readonly<Record<string, unknown>>): Promise<void>;
  /** Moves the house's clock past the access token's end. */
  expireAccessToken(): void;
  close(): Promise<void>;
}

const ACCESS_TOKEN_TTL_S = 300;
const KEY = 'dGVzdC1rZXktd2l0aC1tYW55LWJ5dGVzLTAxMjM0NTY3ODkrYWJjZGVmZ2hpams';

export async function openHouse(options: HouseOptions = {}): Promise<House> {
  const { publicPath = '', ingressStripsPath = false } = options;
  const port = await freePort(); // publicUrl must be known before the app listens
  const ingress = ingressStripsPath ? await startIngress({ port, strip: publicPath }) : undefined;
  const origin = `http://localhost:${ingress?.port ?? port}`;
  const api = await startEchoApi();
  const provider = await startDevProvider({
    redirectUris: [`${origin}${publicPath}/bff/callback`],
    postLogoutRedirectUris: [`${origin}${publicPath}/bff/logged-out`],
    accessTokenTtl: ACCESS_TOKEN_TTL_S,
    ...options.provider,
  });
  if (options.providerDown === true) await provider.control.down();
  const clock = new SkippingClock();
  const log = new RecordingLogger();
  const logger = options.logger ?? log;
  const begin = async (): Promise<{ config: Config; app: App; managementUrl: string }> => {
    const config = configOf(origin, port, provider, api, options);
    const app = await createApp(config, { clock, logger });
    return { config, app, ...(await app.listen()) };
  };
  const begun = await begin().catch(async (error: unknown) => {
    // Otherwise what listens already would keep the test run from ending.
    await Promise.all([ingress?.close(), provider.close(), api.close()]);
    throw error;
  });
  const { config, managementUrl } = begun;
  let { app } = begun;
  return {
    origin,
    port,
    managementUrl,
    provider,
    api,
    get app() {
      return app;
    },
    clock,
    log,
    config,
    newAgent: (more = {}) => new UserAgent({ origin, clock, loginPath: `${publicPath}/bff/login`, ...more }),
    call: (path, more = {}) => {
      const { cookie, method = 'GET', headers = {}, body, signal } = more;
      const ours = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', accept: '*/*' };
      const all = { ...ours, ...(cookie === undefined ? {} : { cookie }), ...headers };
      return exchange({ method, url: new URL(path, origin), headers: all, body, signal });
    },
    cookiesOf: (agent) =>
      agent
        .cookies(`${origin}/`)
        .map(({ name, value }) => `${name}=${value}`)
        .join('; '),
    async reopen(more) {
      await app.stop();
      const merged = { ...options, config: overlay(options.config ?? {}, more) };
      app = await createApp(configOf(origin, port, provider, api, merged), { clock, logger });
      await app.listen();
    },
    expireAccessToken: () => clock.skip((options.provider?.accessTokenTtl ?? ACCESS_TOKEN_TTL_S) * 1000 + 1000),
    async close() {
      await ingress?.close();
      await app.stop();
      await provider.close();
      await api.close();
    },
  };
}

function configOf(origin: string, port: number, provider: DevProvider, api: EchoApi, options: HouseOptions): Config {
  const base: Record<string, unknown> = {
    publicUrl: origin + (options.publicPath ?? ''),
    ingressStripsPath: options.ingressStripsPath ?? false,
    listen: { host: '127.0.0.1', port },
    management: { host: '127.0.0.1', port: 0 },
    shutdown: { delay: '0s', grace: '2s' },
    provider: {
      issuer: provider.issuer,
      clientId: provider.clientId,
      clientSecret: provider.clientSecret,
      scope: ['openid', 'profile', 'email', 'offline_access'],
      authorizeParams: { prompt: 'consent' },
    },
    cookie: { keys: [{ id: 1, secret: KEY }] },
    routes: options.routes?.(api.origin) ?? [
      { path: '/api', upstream: api.origin, stripPrefix: true },
      { path: '/pages', upstream: api.origin, stripPrefix: true, navigation: 'allow' },
    ],
  };
  const yaml = stringify(overlay(base, options.config ?? {}));
  const readFile = (name: string): string => (name === 'house.yaml' ? yaml : readFileSync(name, 'utf8'));
  const loaded = loadConfig({ file: 'house.yaml', env: {}, readFile });
  if (loaded.kind === 'ok') return loaded.config;
  throw new Error(loaded.problems.map(({ path, message }) => `${path}: ${message}`).join('\n'));
}

function overlay(base: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(more)) {
    const below = merged[name];
    merged[name] = isSection(below) && isSection(value) ? overlay(below, value) : value;
  }
  return merged;
}

const isSection = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
