import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** An egress proxy on loopback that lets through tunnels (RFC 9110 §9.3.6) and nothing else, and counts them. */
export class EgressProxy {
  /** `host:port` of each CONNECT, refused ones too. */
  readonly tunnels: string[] = [];
  /** Requests that wanted no tunnel. */
  readonly plain: string[] = [];
  /** The status of every answer that is not 200; `undefined`: tunnels are made. */
  refusal: number | undefined;
  readonly #server = createServer((request, response) => {
    this.plain.push(request.url ?? '');
    response.writeHead(405).end();
  });
  readonly #sockets = new Set<Socket | Duplex>();
  #port = 0;

  private constructor() {
    this.#server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => this.#tunnel(request.url ?? '', client, head));
  }

  static async start(): Promise<EgressProxy> {
    const proxy = new EgressProxy();
    await proxy.up();
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  /** On the same port as before. */
  async up(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Refuses connections and ends the open ones. */
  async down(): Promise<void> {
    if (!this.#server.listening) return;
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #tunnel(target: string, client: Duplex, head: Buffer): void {
    this.tunnels.push(target);
    if (this.refusal !== undefined) {
      client.end(`HTTP/1.1 ${String(this.refusal)} Refused\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const [host = '', port = ''] = target.split(':');
    const upstream = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(one);
      one
        .on('error', () => other.destroy())
        .on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
    }
  }
}
