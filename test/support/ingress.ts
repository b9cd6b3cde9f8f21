import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Ingress {
  readonly port: number;
  close(): Promise<void>;
}

/** An ingress that owns the public address, keeps the Host, and takes a path off before it forwards to a port on loopback. */
export async function startIngress({ port, strip }: { readonly port: number; readonly strip: string }): Promise<Ingress> {
  const server = createServer((incoming, outgoing) => {
    const target = incoming.url ?? '/';
    if (!target.startsWith(`${strip}/`)) {
      outgoing.writeHead(404).end('not behind this ingress');
      return;
    }
    const { method, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port, path: target.slice(strip.length), method, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
