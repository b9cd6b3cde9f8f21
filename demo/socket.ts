import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';

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

/** Who takes connections over from HTTP. */
export interface Upgrades {
  /** Other requests with an `Upgrade` header are answered like any request. */
  takes(req: IncomingMessage): boolean;
  upgrade(req: IncomingMessage, stream: Duplex, head: Buffer): void;
}

export interface SocketOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly listener: RequestListener;
  readonly upgrades?: Upgrades;
  /** PEM; with it the server speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** An HTTP server on loopback that can go away and come back on the same port. */
export class Socket {
  readonly server: Server;
  readonly host: string;
  #port: number;
  readonly #upgraded = new Set<Duplex>();

  constructor({ host, port, listener, upgrades, tls }: SocketOptions) {
    const shouldUpgradeCallback = (req: IncomingMessage): boolean => upgrades?.takes(req) === true;
    const settings = { keepAliveTimeout: 60_000, requestTimeout: 0, shouldUpgradeCallback };
    this.server = tls === undefined ? createServer(settings, listener) : createTlsServer({ ...settings, ...tls }, listener);
    this.server.on('upgrade', (req: IncomingMessage, stream: Duplex, head: Buffer) => {
      this.#upgraded.add(stream);
      stream.once('close', () => this.#upgraded.delete(stream));
      upgrades?.upgrade(req, stream, head);
    });
    this.host = host;
    this.#port = port;
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

  /** Ends every connection at once, answered or not, upgraded or not. */
  async close(): Promise<void> {
    if (!this.server.listening) return;
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
      for (const stream of this.#upgraded) stream.destroy(); // HTTP no longer counts them among its own
    });
  }
}
