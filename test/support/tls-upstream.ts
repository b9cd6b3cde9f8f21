import { once } from 'node:events';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';

/** One request over TLS, and the connection it came on. */
export interface TlsVisit {
  readonly host: string | undefined;
  /** What the client named in its handshake; `false`: nothing. */
  readonly serverName: string | false | null | undefined;
  /** Common name of the client's certificate. */
  readonly client: string | undefined;
  readonly protocol: string | null;
}

/** An https upstream that says `ok`, on a connection of its own for each request unless told otherwise. */
export class TlsUpstream {
  readonly visits: TlsVisit[] = [];
  readonly #server: Server;

  private constructor(options: ServerOptions) {
    this.#server = createServer(options, (request, response) => {
      const { socket } = request;
      if (!(socket instanceof TLSSocket)) throw new Error('TLS');
      const name = socket.getPeerCertificate().subject as { readonly CN?: string } | undefined;
      this.visits.push({ host: request.headers.host, serverName: socket.servername, client: name?.CN, protocol: socket.getProtocol() });
      response.setHeader('connection', 'close').end('ok');
    });
    this.#server.on('tlsClientError', () => undefined); // refused handshakes are what tests are about
  }

  static async start(options: ServerOptions): Promise<TlsUpstream> {
    const upstream = new TlsUpstream(options);
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  origin(host = '127.0.0.1'): string {
    return `https://${host}:${String(this.port)}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
