import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer, type ClientOptions } from 'ws';

/** A client with an open connection. */
export async function openClient(url: string, options: ClientOptions = {}, protocols: string[] = []): Promise<WebSocket> {
  const client = new WebSocket(url, protocols, { maxPayload: 64 * 1024 * 1024, ...options });
  client.on('error', () => undefined); // told by 'close'
  await once(client, 'open');
  return client;
}

/** Code and reason as this side sees the connection's end. */
export async function closeOf(client: WebSocket): Promise<readonly [number, string]> {
  const [code, reason] = (await once(client, 'close')) as [number, Buffer];
  return [code, String(reason)];
}

/** An upstream that says back what it hears; `close me` makes it close with 4000. */
export class WsUpstream {
  readonly handshakes: IncomingMessage[] = [];
  readonly sockets: WebSocket[] = [];
  readonly #closes: Promise<readonly [number, string]>[] = [];
  readonly #server: WebSocketServer;
  #waiting: (() => void)[] = [];

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket, request) => {
      socket.on('error', () => undefined); // told by 'close'
      this.handshakes.push(request);
      this.sockets.push(socket);
      this.#closes.push(closeOf(socket));
      socket.on('message', (message: Buffer, isBinary) => {
        if (!isBinary && message.toString() === 'close me') socket.close(4000, 'as you wish');
        else socket.send(message, { binary: isBinary });
      });
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const wake of waiting) wake();
    });
  }

  static async start(): Promise<WsUpstream> {
    const server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      perMessageDeflate: { threshold: 0 },
      maxPayload: 64 * 1024 * 1024,
      handleProtocols: (offered) => [...offered].at(-1) ?? false,
    });
    await once(server, 'listening');
    return new WsUpstream(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The connection number `at`, waited for. */
  async socket(at = 0): Promise<WebSocket> {
    for (;;) {
      const socket = this.sockets[at];
      if (socket !== undefined) return socket;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** How the connection number `at` was closed. */
  async closed(at = 0): Promise<readonly [number, string] | undefined> {
    await this.socket(at);
    return this.#closes[at];
  }

  async close(): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}
