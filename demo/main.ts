import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startEchoApi, type EchoApi } from './api/echo-api.ts';
import { DemoError, checkFree, portTaken, readPorts, type DemoPort, type DemoPorts } from './ports.ts';
import { startDevProvider, type DevProvider } from './provider/dev-provider.ts';
import { ProxyProcess } from './proxy-process.ts';
import { PortTakenError } from './socket.ts';

const ACCESS_TOKEN_TTL_S = 30;
const PARENT_CHECK_MS = 1000;

/** Starts provider, API and Cloakroom; comes back with the exit code when all of them have stopped. */
async function runDemo(ports: DemoPorts): Promise<number> {
  requireBuild();
  const publicUrl = `http://localhost:${ports.app.port}`;
  const clientSecret = randomBytes(32).toString('base64url');
  const provider = await onPort(ports.provider, (port) => startProvider(port, publicUrl, clientSecret));
  const api = await onPort(ports.api, (port) => startEchoApi({ port, stats: () => demoStats(provider) }));
  await checkFree(ports.app);
  await checkFree(ports.management);
  const proxy = new ProxyProcess(settings(ports, publicUrl, provider, api), (line) => process.stderr.write(`${line}\n`));
  void proxy.listening.then(() => announce(publicUrl, provider, api));
  const ended = await Promise.race([toldToStop(), proxy.exited]);
  if (ended !== 'told') console.error(`Cloakroom ended by itself (exit ${ended}), and so does the demo.`);
  await Promise.all([proxy.stop(), provider.close(), api.close()]);
  return ended === 'told' ? 0 : ended;
}

function startProvider(port: number, publicUrl: string, clientSecret: string): Promise<DevProvider> {
  return startDevProvider({
    port,
    clientId: 'cloakroom-demo',
    clientSecret,
    accessTokenTtl: ACCESS_TOKEN_TTL_S,
    redirectUris: [`${publicUrl}/bff/callback`],
    postLogoutRedirectUris: [`${publicUrl}/bff/logged-out`],
  });
}

/** What the page asks about the provider: every refresh request counts, granted or not. */
function demoStats({ stats }: DevProvider): { refreshes: number; logins: number } {
  const count = (grantType: string): number => stats.tokenRequests.filter((request) => request.grantType === grantType).length;
  return { refreshes: count('refresh_token'), logins: count('authorization_code') };
}

/** Ports and secrets; the rest is in cloakroom.yaml. Nothing secret is ever written to a file. */
function settings(ports: DemoPorts, publicUrl: string, provider: DevProvider, api: EchoApi): Record<string, string> {
  return {
    CLOAKROOM_PUBLIC_URL: publicUrl,
    CLOAKROOM_LISTEN_PORT: String(ports.app.port),
    CLOAKROOM_MANAGEMENT_PORT: String(ports.management.port),
    CLOAKROOM_PROVIDER_ISSUER: provider.issuer,
    CLOAKROOM_PROVIDER_CLIENT_SECRET: provider.clientSecret,
    CLOAKROOM_COOKIE_KEYS_0_SECRET: randomBytes(48).toString('base64url'),
    CLOAKROOM_ROUTES_0_UPSTREAM: api.origin,
    CLOAKROOM_ROUTES_1_UPSTREAM: api.origin,
  };
}

function announce(publicUrl: string, provider: DevProvider, api: EchoApi): void {
  console.log(`
  Cloakroom demo: ${publicUrl}

  Sign in as alice, then let 50 calls meet an expired token. The other users are situations: a refused consent, huge tokens, no refresh token.
  Provider: ${provider.issuer} (access tokens last ${ACCESS_TOKEN_TTL_S} s) · API: ${api.origin} · Ctrl-C stops everything.
`);
}

async function onPort<T>(port: DemoPort, start: (port: number) => Promise<T>): Promise<T> {
  try {
    return await start(port.port);
  } catch (error) {
    throw error instanceof PortTakenError ? portTaken(port) : error;
  }
}

function requireBuild(): void {
  if (existsSync(fileURLToPath(new URL('../dist/cli.js', import.meta.url)))) return;
  throw new DemoError('Cloakroom is not built yet. Run: npm run build');
}

/** A signal, or the end of the npm that started us: its shell does not pass signals on. */
function toldToStop(): Promise<'told'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve('told'));
    if (process.env['npm_lifecycle_event'] === undefined) return;
    const parent = process.ppid;
    setInterval(() => process.ppid !== parent && resolve('told'), PARENT_CHECK_MS).unref();
  });
}

try {
  process.exit(await runDemo(readPorts(process.argv.slice(2), process.env)));
} catch (error) {
  if (!(error instanceof DemoError)) throw error;
  console.error(error.message);
  process.exit(1);
}
