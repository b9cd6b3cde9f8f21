import { isIP } from 'node:net';
import { StoreUnavailableError } from '../kernel/store-unavailable.ts';
import type { Timer } from '../kernel/timer.ts';
import { connectionFault, replyFault, type RedisFault } from './redis-fault.ts';
import { timeLimit } from './time-limit.ts';
import type { RedisAddress, RedisTarget } from './redis-settings.ts';

/** What Redis replied, or why there is no reply. An error reply keeps its text for redirections only (`MOVED 1 host:port`). */
export type RedisReply =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'fault'; readonly fault: RedisFault; readonly redirection?: string };

/** Whether it is an error that Redis replied. */
type IsReply = (error: unknown) => error is Error;

/** The few things that we need of the library's client. */
interface Wire {
  sendCommand(args: readonly string[]): Promise<unknown>;
  destroy(): void;
}

/**
 * One connection, used until its first fault and then thrown away: nothing is queued while there is none, and a new one reads its
 * credentials anew. The library's own reconnecting, queueing and time limits are off: a command that is written already has none there.
 */
export class RedisConnection {
  readonly address: RedisAddress;
  readonly #wire: Wire;
  readonly #isReply: IsReply;
  #fault: RedisFault | undefined;
  #onEnd: (fault: RedisFault) => void = () => undefined;

  constructor(address: RedisAddress, wire: Wire, isReply: IsReply) {
    this.address = address;
    this.#wire = wire;
    this.#isReply = isReply;
  }

  /** Why this connection is of no more use. */
  get fault(): RedisFault | undefined {
    return this.#fault;
  }

  /** Called once, before the commands under way hear of it; at once when it is over already. */
  onEnd(listener: (fault: RedisFault) => void): void {
    if (this.#fault === undefined) this.#onEnd = listener;
    else listener(this.#fault);
  }

  /** Never rejects, and has no time limit of its own: whoever waits ends the connection. */
  async send(command: readonly string[]): Promise<RedisReply> {
    try {
      return { kind: 'value', value: await this.#wire.sendCommand(command) };
    } catch (error) {
      return this.#fault === undefined ? faultReply(error, this.#isReply) : { kind: 'fault', fault: { ...this.#fault, sent: true } };
    }
  }

  /** Closes the socket at once. Every command under way gets this fault. */
  end(fault: RedisFault): void {
    if (this.#fault !== undefined) return;
    this.#fault = fault;
    this.#onEnd(fault);
    this.#wire.destroy();
  }
}

function faultReply(error: unknown, isReply: IsReply): RedisReply {
  if (!isReply(error)) return { kind: 'fault', fault: connectionFault(error, true) };
  const redirection = /^(?:MOVED|ASK) \d+ \S+$/.exec(error.message)?.[0];
  return { kind: 'fault', fault: replyFault(error.message), ...(redirection !== undefined && { redirection }) };
}

/** Connects, encrypts, logs in and selects the database, all within `ms`. Rejects with StoreUnavailableError. */
export async function openConnection(target: RedisTarget, ms: number, timer: Timer): Promise<RedisConnection> {
  // Loaded by those who use Redis only: it is large.
  const { createClient, ErrorReply } = await import('@redis/client');
  const isReply: IsReply = (error): error is Error => error instanceof ErrorReply;
  const client = createClient(clientOptions(target, ms));
  const connection = new RedisConnection(target.address, client, isReply);
  // Also keeps the library's `error` events from ending the process.
  client.on('error', (error: unknown) => connection.end(connectionFault(error, true)));
  // An attempt that was given up goes on inside the library until it is connected.
  client.on('connect', () => {
    if (connection.fault !== undefined) client.destroy();
  });
  return new Promise((resolve, reject) => {
    const fail = ({ reason, leave }: RedisFault): void => {
      connection.end({ reason, sent: false, leave });
      reject(new StoreUnavailableError(reason, false));
    };
    const cancel = timeLimit(ms, () => fail({ reason: 'connect_timeout', sent: false, leave: true }), timer);
    client
      .connect()
      .finally(cancel)
      .then(
        () => resolve(connection),
        (error: unknown) => fail(isReply(error) ? replyFault(error.message) : connectionFault(error, false)),
      );
  });
}

/** RESP 2 has exactly the values that scripts return, and needs no rights beyond those of the commands we send. */
function clientOptions({ address, username, password, database, lookup, tls }: RedisTarget, ms: number) {
  const common = {
    host: address.host,
    port: address.port,
    // Closes what is left of an attempt that was given up.
    connectTimeout: 2 * ms,
    lookup,
    reconnectStrategy: false,
    noDelay: true,
    keepAlive: true,
  } as const;
  return {
    RESP: 2,
    socket: tls === undefined ? common : { ...common, ...tlsOptions(tls, address.host) },
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: password.reveal() }),
    database,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    commandOptions: { timeout: 0 },
  } as const;
}

/** A name is also told to the server, which may have certificates for several; an address cannot be (RFC 6066 §3). */
function tlsOptions({ ca, serverName }: NonNullable<RedisTarget['tls']>, host: string) {
  const name = serverName ?? (isIP(host) === 0 ? host : undefined);
  return { tls: true as const, ...(ca && { ca: [...ca] }), ...(name !== undefined && { servername: name }) };
}
