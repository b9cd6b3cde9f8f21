import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Listens on any free loopback port, tells the parent which, and ends when the parent does. */
export function reportReady(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    process.send?.({ port });
  });
  process.on('disconnect', () => process.exit(0));
}
