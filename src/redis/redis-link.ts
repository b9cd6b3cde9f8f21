import type { Logger } from '../kernel/logger.ts';
import { systemTimer, type Timer } from '../kernel/timer.ts';
import { LinkLog } from './link-log.ts';
import { unavailable } from './redis-fault.ts';
import type { RedisReply } from './redis-connection.ts';
import type { RedisState } from './redis-node.ts';
import type { RedisSettings } from './redis-settings.ts';
import { createTopology, type RedisTopology } from './redis-topology.ts';
import { toRedisValue, type RedisValue } from './redis-value.ts';
import { ScriptCommander, type RedisScript } from './script-commands.ts';

export type RedisStatus = 'up' | 'down' | 'unknown';

export interface RedisLinkOptions {
  readonly settings: RedisSettings;
  readonly logger: Logger;
  readonly timer?: Timer;
  /** 0 to 1, for the jitter of attempts to connect. */
  readonly random?: () => number;
  /** Milliseconds for connecting, encrypting and logging in. */
  readonly connectWithin?: number;
  /** Milliseconds between two checks of an idle connection. */
  readonly checkEvery?: number;
}

/**
 * The store that all replicas share. Every error is StoreUnavailableError, whose `reason` is a word: `timeout`, `readonly`, `noauth`,
 * `econnrefused`, … Nothing is queued: while there is no connection, commands are refused at once.
 */
export class RedisLink {
  readonly keyPrefix: string;
  readonly isOneNode: boolean;
  readonly #log: LinkLog;
  readonly #topology: RedisTopology;
  readonly #scripts = new ScriptCommander();
  readonly #commands = new Map<string, number>();
  readonly #listeners = new Set<(status: RedisStatus) => void>();
  #told: RedisStatus = 'unknown';
  #isClosed = false;

  constructor({ settings, logger, timer = systemTimer, random = Math.random, ...times }: RedisLinkOptions) {
    const { connectWithin = 1_500, checkEvery = 5_000 } = times;
    this.keyPrefix = settings.keyPrefix;
    this.isOneNode = settings.cluster === undefined;
    this.#log = new LinkLog(logger, timer);
    const onState = (): void => this.#follow(this.#topology.state);
    this.#topology = createTopology({ settings, timer, random, connectWithin, checkEvery, onState });
  }

  /** `unknown` until the first attempt has ended. */
  get status(): RedisStatus {
    return this.#isClosed ? 'down' : this.#topology.state.kind;
  }

  /** How many commands were sent, by the name of their script; `<name>:text` are those that carried the script itself. */
  get commands(): ReadonlyMap<string, number> {
    return this.#commands;
  }

  /** Begins to connect, and goes on for ever. Resolves after the first attempt, whatever came of it; nobody has to wait for that. */
  async start(): Promise<void> {
    await this.#topology.start();
  }

  /** Ends every connection at once. */
  close(): void {
    this.#isClosed = true;
    this.#topology.close();
  }

  /** Tells every change, before the commands that it concerns are answered. Gives back what stops that. A listener must not throw. */
  onStatus(listener: (status: RedisStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Runs a script in one step. All keys have one hash tag. */
  async run(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<RedisValue> {
    const { byDigest, byText } = this.#scripts.commandsOf(script, keys, args);
    const reply = await this.#send(script.name, byDigest, keys[0]);
    const isUnknown = reply.kind === 'fault' && reply.fault.reason === 'noscript';
    return this.#valueOf(isUnknown ? await this.#send(`${script.name}:text`, byText, keys[0]) : reply);
  }

  #send(name: string, command: readonly string[], key: string | undefined): Promise<RedisReply> {
    this.#commands.set(name, (this.#commands.get(name) ?? 0) + 1);
    return this.#topology.send(command, key);
  }

  #valueOf(reply: RedisReply): RedisValue {
    if (reply.kind === 'value') return toRedisValue(reply.value);
    this.#log.failed(reply.fault.reason);
    throw unavailable(reply.fault);
  }

  #follow(state: RedisState): void {
    if (this.#isClosed) return;
    if (state.kind === 'down') this.#log.down(state.reason);
    if (state.kind === this.#told) return;
    if (state.kind === 'up') this.#log.up();
    this.#told = state.kind;
    for (const listener of this.#listeners) listener(state.kind);
  }
}
