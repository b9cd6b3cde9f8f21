import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { ForwarderStage } from './stage.ts';

/** A stage whose forwarder is http-proxy in a process of its own, which is expected to end. What it tells its owner stays there. */
export class ProcessStage extends ForwarderStage {
  #child: ChildProcess | undefined;
  #exit: Promise<unknown[]> | undefined;

  constructor() {
    super(() => {
      throw new Error('The forwarder is in another process');
    });
  }

  /** The exit code, or the signal that ended the process. */
  async exit(): Promise<unknown> {
    const [code, signal] = (await this.#exit) ?? [];
    return code ?? signal;
  }

  override async open(origin: string): Promise<number> {
    const child = fork(new URL('./http-proxy-process.ts', import.meta.url), [origin], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    this.#child = child;
    this.#exit = once(child, 'exit');
    const [port] = (await Promise.race([once(child, 'message'), this.#exit])) as unknown[];
    return Number(port);
  }

  override async close(): Promise<void> {
    // A process that ends by itself closes its connections some time before it is over.
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), 2_000);
    await Promise.all([this.#exit, super.close()]);
    clearTimeout(timer);
  }
}
