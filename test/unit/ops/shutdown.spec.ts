import { createServer, type ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { listenOn } from '../../../src/ops/listen.ts';
import { drainServer, Shutdown } from '../../../src/ops/shutdown.ts';

describe('shutdown', () => {
  it('announces, stops, and exits 0, in this order', async () => {
    const steps: string[] = [];
    await new Promise<void>((resolve) => {
      const exit = (code: number): void => {
        steps.push(`exit ${code}`);
        resolve();
      };
      const stop = async (): Promise<void> => void steps.push('stop');
      new Shutdown({ announce: () => steps.push('announce'), stop, exit }, 0).signal();
    });
    expect(steps).toEqual(['announce', 'stop', 'exit 0']);
  });

  it('exits 1 when stopping fails, and at once on a second signal', async () => {
    const codes: number[] = [];
    await new Promise<void>((resolve) => {
      const exit = (code: number): void => {
        codes.push(code);
        resolve();
      };
      new Shutdown({ announce: () => undefined, stop: () => Promise.reject(new Error('stuck')), exit }, 0).signal();
    });
    const hanging = new Shutdown(
      { announce: () => undefined, stop: () => new Promise(() => undefined), exit: (code) => codes.push(code) },
      0,
    );
    hanging.signal();
    hanging.signal();
    expect(codes).toEqual([1, 1]);
  });
});

describe('draining a server', () => {
  async function serverThatHolds(): Promise<{ origin: string; held: Promise<ServerResponse>; drain: (graceMs: number) => Promise<void> }> {
    let hold: (response: ServerResponse) => void = () => undefined;
    const held = new Promise<ServerResponse>((resolve) => (hold = resolve));
    const server = createServer((_request, response) => hold(response));
    const { port } = await listenOn(server, { host: '127.0.0.1', port: 0 }, 'listen.port');
    return { origin: `http://127.0.0.1:${port}`, held, drain: (graceMs) => drainServer(server, graceMs) };
  }

  it('lets a request under way finish and refuses new ones', async () => {
    const { origin, held, drain } = await serverThatHolds();
    const answer = fetch(origin);
    const response = await held;
    const drained = drain(60_000);
    await expect(fetch(origin)).rejects.toThrow();
    response.end('whole');
    expect(await (await answer).text()).toBe('whole');
    await drained;
  });

  it('cuts what is left after the grace', async () => {
    const { origin, held, drain } = await serverThatHolds();
    const answer = fetch(origin);
    await held;
    await drain(1);
    await expect(answer).rejects.toThrow();
  });

  it('is done at once for a server that never listened', async () => {
    await drainServer(createServer(), 60_000);
  });
});
