import { causeOf } from '../kernel/error-code.ts';
import { StoreUnavailableError } from '../kernel/store-unavailable.ts';
import type { Timer } from '../kernel/timer.ts';
import type { RedisConnection, RedisReply } from './redis-connection.ts';
import { unavailable, type RedisFault } from './redis-fault.ts';
import type { RedisAddress } from './redis-settings.ts';
import { reconnectDelay } from './reconnect-delay.ts';
import { timeLimit } from './time-limit.ts';
import { WakeablePause } from './wakeable-pause.ts';

export type RedisState = { readonly kind: 'unknown' } | { readonly kind: 'up' } | { readonly kind: 'down'; readonly reason: string };

export type RedisSend = (command: readonly string[]) => Promise<RedisReply>;

/** Finds out whether the server at the other end can serve us; the fault is why it cannot. */
export type RedisCheck = (send: RedisSend, address: RedisAddress) => Promise<RedisFault | undefined>;

export interface RedisNodeOptions {
  /** Rejects with StoreUnavailableError, in bounded time. */
  readonly open: () => Promise<RedisConnection>;
  readonly check: RedisCheck;
  /** Called at every change, before the commands that it concerns are answered. */
  readonly onState: () => void;
  readonly timer: Timer;
  readonly random: () => number;
  /** Milliseconds of a command. */
  readonly timeout: number;
  /** Milliseconds between two checks of a connection. */
  readonly checkEvery: number;
}

const CLOSED: RedisFault = { reason: 'closed', sent: false, leave: true };
const TIMEOUT: RedisFault = { reason: 'timeout', sent: true, leave: true };

/** Keeps a connection to one server: makes another one whenever it is lost, for ever, and asks now and then whether it is alive. */
export class RedisNode {
  readonly #options: RedisNodeOptions;
  readonly #pause: WakeablePause;
  #state: RedisState = { kind: 'unknown' };
  #connection: RedisConnection | undefined;
  /** Attempts since a command was last answered. */
  #failures = 0;
  #isClosed = false;

  constructor(options: RedisNodeOptions) {
    this.#options = options;
    this.#pause = new WakeablePause(options.timer);
  }

  get state(): RedisState {
    return this.#state;
  }

  /** Resolves after the first attempt, whatever came of it. To be called once. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      void this.#keep(resolve);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.end(CLOSED);
    this.#pause.wake();
  }

  /** Answers within the time limit. Rejects with StoreUnavailableError: at once while there is no connection. */
  async send(command: readonly string[]): Promise<RedisReply> {
    if (this.#connection === undefined) throw new StoreUnavailableError(this.#state.kind === 'down' ? this.#state.reason : 'down', false);
    const reply = await this.#sendOn(this.#connection, command);
    this.#failures = 0;
    return reply;
  }

  async #sendOn(connection: RedisConnection, command: readonly string[]): Promise<RedisReply> {
    const cancel = timeLimit(this.#options.timeout, () => connection.end(TIMEOUT), this.#options.timer);
    const reply = await connection.send(command);
    cancel();
    if (reply.kind === 'value' || !reply.fault.leave) return reply;
    connection.end(reply.fault);
    throw unavailable(reply.fault);
  }

  async #keep(onFirst: () => void): Promise<void> {
    while (!this.#isClosed) {
      const connection = await this.#connect();
      onFirst();
      if (connection !== undefined) await this.#checkUntilEnd(connection);
      await this.#pause.wait(reconnectDelay(this.#failures, this.#options.random));
    }
    onFirst();
  }

  async #connect(): Promise<RedisConnection | undefined> {
    this.#failures++;
    try {
      const connection = await this.#options.open();
      const fault = this.#isClosed ? CLOSED : await this.#check(connection);
      if (fault !== undefined) connection.end(fault);
      if (connection.fault !== undefined) throw unavailable(connection.fault);
      this.#serveOn(connection);
      return connection;
    } catch (error) {
      // Nothing may end the attempts, so that what nobody foresaw is one more reason to try again.
      this.#become({ kind: 'down', reason: error instanceof StoreUnavailableError ? error.reason : causeOf(error) });
      return undefined;
    }
  }

  #serveOn(connection: RedisConnection): void {
    this.#connection = connection;
    connection.onEnd(({ reason }) => {
      this.#connection = undefined;
      this.#become({ kind: 'down', reason });
      this.#pause.wake();
    });
    this.#become({ kind: 'up' });
  }

  #check(connection: RedisConnection): Promise<RedisFault | undefined> {
    return this.#options.check((command) => this.#sendOn(connection, command), connection.address);
  }

  async #checkUntilEnd(connection: RedisConnection): Promise<void> {
    while (connection.fault === undefined) {
      await this.#pause.wait(this.#options.checkEvery);
      await this.#checkAgain(connection);
    }
  }

  async #checkAgain(connection: RedisConnection): Promise<void> {
    if (connection.fault !== undefined) return;
    try {
      const fault = await this.#check(connection);
      if (fault === undefined) this.#failures = 0;
      else connection.end(fault);
    } catch {
      // What makes a check fail has ended the connection.
    }
  }

  #become(state: RedisState): void {
    this.#state = state;
    this.#options.onState();
  }
}
