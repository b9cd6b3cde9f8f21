import type { Timer } from '../kernel/timer.ts';
import { checkClusterNode, checkMaster, checkNamedMaster } from './redis-checks.ts';
import { RedisCluster } from './redis-cluster.ts';
import { openConnection, type RedisReply } from './redis-connection.ts';
import { RedisEntrance } from './redis-entrance.ts';
import { findMaster, RedisInquiry } from './redis-inquiry.ts';
import { RedisNode, type RedisCheck, type RedisState } from './redis-node.ts';
import { parseAddress, type RedisAddress, type RedisSettings, type RedisTarget } from './redis-settings.ts';

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

/** What the settings describe: one server, the master that sentinels name, or the masters of a cluster. */
export function createTopology(options: TopologyOptions): RedisTopology {
  const { settings } = options;
  const entrance = new RedisEntrance(settings);
  if (settings.cluster !== undefined) return clusterOf(settings.cluster.nodes, entrance, options);
  if (settings.sentinel !== undefined) return masterOf(settings.sentinel, entrance, options);
  const address = parseAddress(new URL(settings.url ?? '').host);
  return nodeAt(() => Promise.resolve(address), checkMaster, entrance, options);
}

function nodeAt(locate: () => Promise<RedisAddress>, check: RedisCheck, entrance: RedisEntrance, options: TopologyOptions): RedisNode {
  const { settings, connectWithin, timer } = options;
  const open = async () => openConnection(await entrance.to(await locate()), connectWithin, timer);
  return new RedisNode({ ...options, timeout: settings.timeout, check, open });
}

function masterOf({ master, nodes }: NonNullable<RedisSettings['sentinel']>, entrance: RedisEntrance, options: TopologyOptions): RedisNode {
  const sentinels = inquiry(nodes, (address) => entrance.toSentinel(address), options);
  const locate = (): Promise<RedisAddress> => findMaster(sentinels, master);
  return nodeAt(locate, checkNamedMaster(locate), entrance, options);
}

function clusterOf(nodes: readonly string[], entrance: RedisEntrance, options: TopologyOptions): RedisCluster {
  const seeds = inquiry(nodes, (address) => entrance.to(address), options);
  const createNode = (address: RedisAddress, onState: () => void): RedisNode =>
    nodeAt(() => Promise.resolve(address), checkClusterNode, entrance, { ...options, onState });
  return new RedisCluster({ ...options, seeds, createNode });
}

function inquiry(nodes: readonly string[], enter: (address: RedisAddress) => Promise<RedisTarget>, options: TopologyOptions): RedisInquiry {
  // One that hangs must not use up the patience that the others need.
  const within = Math.min(options.connectWithin, 2 * options.settings.timeout);
  return new RedisInquiry({ addresses: nodes.map(parseAddress), enter, within, timer: options.timer });
}
