import { StoreUnavailableError } from '../kernel/store-unavailable.ts';
import type { Timer } from '../kernel/timer.ts';
import { openConnection } from './redis-connection.ts';
import { unavailable } from './redis-fault.ts';
import { printAddress, type RedisAddress, type RedisTarget } from './redis-settings.ts';
import { listIn } from './redis-value.ts';
import { timeLimit } from './time-limit.ts';

export interface RedisInquiryOptions {
  readonly addresses: readonly RedisAddress[];
  readonly enter: (address: RedisAddress) => Promise<RedisTarget>;
  /** Milliseconds for each address: connecting, and then the answer. */
  readonly within: number;
  readonly timer: Timer;
}

/** One question to several servers, one after another until one of them knows. Each is asked over a connection of its own. */
export class RedisInquiry {
  readonly #options: RedisInquiryOptions;
  /** Who answered last comes first, so that one that hangs is not waited for again. */
  #order: readonly RedisAddress[];

  constructor(options: RedisInquiryOptions) {
    this.#options = options;
    this.#order = options.addresses;
  }

  /** `read` gives what the answer of an address means, `undefined` when it knows nothing. Rejects with StoreUnavailableError. */
  async ask<T>(command: readonly string[], read: (value: unknown, address: RedisAddress) => T | undefined): Promise<T> {
    let reason = 'nobody_knows';
    for (const address of this.#order) {
      try {
        const found = read(await this.#answerOf(address, command), address);
        if (found === undefined) continue;
        this.#order = [address, ...this.#order.filter((it) => it !== address)];
        return found;
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error;
        reason = error.reason;
      }
    }
    throw new StoreUnavailableError(reason, false);
  }

  async #answerOf(address: RedisAddress, command: readonly string[]): Promise<unknown> {
    const { enter, within, timer } = this.#options;
    const connection = await openConnection(await enter(address), within, timer);
    const cancel = timeLimit(within, () => connection.end({ reason: 'timeout', sent: false, leave: true }), timer);
    const reply = await connection.send(command);
    cancel();
    connection.end({ reason: 'answered', sent: false, leave: true });
    if (reply.kind === 'value') return reply.value;
    throw unavailable(reply.fault);
  }
}

/** Where the master of this name is, as the sentinels say. */
export const findMaster = (sentinels: RedisInquiry, name: string): Promise<RedisAddress> =>
  sentinels.ask(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name], (value) => {
    const [host, port] = listIn(value);
    return typeof host === 'string' && typeof port === 'string' ? { host, port: Number(port) } : undefined;
  });

export const isSameAddress = (one: RedisAddress, other: RedisAddress): boolean => printAddress(one) === printAddress(other);
