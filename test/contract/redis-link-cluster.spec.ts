import { afterEach, describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/kernel/secret.ts';
import { keySlot } from '../../src/redis/key-slot.ts';
import { eventually } from '../support/eventually.ts';
import { startCluster, startReplica } from '../support/redis-cluster.ts';
import { openLinks } from '../support/redis-links.ts';
import { RedisServers, type RedisServer } from '../support/redis-server.ts';

const APPEND = {
  name: 'append',
  lua: "redis.call('RPUSH', KEYS[1], ARGV[1]) redis.call('SET', KEYS[2], 1) return redis.call('LRANGE', KEYS[1], 0, -1)",
};
const PUSH = { name: 'push', lua: "redis.call('RPUSH', KEYS[1], ARGV[1]) return redis.call('LRANGE', KEYS[1], 0, -1)" };
/** As docs/redis.md has them, with the prefix of these tests; the commands of the script come on top. */
const RIGHTS = '~test:* +evalsha +eval +ping +role +cluster|slots +cluster|info +asking +set';
const keysOf = (tag: string): readonly string[] => [`test:{${tag}}:list`, `test:{${tag}}:mark`];

describe('the connection to a Redis cluster', () => {
  const servers = new RedisServers();
  const links = openLinks();

  afterEach(async () => {
    links.close();
    await servers.close();
  });

  const at = (...nodes: readonly RedisServer[]) => ({ cluster: { nodes: nodes.map(({ port }) => `127.0.0.1:${String(port)}`) } });

  /** A tag whose keys lie on this of three masters. */
  const tagOn = (master: number): string => {
    const tags = Array.from({ length: 1_000 }, (_, n) => `s${String(n)}`);
    return tags.find((tag) => Math.floor((keySlot(tag) * 3) / 16_384) === master) ?? '';
  };

  it('runs each script where its keys are, as a user with the rights that the manual asks for', async () => {
    const nodes = await startCluster(servers, 3, { config: [`user app on >s3cret ${RIGHTS} +rpush +lrange`] });
    const { link } = await links.open({ ...at(...nodes.slice(0, 1)), username: 'app', password: new Secret('s3cret') });
    for (const master of [0, 1, 2]) {
      expect(await link.run(APPEND, keysOf(tagOn(master)), ['a'])).toEqual(['a']);
      expect(await nodes[master]?.cli(['DBSIZE'])).toBe('2');
      expect(await nodes[master]?.cli(['ACL', 'LOG'])).toBe('');
    }
    expect(link.status).toBe('up');
  });

  it('follows keys that are moving, and keys that have moved', async () => {
    const [from, to, ...others] = await startCluster(servers, 3);
    if (from === undefined || to === undefined) throw new Error('three nodes');
    const { link } = await links.open(at(from), { checkEvery: 600_000 });
    const both = keysOf(tagOn(0));
    const keys = both.slice(0, 1);
    const slot = String(keySlot(keys[0] ?? ''));
    const [fromId, toId] = [await from.cli(['CLUSTER', 'MYID']), await to.cli(['CLUSTER', 'MYID'])];
    await to.cli(['CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId]);
    await from.cli(['CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId]);
    expect(await link.run(PUSH, keys, ['asked'])).toEqual(['asked']);
    expect(await to.cli(['DBSIZE'])).toBe('1');
    await expect(link.run(APPEND, both, ['split'])).rejects.toMatchObject({ reason: 'tryagain', sent: false });
    for (const node of [to, from, ...others]) await node.cli(['CLUSTER', 'SETSLOT', slot, 'NODE', toId]);
    expect(await link.run(APPEND, both, ['moved'])).toEqual(['asked', 'moved']);
    // One more detour at most, until it is known who has the slot now.
    const detours = async (): Promise<string> => /errorstat_MOVED:count=\d+/.exec(await from.cli(['INFO', 'errorstats']))?.[0] ?? '';
    await eventually(async () => {
      const before = await detours();
      expect(await link.run(APPEND, both, ['again'])).toContain('again');
      return (await detours()) === before;
    });
  });

  it('goes on with the keys of the others while one master hangs', async () => {
    const nodes = await startCluster(servers, 3, { config: ['cluster-require-full-coverage no'] });
    const { link, log } = await links.open({ ...at(...nodes), timeout: 100 });
    nodes[1]?.hang();
    await expect(link.run(APPEND, keysOf(tagOn(1)), ['a'])).rejects.toMatchObject({ reason: 'timeout', sent: true });
    expect(link.status).toBe('down');
    await expect(link.run(APPEND, keysOf(tagOn(1)), ['a'])).rejects.toMatchObject({ sent: false });
    expect(await link.run(APPEND, keysOf(tagOn(0)), ['a'])).toEqual(['a']);
    nodes[1]?.wake();
    await links.until(link, 'up');
    expect(await link.run(APPEND, keysOf(tagOn(1)), ['b'])).toContain('b');
    expect(log.lines.map(({ event }) => event)).toEqual(['redis_unreachable', 'redis_reachable']);
  });

  it('finds the replica that took over from a master', async () => {
    const nodes = await startCluster(servers, 3);
    const [first] = nodes;
    if (first === undefined) throw new Error('three nodes');
    const replica = await startReplica(servers, first);
    const { link } = await links.open(at(...nodes));
    await first.stop();
    await links.until(link, 'down');
    await links.until(link, 'up');
    expect(await link.run(APPEND, keysOf(tagOn(0)), ['a'])).toEqual(['a']);
    expect(await replica.cli(['DBSIZE'])).toBe('2');
    await first.start();
    await eventually(async () => (await first.cli(['INFO', 'replication'])).includes('master_link_status:up'));
    expect((await first.cli(['CLIENT', 'LIST', 'TYPE', 'normal'])).split('\n')).toHaveLength(1);
  });
});
