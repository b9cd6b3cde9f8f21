import { createServer, type RequestListener, type Server } from 'node:http';

/** Why a port could not be had: `EADDRINUSE` when somebody else listens on it. */
export class PortTakenError extends Error {
  readonly host: string;
  readonly port: number;

  constructor(host: string, port: number, code: string) {
    super(`cannot listen on ${host}:${port} (${code})`);
    this.name = 'PortTakenError';
    this.host = host;
    this.port = port;
  }
}

/** An HTTP server on loopback that can go away and come back on the same port. */
export class Socket {
  readonly server: Server;
  readonly host: string;
  #port: number;

  constructor(options: { host: string; port: number; listener: RequestListener }) {
    this.server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, options.listener);
    this.host = options.host;
    this.#port = options.port;
  }

  /** The bound port; before the first `open` the wanted one, where 0 means any. */
  get port(): number {
    return this.#port;
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const refused = (error: NodeJS.ErrnoException): void => reject(new PortTakenError(this.host, this.#port, error.code ?? error.name));
      this.server.once('error', refused);
      this.server.listen(this.#port, this.host, () => {
        this.server.off('error', refused);
        resolve();
      });
    });
    const address = this.server.address();
    if (address !== null && typeof address !== 'string') this.#port = address.port;
  }

  /** Ends every connection at once, answered or not. */
  async close(): Promise<void> {
    if (!this.server.listening) return;
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }
}
