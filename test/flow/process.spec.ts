import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { startDevProvider, type DevProvider } from '../../demo/provider/dev-provider.ts';
import { freePort } from '../support/free-port.ts';
import { ServeProcess } from '../support/serve-process.ts';
import { UpstreamStub } from '../support/upstream-stub.ts';
import { UserAgent } from '../support/user-agent.ts';

const KEY = 'dGVzdC1rZXktd2l0aC1tYW55LWJ5dGVzLTAxMjM0NTY3ODkrYWJjZGVmZ2hpams';

describe('cloakroom serve', () => {
  let provider: DevProvider;
  let upstream: UpstreamStub;
  let port: number;
  let managementPort: number;
  let origin: string;
  let proxy: ServeProcess | undefined;

  beforeEach(async () => {
    [port, managementPort] = [await freePort(), await freePort()];
    origin = `http://localhost:${String(port)}`;
    upstream = await UpstreamStub.start();
    provider = await startDevProvider({ redirectUris: [`${origin}/bff/callback`] });
  });

  afterEach(async () => {
    await proxy?.discard();
    proxy = undefined;
    await provider.close();
    await upstream.close();
  });

  async function serve(shutdown = { delay: '0s', grace: '10s' }): Promise<ServeProcess> {
    proxy = await ServeProcess.start({
      publicUrl: origin,
      listen: { host: '127.0.0.1', port },
      management: { host: '127.0.0.1', port: managementPort },
      shutdown,
      provider: {
        issuer: provider.issuer,
        clientId: provider.clientId,
        clientSecret: provider.clientSecret,
        authorizeParams: { prompt: 'consent' },
      },
      cookie: { keys: [{ id: 1, secret: KEY }] },
      routes: [{ path: '/api', upstream: upstream.origin, stripPrefix: true }],
    });
    return proxy;
  }

  /** A signed-in browser's call that the upstream has, and that waits for its answer. */
  async function slowCall(): Promise<{ readonly answer: Promise<Response>; readonly release: () => void }> {
    const agent = new UserAgent({ origin });
    await agent.login('alice');
    const gate = Promise.withResolvers<undefined>();
    upstream.handler = (_request, response) => void gate.promise.then(() => response.end('slow but whole'));
    const answer = agent.fetch('/api/slow?canary=in-the-query');
    await upstream.request();
    return { answer, release: () => gate.resolve(undefined) };
  }

  const readiness = async (): Promise<readonly [number, unknown]> => {
    const answer = await fetch(`http://127.0.0.1:${String(managementPort)}/readyz`);
    return [answer.status, await answer.json()];
  };

  it.each(['SIGTERM', 'SIGINT'] as const)('on %s turns readiness red at once, finishes what is under way, and exits 0', async (name) => {
    const served = await serve({ delay: '200ms', grace: '10s' });
    expect(await served.line('listening')).toMatchObject({ level: 'info', managementUrl: `http://127.0.0.1:${String(managementPort)}` });
    const { answer, release } = await slowCall();
    expect((await readiness())[0]).toBe(200);

    served.signal(name);
    await served.line('draining');
    expect(await readiness()).toEqual([503, { status: 'draining' }]);
    release();
    const finished = await answer;
    expect([finished.status, await finished.text()]).toEqual([200, 'slow but whole']);
    expect(await served.exited).toBe(0);
    expect(served.stderr).toBe('');
    expect(served.lines.filter(({ event }) => event === 'listening')).toHaveLength(1);
    expect(served.lines.filter(({ level }) => level === 'error')).toEqual([]);
    // Access lines tell the route and never the query.
    expect(served.lines.filter(({ event }) => event === 'access').map(({ route, status }) => [route, status])).toContainEqual([
      '/api',
      200,
    ]);
    expect(JSON.stringify(served.lines)).not.toMatch(/canary|returnTo|code=|state=/);
  });

  it('accepts no more connections once the delay is over, while an old one still gets its answer', async () => {
    const served = await serve();
    await served.line('listening');
    const { answer, release } = await slowCall();
    served.signal('SIGTERM');
    await served.line('draining');
    const refused = async (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${String(port)}/`).then(
        () => false,
        () => true,
      );
    while (!(await refused())) await new Promise((resolve) => setImmediate(resolve));
    release();
    expect((await answer).status).toBe(200);
    expect(await served.exited).toBe(0);
  });

  it('exits 1 at once on a second signal', async () => {
    const served = await serve({ delay: '1m', grace: '1m' });
    await served.line('listening');
    const { answer } = await slowCall();
    const lost = expect(answer).rejects.toThrow();
    served.signal('SIGTERM');
    await served.line('draining');
    served.signal('SIGTERM');
    expect(await served.exited).toBe(1);
    await lost;
  });

  it.each(['listen.port', 'management.port'])('says which port is taken, and exits 1 (%s)', async (which) => {
    const taken = which === 'listen.port' ? port : managementPort;
    const other: Server = createServer().listen(taken, '127.0.0.1');
    await once(other, 'listening');
    try {
      const served = await serve();
      expect(await served.exited).toBe(1);
      expect(served.stderr).toMatch(new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${String(taken)} \\(${which}\\): .*taken.*\\n$`));
      expect(served.lines.filter(({ event }) => event === 'listening')).toEqual([]);
    } finally {
      other.close();
    }
  });
});
