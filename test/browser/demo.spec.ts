import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { launchChromium } from './chromium.ts';
import { DemoPage } from './demo-page.ts';

const MAIN = fileURLToPath(new URL('../../demo/main.ts', import.meta.url));
const PORT_FLAGS = ['--port', '--provider-port', '--api-port', '--management-port'];

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** The URL that the demo prints, as soon as it is ready. */
function announced(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) throw new Error('no output');
    child.once('exit', (code) => reject(new Error(`the demo ended: ${String(code)}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /Cloakroom demo: (\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}

describe('the demo as users start it', () => {
  it('takes a browser from a deep link through login, API call, live connection and logout', async () => {
    const ports = await freePorts(PORT_FLAGS.length);
    const child = spawn(process.execPath, [MAIN, ...PORT_FLAGS.flatMap((flag, at) => [flag, String(ports[at])])], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    const browser = await launchChromium();
    try {
      const tab = await DemoPage.open(await browser.newContext(), await announced(child), '/orders/42');
      await tab.signIn();
      expect(tab.path).toBe('/orders/42');
      expect(await tab.callApi()).toEqual(['Cookie yes no', expect.stringMatching(/^Bearer token no yes, [0-9a-f]{8}…$/)]);
      expect(await tab.openLive()).toContain('a cookie: no');
      expect(await tab.say('Hello')).toBe('The API Hello');
      await tab.button('Sign out').click();
      await tab.signedOut();
      expect(await tab.liveStatus('Closed')).toContain('4401');
      expect(tab.errors).toEqual([]);
    } finally {
      await browser.close();
      child.kill('SIGINT');
    }
    expect(await exited).toBe(0);
  });
});
