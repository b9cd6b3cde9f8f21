import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider as OidcProvider } from 'oidc-provider';
import { Socket } from '../socket.ts';
import { providerConfiguration, type Behaviour } from './configuration.ts';
import type { Endpoint } from './endpoints.ts';
import { FaultPlan, type Fault, type FaultMoment } from './faults.ts';
import { Gate } from './gate.ts';
import { SignIn } from './interaction.ts';
import { Provider } from './library.ts';
import { MemoryStore } from './memory-store.ts';
import { mintRefreshToken } from './minted-token.ts';
import { registerPasswordGrant } from './password-grant.ts';
import { resolveOptions, type DevProviderOptions, type ResolvedOptions } from './options.ts';
import { RateLimit } from './rate-limit.ts';
import { makeSigningKeys, type SigningKeys } from './signing-keys.ts';
import { ProviderStats } from './stats.ts';
import { registerTokenExchange } from './token-exchange.ts';
import { Traffic } from './traffic.ts';

/** What can be changed while the provider runs. */
export interface ProviderControl extends Behaviour {
  /** The next `times` requests to an endpoint (every one by default, until `recover`) meet this fault. */
  fail(endpoint: Endpoint, fault: Fault, times?: number): void;
  /** Holds every request to an endpoint until the gate is opened; `recover` lets later ones pass again. */
  hold(endpoint: Endpoint, when?: FaultMoment): Gate;
  /** From now on an endpoint takes so many requests a second, and answers the rest with 429 and these headers; until `recover`. */
  limit(endpoint: Endpoint, perSecond: number, headers?: Record<string, string>): void;
  recover(endpoint?: Endpoint): void;
  /** Refuses connections and ends the open ones, as a provider that is gone. */
  down(): Promise<void>;
  /** Comes back on the same port, with everything it knew. */
  up(): Promise<void>;
  /** Ends all grants of a user: the next refresh gets `invalid_grant`. Returns how many there were. */
  revokeGrants(userId: string): number;
  /** A refresh token of this user, as a login would have given it. */
  mintRefreshToken(userId: string): Promise<string>;
  /** How many refresh tokens of a user would still be accepted. */
  liveRefreshTokens(userId: string): number;
}

export interface DevProvider {
  readonly issuer: string;
  readonly origin: string;
  readonly port: number;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Private keys, for tests that sign ID tokens of their own. */
  readonly signingKeys: SigningKeys;
  readonly stats: ProviderStats;
  readonly control: ProviderControl;
  close(): Promise<void>;
}

/** Starts an OpenID provider for development and tests on loopback. Everything it knows lives and dies with it. */
export async function startDevProvider(options: DevProviderOptions): Promise<DevProvider> {
  const resolved = resolveOptions(options);
  const signingKeys = options.signingKeys ?? (await makeSigningKeys());
  const { tls } = options;
  const socket = new Socket({ host: resolved.host, port: resolved.port, listener: (req, res) => listener(req, res), tls });
  await socket.open();
  const origin = `${tls === undefined ? 'http' : 'https'}://${resolved.host}:${socket.port}`;
  const { stats, control, listener } = assemble(origin + resolved.issuerPath, resolved, signingKeys, socket);
  return {
    issuer: origin + resolved.issuerPath,
    origin,
    port: socket.port,
    clientId: resolved.clientId,
    clientSecret: resolved.clientSecret,
    signingKeys,
    stats,
    control,
    close: () => socket.close(),
  };
}

type Listener = (req: IncomingMessage, res: ServerResponse) => void;

function assemble(issuer: string, options: ResolvedOptions, keys: SigningKeys, socket: Socket) {
  const stats = new ProviderStats();
  const faults = new FaultPlan();
  const { rotation, leeway, accessTokenTtl } = options;
  const behaviour: Behaviour = { rotation, leeway, accessTokenTtl };
  const store = new MemoryStore(() => behaviour.leeway);
  const provider = new Provider(issuer, providerConfiguration({ options, keys, store, behaviour }));
  registerPasswordGrant(provider, options);
  registerTokenExchange(provider, behaviour);
  const traffic = new Traffic({ stats, faults, clientAuthMethod: options.clientAuthMethod });
  provider.use((ctx, next) => traffic.handle(ctx, next));
  provider.on('server_error', (_ctx, error) => stats.serverErrors.push(`${error.name}: ${error.message}`));
  const control = Object.assign(makeControl(behaviour, faults, store, socket), {
    mintRefreshToken: (userId: string) => mintRefreshToken(provider, options, userId),
  });
  return { stats, control, listener: mounted(provider, options) };
}

/** Cuts the issuer's path off the URL, and takes the interaction pages before oidc-provider sees them. */
function mounted(provider: OidcProvider, options: ResolvedOptions): Listener {
  const signIn = new SignIn(provider, options);
  const callback = provider.callback();
  return (req, res) => {
    const url = req.url ?? '/';
    if (!url.startsWith(`${options.issuerPath}/`)) {
      res.writeHead(404, { 'content-type': 'text/plain' }).end('The issuer lives below another path.\n');
      return;
    }
    const path = url.slice(options.issuerPath.length);
    const handled = path.startsWith('/interaction/') ? signIn.handle(req, res) : callback(mount(req, url, path), res);
    handled.catch((error: unknown) => res.destroy(error instanceof Error ? error : undefined));
  };
}

/** oidc-provider reads its mount path from `originalUrl`, as Connect-style frameworks leave it. */
function mount(req: IncomingMessage, originalUrl: string, url: string): IncomingMessage {
  return Object.assign(req, { originalUrl, url });
}

function makeControl(
  behaviour: Behaviour,
  faults: FaultPlan,
  store: MemoryStore,
  socket: Socket,
): Omit<ProviderControl, 'mintRefreshToken'> {
  return Object.assign(behaviour, {
    fail: (endpoint: Endpoint, fault: Fault, times = Infinity) => faults.add(endpoint, fault, times),
    hold: (endpoint: Endpoint, when: FaultMoment = 'before') => {
      const gate = new Gate();
      faults.add(endpoint, { kind: 'gate', gate, when }, Infinity);
      return gate;
    },
    limit: (endpoint: Endpoint, perSecond: number, headers: Record<string, string> = {}) =>
      faults.add(endpoint, { kind: 'limit', limit: new RateLimit(perSecond), headers }, Infinity),
    recover: (endpoint?: Endpoint) => faults.clear(endpoint),
    down: () => socket.close(),
    up: () => socket.open(),
    revokeGrants: (userId: string) => {
      const grants = store.grantsOf(userId);
      for (const grantId of grants) store.revokeGrant(grantId);
      return grants.length;
    },
    liveRefreshTokens: (userId: string) => store.liveRefreshTokens(userId).length,
  });
}
