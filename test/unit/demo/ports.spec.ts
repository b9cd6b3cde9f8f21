import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { DemoError, checkFree, readPorts } from '../../../demo/ports.ts';

const numbers = (words: string[], env: NodeJS.ProcessEnv = {}): number[] => Object.values(readPorts(words, env)).map(({ port }) => port);

describe('the ports of the demo', () => {
  it('are 3000 to 3003 unless told otherwise, flags before the environment', () => {
    expect(numbers([])).toEqual([3000, 3001, 3002, 3003]);
    const env = { DEMO_PORT: '4000', DEMO_PROVIDER_PORT: '4001', DEMO_API_PORT: '', DEMO_MANAGEMENT_PORT: '4003' };
    expect(numbers(['--port', '5000'], env)).toEqual([5000, 4001, 3002, 4003]);
  });

  it.each([[['--port', 'abc']], [['--port', '0']], [['--port', '65536']], [['--other', '1']], [['--port']]])(
    'refuses %j in words',
    (words) => {
      expect(() => readPorts(words, {})).toThrow(DemoError);
    },
  );

  it.each(['127.0.0.1', '::1'])('are not free while somebody listens on %s', async (host) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const port = { ...readPorts([], {}).api, port: (server.address() as AddressInfo).port };
    await expect(checkFree(port)).rejects.toThrow(`DEMO_API_PORT=${port.port + 100} npm run demo`);
    await new Promise((resolve) => server.close(resolve));
    await expect(checkFree(port)).resolves.toBeUndefined();
  });
});
