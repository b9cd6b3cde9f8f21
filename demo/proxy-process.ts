import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const KILL_AFTER_MS = 5000;

const rootPath = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Cloakroom as users run it: `cloakroom serve`, in a process of its own. */
export class ProxyProcess {
  readonly #child: ChildProcess;
  /** Resolves with the exit code once the process is gone; 1 when a signal ended it. */
  readonly exited: Promise<number>;
  /** Resolves when the process says that it listens. */
  readonly listening: Promise<void>;

  constructor(settings: Readonly<Record<string, string>>, showWarning: (line: string) => void) {
    this.#child = spawn(process.execPath, [rootPath('dist/cli.js'), 'serve', '--config', rootPath('demo/cloakroom.yaml')], {
      cwd: rootPath(''),
      env: { ...foreignVariables(process.env), ...settings },
      stdio: ['ignore', 'pipe', 'inherit'],
      // Its own process group: Ctrl-C reaches it once, through us. A second signal would make it stop at once.
      detached: process.platform !== 'win32',
    });
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', (code) => resolve(code ?? 1));
      this.#child.once('error', () => resolve(1));
    });
    this.listening = this.#readLog(showWarning);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), KILL_AFTER_MS);
    await this.exited;
    clearTimeout(timer);
  }

  #readLog(showWarning: (line: string) => void): Promise<void> {
    return new Promise((resolve) => {
      const { stdout } = this.#child;
      if (stdout === null) return;
      let started = false;
      createInterface({ input: stdout }).on('line', (line) => {
        if (line.includes('"event":"listening"')) {
          started = true;
          resolve();
        } else if ((started ? /"level":"(warn|error)"/ : /"level":"error"/).test(line)) showWarning(line);
      });
    });
  }
}

/** The user's own CLOAKROOM_… variables are meant for another Cloakroom. */
function foreignVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('CLOAKROOM_')));
}
