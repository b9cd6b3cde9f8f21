import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDevProvider, type DevProvider } from '../demo/provider/dev-provider.ts';
import { UserAgent } from '../test/support/user-agent.ts';
import { startCloakroom, type Running } from './processes.ts';

export interface HouseOptions {
  /** Folder of a built checkout; by default this one. */
  readonly checkout?: string | undefined;
  readonly upstreamOrigin: string;
  /** Variables besides the usual ones. */
  readonly env?: Readonly<Record<string, string>>;
  readonly probed?: boolean;
}

/** A Cloakroom in a process of its own, with a provider of its own and somebody who is logged in. */
export interface House {
  readonly running: Running;
  readonly origin: string;
  /** The `Cookie` header of a signed-in request to a route. */
  readonly cookie: string;
  stop(): Promise<void>;
}

export async function openHouse({ checkout, upstreamOrigin, env = {}, probed = false }: HouseOptions): Promise<House> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const cli = resolve(checkout ?? fileURLToPath(new URL('..', import.meta.url)), 'dist/cli.js');
  const provider = await startDevProvider({ redirectUris: [`${origin}/bff/callback`], accessTokenTtl: 24 * 3600, accessTokenBytes: 900 });
  try {
    const running = await startCloakroom({ cli, port, probed, env: { ...environment(origin, port, provider, upstreamOrigin), ...env } });
    const stop = async (): Promise<void> => {
      await running.stop();
      await provider.close();
    };
    return { running, origin, cookie: await sessionCookie(origin), stop };
  } catch (error) {
    await provider.close();
    throw error;
  }
}

function environment(origin: string, port: number, provider: DevProvider, upstreamOrigin: string): Record<string, string> {
  return {
    CLOAKROOM_PUBLIC_URL: origin,
    CLOAKROOM_LISTEN_HOST: '127.0.0.1',
    CLOAKROOM_LISTEN_PORT: String(port),
    CLOAKROOM_MANAGEMENT_HOST: '127.0.0.1',
    CLOAKROOM_MANAGEMENT_PORT: '0',
    CLOAKROOM_PROVIDER_ISSUER: provider.issuer,
    CLOAKROOM_PROVIDER_CLIENT_ID: provider.clientId,
    CLOAKROOM_PROVIDER_CLIENT_SECRET: provider.clientSecret,
    CLOAKROOM_PROVIDER_SCOPE: 'openid,profile,email,offline_access',
    CLOAKROOM_PROVIDER_AUTHORIZE_PARAMS: '{"prompt":"consent"}',
    CLOAKROOM_COOKIE_KEYS_0_ID: '1',
    CLOAKROOM_COOKIE_KEYS_0_SECRET: randomBytes(48).toString('base64url'),
    CLOAKROOM_ROUTES_0_PATH: '/api',
    CLOAKROOM_ROUTES_0_UPSTREAM: upstreamOrigin,
  };
}

async function sessionCookie(origin: string): Promise<string> {
  const agent = new UserAgent({ origin });
  await agent.login('alice');
  return agent
    .cookies('/api')
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as AddressInfo;
      probe.close(() => resolve(free));
    });
  });
}
