import { afterEach, describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from '../../src/kernel/store-unavailable.ts';
import { RedisServers } from '../support/redis-server.ts';
import { openLinks } from '../support/redis-links.ts';

const APPEND = { name: 'append', lua: "redis.call('RPUSH', KEYS[1], ARGV[1]) return redis.call('LRANGE', KEYS[1], 0, -1)" };

describe('the connection to Redis', () => {
  const servers = new RedisServers();
  const links = openLinks();

  afterEach(async () => {
    links.close();
    await servers.close();
  });

  it('runs a script with its keys and arguments, and gives back what it returns', async () => {
    const redis = await servers.start();
    const { link } = await links.open({ url: redis.url });
    expect(link.status).toBe('up');
    expect(await link.run(APPEND, ['list'], ['a b'])).toEqual(['a b']);
    expect(await link.run(APPEND, ['list'], [12])).toEqual(['a b', '12']);
    expect([...link.commands]).toEqual([
      ['append', 2],
      ['append:text', 1],
    ]);
  });

  it('refuses within its time limit while the server hangs, and comes back when it wakes', async () => {
    const redis = await servers.start();
    const { link, log } = await links.open({ url: redis.url, timeout: 100 });
    redis.hang();
    const failures = await Promise.allSettled([link.run(APPEND, ['list'], ['a']), link.run(APPEND, ['list'], ['b'])]);
    expect(link.status).toBe('down');
    expect(failures.map((it) => it.status === 'rejected' && it.reason instanceof StoreUnavailableError && it.reason.reason)).toEqual([
      'timeout',
      'timeout',
    ]);
    await expect(link.run(APPEND, ['list'], ['c'])).rejects.toMatchObject({ sent: false });
    redis.wake();
    await links.until(link, 'up');
    expect(await link.run(APPEND, ['other'], ['d'])).toEqual(['d']);
    expect(log.lines.map(({ event }) => event)).toEqual(['redis_unreachable', 'redis_reachable']);
  });
});
