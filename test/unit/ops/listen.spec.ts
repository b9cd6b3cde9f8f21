import { createServer } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { listenOn, PortUnavailableError } from '../../../src/ops/listen.ts';

describe('listening', () => {
  it('takes any free port for 0 and says which', async () => {
    const server = createServer();
    const { port } = await listenOn(server, { host: '127.0.0.1', port: 0 }, 'listen.port');
    expect(port).toBeGreaterThan(0);
    server.close();
  });

  it('names the configuration key, the address and what to do when the port is taken', async () => {
    const first = createServer();
    const { port } = await listenOn(first, { host: '127.0.0.1', port: 0 }, 'listen.port');
    const refused = listenOn(createServer(), { host: '127.0.0.1', port }, 'listen.port');
    await expect(refused).rejects.toThrow(PortUnavailableError);
    await expect(refused).rejects.toThrow(`127.0.0.1:${port} (listen.port): the port is taken`);
    first.close();
  });

  it('says that an address is not of this machine', async () => {
    await expect(listenOn(createServer(), { host: '192.0.2.1', port: 0 }, 'management.port')).rejects.toThrow('no such address');
  });
});
