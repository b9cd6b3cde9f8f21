import { createServer } from 'node:net';
import { parseArgs } from 'node:util';

/** One port of the demo, and how a user names it. */
export interface DemoPort {
  readonly what: string;
  readonly flag: string;
  readonly variable: string;
  readonly port: number;
}

export type PortName = 'app' | 'provider' | 'api' | 'management';
export type DemoPorts = Readonly<Record<PortName, DemoPort>>;

/** Something the user can put right: printed without a stack. */
export class DemoError extends Error {}

const PORTS: Readonly<Record<PortName, DemoPort>> = {
  app: { what: 'Cloakroom', flag: 'port', variable: 'DEMO_PORT', port: 3000 },
  provider: { what: 'the development provider', flag: 'provider-port', variable: 'DEMO_PROVIDER_PORT', port: 3001 },
  api: { what: 'the API', flag: 'api-port', variable: 'DEMO_API_PORT', port: 3002 },
  management: { what: 'Cloakroom’s management port', flag: 'management-port', variable: 'DEMO_MANAGEMENT_PORT', port: 3003 },
};

/** Flags win over the environment, and that over the usual ports. */
export function readPorts(words: readonly string[], env: NodeJS.ProcessEnv): DemoPorts {
  const flags = readFlags(words);
  const wanted = (port: DemoPort): DemoPort => ({ ...port, port: portNumber(port, flags[port.flag] ?? env[port.variable]) });
  const { app, provider, api, management } = PORTS;
  return { app: wanted(app), provider: wanted(provider), api: wanted(api), management: wanted(management) };
}

export function portTaken(port: DemoPort): DemoError {
  const other = port.port + 100;
  return new DemoError(
    `Port ${port.port} is taken, and ${port.what} needs it.\n` +
      `Stop what listens there, or choose another one: ${port.variable}=${other} npm run demo   or   npm run demo -- --${port.flag} ${other}`,
  );
}

/** Throws when somebody listens on the port, on either loopback address: `localhost` may mean both. */
export async function checkFree(port: DemoPort): Promise<void> {
  const taken = await Promise.all(['127.0.0.1', '::1'].map((host) => isTaken(host, port.port)));
  if (taken.includes(true)) throw portTaken(port);
}

function readFlags(words: readonly string[]): Readonly<Record<string, string | undefined>> {
  const names = Object.values(PORTS).map(({ flag }) => flag);
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
    return parseArgs({ args: [...words], options }).values;
  } catch {
    throw new DemoError(`Usage: npm run demo -- ${names.map((name) => `[--${name} N]`).join(' ')}`);
  }
}

function portNumber(port: DemoPort, text: string | undefined): number {
  if (text === undefined || text === '') return port.port;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535)
    throw new DemoError(`--${port.flag} (${port.variable}) must be a port number.`);
  return value;
}

function isTaken(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE' || error.code === 'EACCES'));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(false)));
  });
}
