import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import type { LoopbackCertificate } from './loopback-certificate.ts';

const run = promisify(execFile);

export interface RedisWishes {
  /** Lines of redis.conf, such as `requirepass secret`. */
  readonly config?: readonly string[];
  /** Serves TLS only. */
  readonly certificate?: LoopbackCertificate;
  readonly port?: number;
  /** Runs as a sentinel. */
  readonly sentinel?: boolean;
}

/** A real Redis on a port and a directory of its own, run by this test alone. */
export class RedisServer {
  readonly port: number;
  readonly #directory: string;
  readonly #wishes: RedisWishes;
  #process: ChildProcess | undefined;

  constructor(port: number, wishes: RedisWishes) {
    this.port = port;
    this.#wishes = wishes;
    this.#directory = mkdtempSync(join(tmpdir(), 'redis-'));
    writeFileSync(this.#path('redis.conf'), this.#configuration());
  }

  get url(): string {
    return `${this.#wishes.certificate === undefined ? 'redis' : 'rediss'}://127.0.0.1:${String(this.port)}`;
  }

  /** Holds the certificate it shows. */
  get certificateFile(): string {
    return this.#path('cert.pem');
  }

  /** Resolves when it serves. After `stop` it may be started again, at the same port and without what it held. */
  async start(): Promise<void> {
    const process = spawn('redis-server', [this.#path('redis.conf'), ...(this.#wishes.sentinel === true ? ['--sentinel'] : [])], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = process;
    const failed = once(process, 'error').then(([error]) => {
      throw new Error('redis-server cannot be run: these tests need it installed', { cause: error });
    });
    const lines = createInterface({ input: process.stdout });
    const served = new Promise<void>((resolve, reject) => {
      const last: string[] = [];
      lines.on('line', (line) => {
        last.push(line);
        if (/Ready to accept connections|\+monitor master/.test(line)) resolve();
      });
      lines.on('close', () => reject(new Error(`redis-server ended: ${last.slice(-3).join('\n')}`)));
    });
    await Promise.race([served, failed]);
  }

  /** Kills it, also while it hangs. */
  async stop(): Promise<void> {
    const process = this.#process;
    if (process?.exitCode !== null || process.signalCode !== null) return;
    const exit = once(process, 'exit');
    process.kill('SIGKILL');
    await exit;
  }

  /** As if it had been in use for long. */
  async settle(): Promise<void> {
    await this.cli(['set', 'cloakroom:begun', '1']);
  }

  /** It keeps its connections and takes new ones (the kernel does that), and answers nothing. */
  hang(): void {
    this.#process?.kill('SIGSTOP');
  }

  wake(): void {
    this.#process?.kill('SIGCONT');
  }

  /** What redis-cli says to this command; `user:password` for a server that wants to know who asks. */
  async cli(command: readonly string[], credentials?: { readonly user: string; readonly password: string }): Promise<string> {
    const who = credentials === undefined ? [] : ['--user', credentials.user, '--pass', credentials.password, '--no-auth-warning'];
    const tls = this.#wishes.certificate === undefined ? [] : ['--tls', '--cacert', this.#path('cert.pem')];
    const { stdout } = await run('redis-cli', ['-h', '127.0.0.1', '-p', String(this.port), ...tls, ...who, ...command]);
    return stdout.trim();
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  #configuration(): string {
    const { certificate, config = [], sentinel } = this.#wishes;
    const port = String(this.port);
    if (certificate !== undefined) {
      writeFileSync(this.#path('cert.pem'), certificate.cert);
      writeFileSync(this.#path('key.pem'), certificate.key);
    }
    const file = (name: string): string => JSON.stringify(this.#path(name));
    const ports =
      certificate === undefined
        ? [`port ${port}`]
        : [
            'port 0',
            `tls-port ${port}`,
            `tls-cert-file ${file('cert.pem')}`,
            `tls-key-file ${file('key.pem')}`,
            `tls-ca-cert-file ${file('cert.pem')}`,
            'tls-auth-clients no',
          ];
    const storage = sentinel === true ? [] : ['save ""', 'appendonly no', 'repl-diskless-sync-delay 0'];
    return ['bind 127.0.0.1', ...ports, `dir ${JSON.stringify(this.#directory)}`, ...storage, ...config, ''].join('\n');
  }
}

/** Every server that one spec starts; `close` ends them all, whatever state they are in. */
export class RedisServers {
  readonly #servers: RedisServer[] = [];

  async start(wishes: RedisWishes = {}): Promise<RedisServer> {
    const server = new RedisServer(wishes.port ?? (await freePort()), wishes);
    this.#servers.push(server);
    await server.start();
    return server;
  }

  /** One that our processes have used for long: it has not just begun to know what it knows. */
  async startSettled(wishes: RedisWishes = {}): Promise<RedisServer> {
    const server = await this.start(wishes);
    await server.settle();
    return server;
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.splice(0).map((it) => it.close()));
  }
}
