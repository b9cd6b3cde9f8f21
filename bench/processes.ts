import { fork, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A process under measurement. */
export interface Running {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts one of `targets/`, which reports the port that it took. */
export async function startTarget(name: string, args: readonly string[] = []): Promise<Running> {
  const child = fork(fileURLToPath(new URL(`targets/${name}.ts`, import.meta.url)), [...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const { port } = await new Promise<{ port: number }>((resolve, reject) => {
    child.once('message', (message) => resolve(message as { port: number }));
    child.once('exit', (code) => reject(new Error(`bench target ${name} ended with ${code ?? 'a signal'}`)));
  });
  return running(child, port);
}

/** Starts the product itself, as its users do, access log and all; the log goes to a file, which costs the reader of a pipe nothing. */
export async function startCloakroom(env: Readonly<Record<string, string>>, port: number): Promise<Running> {
  const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
  const log = join(mkdtempSync(join(tmpdir(), 'cloakroom-bench-')), 'log');
  const child = spawn(process.execPath, [cli, 'serve'], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', openSync(log, 'a'), 'inherit'],
  });
  child.once('exit', () => rmSync(dirname(log), { recursive: true }));
  while (!readFileSync(log, 'utf8').includes('"event":"listening"')) {
    if (child.exitCode !== null) throw new Error(`cloakroom ended with ${child.exitCode}`);
    await setTimeout(50);
  }
  return running(child, port);
}

function running(child: ChildProcess, port: number): Running {
  if (child.pid === undefined) throw new Error('the process did not start');
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  return { pid: child.pid, port, stop };
}
