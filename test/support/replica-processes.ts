import { stringify } from 'yaml';
import { startEchoApi, type EchoApi } from '../../demo/api/echo-api.ts';
import { startDevProvider, type DevProvider } from '../../demo/provider/dev-provider.ts';
import type { DevProviderOptions } from '../../demo/provider/options.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { exchange } from './exchange.ts';
import { freePort } from './free-port.ts';
import type { CallOptions } from './house.ts';
import { SessionMint, type MintedSession } from './minted-sessions.ts';
import { ServeProcess, type LogRecord } from './serve-process.ts';

const KEY = 'dGVzdC1rZXktd2l0aC1tYW55LWJ5dGVzLTAxMjM0NTY3ODkrYWJjZGVmZ2hpams';
const OURS = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', accept: '*/*' };

export interface ReplicasOptions {
  readonly count: number;
  /** Where each replica finds Redis, by its number. */
  readonly redisUrl: (n: number) => string;
  readonly provider?: Partial<DevProviderOptions>;
  /** Sections laid over the configuration, key by key. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** One application served by several processes, each on a port of its own, with one provider and one API in this process. */
export class Replicas {
  readonly provider: DevProvider;
  readonly api: EchoApi;
  readonly #origin: string;
  readonly #ports: readonly number[];
  readonly #processes: readonly ServeProcess[];
  readonly #mint: SessionMint;

  private constructor(
    parts: { readonly provider: DevProvider; readonly api: EchoApi },
    origin: string,
    ports: readonly number[],
    processes: readonly ServeProcess[],
    config: Config,
  ) {
    this.provider = parts.provider;
    this.api = parts.api;
    this.#origin = origin;
    this.#ports = ports;
    this.#processes = processes;
    this.#mint = new SessionMint({ config, provider: parts.provider, clock: { now: () => Date.now() } });
  }

  /** Resolves when all of them serve. */
  static async open({ count, redisUrl, provider: wishes, config = {} }: ReplicasOptions): Promise<Replicas> {
    const ports = await Promise.all(Array.from({ length: count }, () => freePort()));
    const origin = `http://localhost:${String(ports[0])}`;
    const api = await startEchoApi();
    const provider = await startDevProvider({ redirectUris: [`${origin}/bff/callback`], accessTokenTtl: 300, ...wishes });
    const configOf = (n: number): Record<string, unknown> =>
      overlaid(configuration(origin, { provider, api, count, port: ports[n] ?? 0, redisUrl: redisUrl(n) }), config);
    const processes: ServeProcess[] = [];
    try {
      const parsed = parse(configOf(0));
      processes.push(...(await Promise.all(ports.map((_, n) => ServeProcess.start(configOf(n))))));
      await Promise.all(processes.map((process) => process.line('listening')));
      return new Replicas({ provider, api }, origin, ports, processes, parsed);
    } catch (error) {
      // Otherwise what listens already would keep the test run from ending.
      await Promise.all([...processes.map((process) => process.discard()), provider.close(), api.close()]);
      throw error;
    }
  }

  /** A session whose access token has just ended. */
  expired(sub = 'alice'): Promise<MintedSession> {
    return this.#mint.mint(sub, -1000);
  }

  /** A session whose access token is good for so many milliseconds. */
  lasting(ms: number, sub = 'alice'): Promise<MintedSession> {
    return this.#mint.mint(sub, ms);
  }

  /** A page's same-origin fetch that the load balancer gives to this replica. */
  call(n: number, path: string, { cookie, method = 'GET', headers = {}, body, signal }: CallOptions = {}): Promise<Response> {
    const url = new URL(path, `http://127.0.0.1:${String(this.#ports[n])}`);
    const all = { ...OURS, host: new URL(this.#origin).host, ...(cookie !== undefined && { cookie }), ...headers };
    return exchange({ method, url, headers: all, body, signal });
  }

  /** As `kill -9` does it: nothing of the process runs after this. */
  async kill(n: number): Promise<void> {
    this.#processes[n]?.signal('SIGKILL');
    await this.#processes[n]?.exited;
  }

  /** The first log line of an event, waited for. */
  async line(n: number, event: string): Promise<LogRecord | undefined> {
    return this.#processes[n]?.line(event);
  }

  /** Statuses of the refresh grants that the provider has answered. */
  grants(): readonly number[] {
    return this.provider.stats.tokenRequests.filter(({ grantType }) => grantType === 'refresh_token').map(({ status }) => status);
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.discard()));
    await Promise.all([this.provider.close(), this.api.close()]);
  }
}

function overlaid(base: Readonly<Record<string, unknown>>, sections: NonNullable<ReplicasOptions['config']>): Record<string, unknown> {
  const merged = Object.entries(sections).map(([name, section]) => [name, { ...(base[name] as object | undefined), ...section }]);
  return { ...base, ...(Object.fromEntries(merged) as object) };
}

function parse(config: object): Config {
  const loaded = loadConfig({ file: 'replicas.yaml', env: {}, readFile: () => stringify(config) });
  if (loaded.kind === 'ok') return loaded.config;
  throw new Error(loaded.problems.map(({ path, message }) => `${path}: ${message}`).join('\n'));
}

interface Neighbours {
  readonly provider: DevProvider;
  readonly api: EchoApi;
  readonly count: number;
  readonly port: number;
  readonly redisUrl: string;
}

function configuration(origin: string, { provider, api, count, port, redisUrl }: Neighbours): Record<string, unknown> {
  return {
    publicUrl: origin,
    replicas: count,
    listen: { host: '127.0.0.1', port },
    management: { host: '127.0.0.1', port: 0 },
    shutdown: { delay: '0s', grace: '2s' },
    provider: { issuer: provider.issuer, clientId: provider.clientId, clientSecret: provider.clientSecret },
    cookie: { keys: [{ id: 1, secret: KEY }] },
    redis: { url: redisUrl },
    routes: [{ path: '/api', upstream: api.origin, stripPrefix: true }],
  };
}
