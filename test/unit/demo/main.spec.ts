import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { UserAgent } from '../../support/user-agent.ts';

const MAIN = fileURLToPath(new URL('../../../demo/main.ts', import.meta.url));

interface Demo {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exited: Promise<number | null>;
}

let demos: Demo[] = [];

afterEach(async () => {
  for (const { child } of demos) child.kill('SIGTERM');
  await Promise.all(demos.map(({ exited }) => exited));
  demos = [];
});

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function start(ports: readonly number[]): Demo {
  const names = ['--port', '--provider-port', '--api-port', '--management-port'];
  const child = spawn(process.execPath, [MAIN, ...names.flatMap((name, index) => [name, String(ports[index])])]);
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  child.stderr.on('data', (chunk) => (text += String(chunk)));
  const demo = { child, output: () => text, exited: new Promise<number | null>((resolve) => child.once('exit', resolve)) };
  demos.push(demo);
  return demo;
}

async function untilAnnounced(demo: Demo): Promise<string> {
  for (;;) {
    const url = /Cloakroom demo: (\S+)/.exec(demo.output())?.[1];
    if (url !== undefined) return url;
    if (demo.child.exitCode !== null) throw new Error(`the demo ended:\n${demo.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the demo', () => {
  it('prints one URL, signs in, calls the API, and ends cleanly on SIGINT', async () => {
    const ports = await freePorts(4);
    const demo = start(ports);
    const origin = await untilAnnounced(demo);
    expect(origin).toBe(`http://localhost:${ports[0] ?? 0}`);
    const agent = new UserAgent({ origin });
    expect((await agent.navigate('/orders/42')).page.body).toContain('<title>Cloakroom demo</title>');
    expect((await agent.login('alice', { returnTo: '/orders/42', initiator: 'page' })).page.url).toBe(`${origin}/orders/42`);
    expect(await (await agent.fetch('/api/orders')).json()).toMatchObject({ url: '/orders', cookie: false, bearer: { expiresIn: null } });
    expect(await (await agent.fetch('/demo-stats')).json()).toEqual({ refreshes: 0, logins: 1 });
    demo.child.kill('SIGINT');
    expect(await demo.exited).toBe(0);
    await expect(agent.fetch('/')).rejects.toThrow('ECONNREFUSED');
  });

  it('names the port that is taken and how to choose another, without a stack', async () => {
    const ports = await freePorts(4);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(ports[1], '127.0.0.1', resolve));
    const demo = start(ports);
    expect(await demo.exited).toBe(1);
    expect(demo.output()).toContain(`Port ${ports[1] ?? 0} is taken, and the development provider needs it.`);
    expect(demo.output()).toContain('DEMO_PROVIDER_PORT=');
    expect(demo.output()).not.toContain('    at ');
    await new Promise((resolve) => server.close(resolve));
  });
});
