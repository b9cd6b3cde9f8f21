import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** One answer on its way to the browser. */
export interface PassedAnswer {
  readonly url: string;
  readonly status: number;
  /** Name, value, name, value, … as on the wire. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

/** A proxy between the browser and everything else: it keeps what passes, and may take cookies off answers. */
export class Middlebox {
  readonly passed: PassedAnswer[] = [];
  /** Set-Cookie lines that begin so are taken off. */
  readonly #drop: string | undefined;
  readonly #server = createServer((incoming, outgoing) => void this.#pass(incoming, outgoing));

  constructor(options: { readonly dropCookie?: string } = {}) {
    this.#drop = options.dropCookie;
  }

  /** What a browser context needs to come through here, loopback included. */
  async open(): Promise<{ server: string; bypass: string }> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return { server: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`, bypass: '<-loopback>' };
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      const url = new URL(incoming.url ?? '');
      const answer = await onward(url, incoming);
      const body = await buffer(answer);
      const rawHeaders = this.#withoutDropped(answer.rawHeaders);
      const status = answer.statusCode ?? 502;
      this.passed.push({ url: url.href, status, rawHeaders, body });
      outgoing.writeHead(status, rawHeaders).end(body);
    } catch {
      outgoing.destroy(); // the browser left, or nobody listens there
    }
  }

  #withoutDropped(raw: readonly string[]): string[] {
    const keep = (at: number): boolean =>
      this.#drop === undefined || raw[at]?.toLowerCase() !== 'set-cookie' || raw[at + 1]?.startsWith(this.#drop) !== true;
    return raw.filter((_, at) => keep(at - (at % 2)));
  }
}

function onward(url: URL, incoming: IncomingMessage): Promise<IncomingMessage> {
  const { method, headers } = incoming;
  // `localhost` is a name for the browser; Cloakroom listens on this address.
  const target = { host: '127.0.0.1', port: url.port, path: url.pathname + url.search, method, headers, agent: false };
  return new Promise((resolve, reject) => {
    incoming.pipe(request(target, resolve).on('error', reject));
  });
}
