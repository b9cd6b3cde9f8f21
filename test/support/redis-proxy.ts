import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { SharedScript } from '../../src/session/shared-scripts.ts';

/** `asked`: Redis never sees the command. `answered`: it has carried the command out, and the answer is lost. */
export type StopMoment = 'asked' | 'answered';

interface Stop {
  readonly names: ReadonlySet<string>;
  readonly when: StopMoment;
  readonly reached: () => void;
}

/** Stands between one process and Redis, and can stop all traffic at one moment of one script. */
export class RedisProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #stop: Stop | undefined;
  #stopped = false;
  /** Scripts seen, by their digests and texts. */
  readonly seen: string[] = [];

  private constructor(target: number) {
    this.#server = createServer((client) => this.#join(client, connect(target, '127.0.0.1')));
  }

  static async open(target: number): Promise<RedisProxy> {
    const proxy = new RedisProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Resolves when the moment has come; from then on nothing passes any more, in either direction. */
  stopAt({ lua }: SharedScript, when: StopMoment): Promise<void> {
    const names = new Set([lua, createHash('sha1').update(lua).digest('hex')]);
    return new Promise((resolve) => {
      this.#stop = { names, when, reached: () => resolve() };
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, redis: Socket): void {
    let answerIsLost = false;
    let unread = '';
    for (const [socket, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
    client.on('data', (chunk: Buffer) => {
      if (this.#stopped) return;
      unread += chunk.toString('latin1');
      for (let next = takeCommand(unread); next !== undefined; next = takeCommand(unread)) {
        unread = unread.slice(next.length);
        const isIt = this.#isStop(next.words);
        if (isIt && this.#stop?.when === 'asked') return this.#reached();
        answerIsLost ||= isIt;
        redis.write(next.bytes, 'latin1');
      }
    });
    redis.on('data', (chunk: Buffer) => {
      if (this.#stopped) return;
      if (answerIsLost) this.#reached();
      else client.write(chunk);
    });
  }

  #isStop([command = '', script = '']: readonly string[]): boolean {
    if (/^eval/i.test(command)) this.seen.push(script);
    return /^eval/i.test(command) && this.#stop?.names.has(script) === true;
  }

  #reached(): void {
    this.#stopped = true;
    this.#stop?.reached();
  }
}

/** The first whole command of what a client has sent: an array of bulk strings (RESP 2). */
function takeCommand(text: string): { readonly words: readonly string[]; readonly bytes: string; readonly length: number } | undefined {
  const count = /^\*(\d+)\r\n/.exec(text);
  if (count === null) return undefined;
  const words: string[] = [];
  let at = count[0].length;
  for (let n = 0; n < Number(count[1]); n++) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at, at + 20));
    if (size === null) return undefined;
    const begin = at + size[0].length;
    at = begin + Number(size[1]) + 2;
    if (text.length < at) return undefined;
    words.push(text.slice(begin, at - 2));
  }
  return { words, bytes: text.slice(0, at), length: at };
}
