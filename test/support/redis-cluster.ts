import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import type { RedisServer, RedisServers, RedisWishes } from './redis-server.ts';

const SLOTS = 16_384;

/** A cluster of masters, the slots in equal parts; `cluster-node-timeout` is what a failover takes at least. */
export async function startCluster(servers: RedisServers, masters: number, wishes: RedisWishes = {}): Promise<readonly RedisServer[]> {
  const nodes = await Promise.all(Array.from({ length: masters }, () => startNode(servers, wishes)));
  const first = nodes[0]?.server;
  for (const [index, { server, busPort }] of nodes.entries()) {
    const [from, to] = [Math.ceil((SLOTS * index) / masters), Math.ceil((SLOTS * (index + 1)) / masters) - 1];
    await server.cli(['CLUSTER', 'ADDSLOTSRANGE', String(from), String(to)]);
    if (server !== first) await first?.cli(meet(server, busPort));
  }
  await Promise.all(nodes.map(({ server }) => eventually(() => serves(server))));
  return nodes.map(({ server }) => server);
}

/** One more node that follows a master. */
export async function startReplica(servers: RedisServers, master: RedisServer, wishes: RedisWishes = {}): Promise<RedisServer> {
  const { server, busPort } = await startNode(servers, wishes);
  await master.cli(meet(server, busPort));
  const id = await master.cli(['CLUSTER', 'MYID']);
  await eventually(async () => (await server.cli(['CLUSTER', 'REPLICATE', id])) === 'OK');
  await eventually(async () => (await server.cli(['INFO', 'replication'])).includes('master_link_status:up'));
  // Only then does it know the others, who have a say in whether it takes over.
  await eventually(() => serves(server));
  return server;
}

const serves = async (server: RedisServer): Promise<boolean> => (await server.cli(['CLUSTER', 'INFO'])).includes('cluster_state:ok');

async function startNode(
  servers: RedisServers,
  { config = [], ...wishes }: RedisWishes,
): Promise<{ server: RedisServer; busPort: number }> {
  const busPort = await freePort();
  const lines = ['cluster-enabled yes', `cluster-port ${String(busPort)}`, 'cluster-node-timeout 500', ...config];
  return { busPort, server: await servers.start({ ...wishes, config: lines }) };
}

const meet = (server: RedisServer, busPort: number): readonly string[] => [
  'CLUSTER',
  'MEET',
  '127.0.0.1',
  String(server.port),
  String(busPort),
];
