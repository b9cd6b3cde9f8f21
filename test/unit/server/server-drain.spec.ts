import { createServer, type ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { listenOn } from '../../../src/ops/listen.ts';
import { ServerDrain } from '../../../src/server/server-drain.ts';
import { RawClient } from '../../support/raw-http.ts';

describe('draining a server', () => {
  async function serverThatHolds(): Promise<{ origin: string; held: Promise<ServerResponse>; drain: (graceMs: number) => Promise<void> }> {
    let hold: (response: ServerResponse) => void = () => undefined;
    const held = new Promise<ServerResponse>((resolve) => (hold = resolve));
    const server = createServer((_request, response) => hold(response));
    const drain = new ServerDrain(server);
    const { port } = await listenOn(server, { host: '127.0.0.1', port: 0 }, 'listen.port');
    return { origin: `http://127.0.0.1:${port}`, held, drain: (graceMs) => drain.drain(graceMs) };
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

  it('cuts an answer without a length in a way that its HTTP/1.0 client does not take for its end', async () => {
    const { origin, held, drain } = await serverThatHolds();
    const client = await RawClient.open(Number(new URL(origin).port));
    client.send('GET / HTTP/1.0\r\n\r\n');
    (await held).write('part');
    await client.until((it) => it.endsWith('part'));
    await drain(1);
    await client.closed();
    expect(client.wasReset).toBe(true);
  });

  it('is done at once for a server that never listened', async () => {
    await new ServerDrain(createServer()).drain(60_000);
  });
});
