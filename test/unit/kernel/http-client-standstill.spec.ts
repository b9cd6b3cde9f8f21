import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createHttpClient } from '../../../src/kernel/http-client.ts';

const SCRIPT = join(import.meta.dirname, '../../support/http-client-process.ts');
const TIMEOUT_MS = 800;

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
}

function start(url: string): { child: ChildProcess; printed: Promise<string> } {
  const child = spawn(process.execPath, [SCRIPT, url, String(TIMEOUT_MS)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  cleanups.push(() => {
    child.kill('SIGKILL');
    return ended;
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, printed: ended.then(() => text) };
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP');
  while (!(await readFile(`/proc/${String(child.pid)}/stat`, 'utf8')).includes(') T ')) await pause(1);
}

describe('the HTTP client in a process that stood still', () => {
  it('gives an answer that has come in the meantime, although its time is over', async () => {
    let onRequest: (answer: () => void) => void = () => undefined;
    const requested = new Promise<() => void>((resolve) => (onRequest = resolve));
    const url = await serve((request, response) => request.resume().on('end', () => onRequest(() => response.end('answer'))));
    const { child, printed } = start(url);
    const answer = await requested;
    await stop(child);
    answer();
    await pause(TIMEOUT_MS + 100);
    child.kill('SIGCONT');
    expect(await printed).toBe('answer');
  });

  it('gives up when nothing has come in the meantime', async () => {
    let onRequest: () => void = () => undefined;
    const requested = new Promise<void>((resolve) => (onRequest = resolve));
    const { child, printed } = start(await serve(() => onRequest()));
    await requested;
    await stop(child);
    await pause(TIMEOUT_MS + 100);
    child.kill('SIGCONT');
    expect(await printed).toBe('timeout');
  });

  it('sends nothing when its time is over before the connection is made', async () => {
    let requests = 0;
    const url = await serve((_request, response) => {
      requests++;
      response.end();
    });
    const client = createHttpClient({ timeout: 30, maxResponse: 1000 });
    cleanups.push(() => client.close());
    // From here the next turn of the loop has sockets first, and then timers.
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
    const running = client.fetch(url, { method: 'POST', body: 'a=b' });
    const until = performance.now() + 60;
    while (performance.now() < until);
    await expect(running).rejects.toMatchObject({ reason: 'timeout', sent: false });
    expect(requests).toBe(0);
  });
});
