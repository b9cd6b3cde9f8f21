import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'yaml';

const CLI = join(import.meta.dirname, '../../dist/cli.js');

export type LogRecord = Readonly<Record<string, unknown>>;

/** `cloakroom serve` in a process of its own. Needs a build. */
export class ServeProcess {
  readonly lines: LogRecord[] = [];
  stderr = '';
  /** Resolves with the exit code when the process and its output have ended. */
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #folder: string;
  #waiting: (() => void)[] = [];
  #ended = false;

  private constructor(folder: string, nodeOptions: readonly string[]) {
    this.#folder = folder;
    const child = spawn(process.execPath, [...nodeOptions, CLI, 'serve', '--config', join(folder, 'cloakroom.yaml')], {
      cwd: folder,
      env: {},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.#changed(() => this.lines.push(JSON.parse(line) as LogRecord)));
    child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.exited = new Promise((resolve) => {
      child.on('close', (code) => {
        this.#changed(() => (this.#ended = true));
        resolve(code);
      });
    });
  }

  /** `nodeOptions`: for Node itself, such as `--heapsnapshot-signal=SIGUSR2`. */
  static async start(config: object, nodeOptions: readonly string[] = []): Promise<ServeProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'cloakroom-serve-'));
    await writeFile(join(folder, 'cloakroom.yaml'), stringify(config));
    return new ServeProcess(folder, nodeOptions);
  }

  /** The first log line of an event, waited for. */
  async line(event: string): Promise<LogRecord> {
    for (;;) {
      const found = this.lines.find((line) => line['event'] === event);
      if (found !== undefined) return found;
      if (this.#ended) throw new Error(`the process ended without ${event}: ${this.stderr}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Resident memory in bytes: of now, and the most that it has been since the start or `forgetPeak`. */
  async memory(): Promise<{ readonly now: number; readonly peak: number }> {
    const status = await readFile(`/proc/${String(this.#child.pid)}/status`, 'utf8');
    const kibibytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
    return { now: kibibytes('VmRSS') * 1024, peak: kibibytes('VmHWM') * 1024 };
  }

  /** From now on the peak is that of now. */
  forgetPeak(): Promise<void> {
    return writeFile(`/proc/${String(this.#child.pid)}/clear_refs`, '5');
  }

  /** Everything that is reachable in its JavaScript memory, as V8 writes it down. Needs `--heapsnapshot-signal=SIGUSR2`. */
  async heapSnapshot(): Promise<string> {
    this.#child.kill('SIGUSR2');
    for (;;) {
      const file = (await readdir(this.#folder)).find((name) => name.endsWith('.heapsnapshot'));
      const text = file === undefined ? '' : await readFile(join(this.#folder, file), 'utf8');
      if (file !== undefined && text.trimEnd().endsWith('}')) {
        await rm(join(this.#folder, file));
        return text;
      }
      if (this.#ended) throw new Error(`the process ended without a snapshot: ${this.stderr}`);
      await pause(20);
    }
  }

  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(name);
  }

  /** Ends the process, however it is doing, and removes its files. */
  async discard(): Promise<void> {
    if (!this.#ended) this.#child.kill('SIGKILL');
    await this.exited;
    await rm(this.#folder, { recursive: true });
  }

  #changed(change: () => void): void {
    change();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
