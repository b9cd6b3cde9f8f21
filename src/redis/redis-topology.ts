import type { Timer } from '../kernel/timer.ts';
import { checkMaster } from './redis-checks.ts';
import { openConnection, type RedisReply } from './redis-connection.ts';
import { RedisEntrance } from './redis-entrance.ts';
import { RedisNode, type RedisState } from './redis-node.ts';
import { parseAddress, type RedisSettings } from './redis-settings.ts';

export interface TopologyOptions {
  readonly settings: RedisSettings;
  readonly timer: Timer;
  readonly random: () => number;
  readonly connectWithin: number;
  readonly checkEvery: number;
  readonly onState: () => void;
}

/** One server, or several that share the keys. */
export interface RedisTopology {
  readonly state: RedisState;
  start(): Promise<void>;
  close(): void;
  /** Sends it to the server that has `key`. Rejects with StoreUnavailableError. */
  send(command: readonly string[], key: string | undefined): Promise<RedisReply>;
}

export function createTopology(options: TopologyOptions): RedisTopology {
  const { settings, timer, connectWithin } = options;
  const entrance = new RedisEntrance(settings);
  const address = parseAddress(new URL(settings.url ?? '').host);
  return new RedisNode({
    ...options,
    timeout: settings.timeout,
    check: checkMaster,
    open: async () => openConnection(await entrance.to(address), connectWithin, timer),
  });
}
