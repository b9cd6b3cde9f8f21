import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A port that cannot be had, in words for the operator. */
export class PortUnavailableError extends Error {
  readonly code: string;

  constructor(what: string, host: string, port: number, code: string) {
    super(`cannot listen on ${host}:${String(port)} (${what}): ${explain(code)}`);
    this.name = 'PortUnavailableError';
    this.code = code;
  }
}

/** Resolves with the bound address; port 0 takes any free one. `what` is the configuration section to name in the error. */
export async function listenOn(server: Server, address: { host: string; port: number }, what: string): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => {
      reject(new PortUnavailableError(what, address.host, address.port, error.code ?? error.name));
    };
    server.once('error', refused);
    server.listen(address.port, address.host, () => {
      server.off('error', refused);
      resolve();
    });
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has an address while it listens');
  return bound;
}

function explain(code: string): string {
  if (code === 'EADDRINUSE') return 'the port is taken; stop the other process or set another port';
  if (code === 'EACCES') return 'no permission for this port; use one above 1023';
  if (code === 'EADDRNOTAVAIL') return 'this machine has no such address';
  return code;
}
