import { fork, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Heap } from './targets/heap-probe.ts';

/** A process under measurement. */
export interface Running {
  readonly pid: number;
  readonly port: number;
  /** What lives after a garbage collection. Only processes that were started with `probed` answer. */
  heap(): Promise<Heap>;
  stop(): Promise<void>;
}

const START_MS = 30_000;
const WITHOUT_NOISE = ['--disable-warning=DEP0060']; // http-proxy's
const PROBED = ['--expose-gc', '--import', new URL('targets/heap-probe.ts', import.meta.url).href];

/** Starts one of `targets/`, which reports the port that it took. */
export async function startTarget(name: string, args: readonly string[] = [], probed = false): Promise<Running> {
  const child = fork(fileURLToPath(new URL(`targets/${name}.ts`, import.meta.url)), [...args], {
    execArgv: [...WITHOUT_NOISE, ...(probed ? PROBED : [])],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const { port } = await answerOf<{ port: number }>(child);
  return running(child, port);
}

export interface CloakroomStart {
  /** Of a built checkout. */
  readonly cli: string;
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  readonly probed?: boolean;
}

/** Starts the product itself, as its users do, access log and all; the log goes to a file, which costs the reader of a pipe nothing. */
export async function startCloakroom({ cli, env, port, probed = false }: CloakroomStart): Promise<Running> {
  const log = join(mkdtempSync(join(tmpdir(), 'cloakroom-bench-')), 'log');
  const child = spawn(process.execPath, [...(probed ? PROBED : []), cli, 'serve'], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', openSync(log, 'a'), 'inherit', ...(probed ? ['ipc' as const] : [])],
  });
  child.once('exit', () => rmSync(dirname(log), { recursive: true }));
  const started = performance.now();
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${cli} ended with ${child.exitCode}`);
    if (readFileSync(log, 'utf8').includes('"event":"listening"')) return running(child, port);
    if (performance.now() - started > START_MS) throw new Error(`${cli} does not listen`);
    await setTimeout(50);
  }
}

function running(child: ChildProcess, port: number): Running {
  if (child.pid === undefined) throw new Error('the process did not start');
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill); // whatever ends the benchmark leaves nothing behind
  child.once('exit', () => process.off('exit', kill));
  const heap = (): Promise<Heap> => {
    child.send('heap');
    return answerOf<Heap>(child);
  };
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      kill();
    });
  return { pid: child.pid, port, heap, stop };
}

function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`a process of the benchmark ended with ${code ?? 'a signal'}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}
