import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/kernel/secret.ts';
import { eventually } from '../support/eventually.ts';
import { loopbackCertificate } from '../support/loopback-certificate.ts';
import { openLinks } from '../support/redis-links.ts';
import { RedisServers, type RedisServer, type RedisWishes } from '../support/redis-server.ts';

const APPEND = { name: 'append', lua: "redis.call('RPUSH', KEYS[1], ARGV[1]) return redis.call('LRANGE', KEYS[1], 0, -1)" };

describe('the connection to Redis through sentinels', () => {
  const servers = new RedisServers();
  const links = openLinks();

  afterEach(async () => {
    links.close();
    await servers.close();
  });

  /** A master, a replica that has all it has, and a sentinel that knows both. */
  async function startThree(wishes: RedisWishes = {}) {
    const { config = [] } = wishes;
    const master = await servers.start(wishes);
    const replica = await servers.start({
      ...wishes,
      config: [...config, `replicaof 127.0.0.1 ${String(master.port)}`],
    });
    await eventually(async () => (await replica.cli(['INFO', 'replication'])).includes('master_link_status:up'));
    const sentinel = await startSentinel(master, wishes);
    await eventually(async () => (await sentinel.cli(['SENTINEL', 'REPLICAS', 'shared'])).includes(String(replica.port)));
    return { master, replica, sentinel };
  }

  const startSentinel = (master: RedisServer, wishes: RedisWishes = {}): Promise<RedisServer> =>
    servers.start({
      ...wishes,
      sentinel: true,
      config: [
        ...(wishes.config ?? []),
        `sentinel monitor shared 127.0.0.1 ${String(master.port)} 1`,
        'sentinel down-after-milliseconds shared 200',
        'sentinel failover-timeout shared 2000',
      ],
    });

  const connectionsOf = async (server: RedisServer): Promise<number> =>
    Number(/total_connections_received:(\d+)/.exec(await server.cli(['INFO', 'stats']))?.[1]);

  const at = (...sentinels: readonly RedisServer[]) => ({
    sentinel: { master: 'shared', nodes: sentinels.map(({ port }) => `127.0.0.1:${String(port)}`) },
  });

  it('finds the new master after a failover, with what the old one had, and stays there when the old one comes back', async () => {
    const { master, replica, sentinel } = await startThree();
    const { link, log } = await links.open({ ...at(sentinel), timeout: 100 }, { checkEvery: 50 });
    expect(await link.run(APPEND, ['list'], ['before'])).toEqual(['before']);
    await eventually(async () => (await replica.cli(['LLEN', 'list'])) === '1');
    master.hang();
    await links.until(link, 'down');
    await links.until(link, 'up');
    master.wake();
    expect(await link.run(APPEND, ['list'], ['after'])).toEqual(['before', 'after']);
    expect(await replica.cli(['LLEN', 'list'])).toBe('2');
    expect(log.lines.map(({ event }) => event)).toEqual(['redis_unreachable', 'redis_reachable']);
  });

  it('leaves a master that still serves when the sentinels name another one', async () => {
    const [master, other] = [await servers.start(), await servers.start()];
    const sentinel = await startSentinel(master);
    const { link, log } = await links.open(at(sentinel), { checkEvery: 20 });
    await sentinel.cli(['SENTINEL', 'REMOVE', 'shared']);
    await sentinel.cli(['SENTINEL', 'MONITOR', 'shared', '127.0.0.1', String(other.port), '1']);
    await links.until(link, 'down');
    await links.until(link, 'up');
    await link.run(APPEND, ['list'], ['a']);
    expect(await other.cli(['LLEN', 'list'])).toBe('1');
    expect(log.of('redis_unreachable')).toMatchObject([{ fields: { reason: 'demoted' } }]);
  });

  it('asks one that hangs once, and then those that answer', async () => {
    let asked = 0;
    const hanging = createServer((socket) => {
      asked++;
      socket.on('error', () => undefined);
    });
    await once(hanging.listen(0, '127.0.0.1'), 'listening');
    const address = hanging.address();
    const first = `127.0.0.1:${String(typeof address === 'object' ? address?.port : '')}`;
    const sentinel = await startSentinel(await servers.start());
    const { nodes } = at(sentinel).sentinel;
    await links.open({ sentinel: { master: 'shared', nodes: [first, ...nodes] }, timeout: 50 }, { checkEvery: 10 });
    const before = await connectionsOf(sentinel);
    await eventually(async () => (await connectionsOf(sentinel)) > before + 10);
    expect(asked).toBe(1);
    hanging.close();
  });

  it('asks the next sentinel when one hangs or does not know the master', async () => {
    const master = await servers.start();
    const other = await startSentinel(master);
    const [hanging, knowing] = [await startSentinel(master), await startSentinel(master)];
    await other.cli(['SENTINEL', 'REMOVE', 'shared']);
    hanging.hang();
    const { link } = await links.open({ ...at(other, hanging, knowing), timeout: 50 });
    expect(link.status).toBe('up');
  });

  it('says that it found no master while no sentinel knows one, and goes on asking', async () => {
    const master = await servers.start();
    const sentinel = await startSentinel(master);
    await sentinel.cli(['SENTINEL', 'REMOVE', 'shared']);
    const { link, log } = await links.open(at(sentinel));
    expect(log.lines).toEqual([{ level: 'warn', event: 'redis_unreachable', fields: { reason: 'nobody_knows' } }]);
    await sentinel.cli(['SENTINEL', 'MONITOR', 'shared', '127.0.0.1', String(master.port), '1']);
    await links.until(link, 'up');
  });

  it('uses TLS and the password of the settings at the servers, and TLS without a password at the sentinels', async () => {
    const certificate = loopbackCertificate(Date.now());
    const master = await servers.start({ certificate, config: ['requirepass s3cret'] });
    const sentinel = await startSentinel(master, { certificate });
    const { link } = await links.open({ ...at(sentinel), tls: true, caFile: master.certificateFile, password: new Secret('s3cret') });
    expect(await link.run(APPEND, ['list'], ['a'])).toEqual(['a']);
  });
});
