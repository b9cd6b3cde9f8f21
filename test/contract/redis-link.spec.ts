import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from '../../src/kernel/store-unavailable.ts';
import { eventually } from '../support/eventually.ts';
import { FullListener } from '../support/full-listener.ts';
import { freePort } from '../support/free-port.ts';
import { loopbackCertificate } from '../support/loopback-certificate.ts';
import { openLinks } from '../support/redis-links.ts';
import { RedisServers, type RedisServer } from '../support/redis-server.ts';

const APPEND = { name: 'append', lua: "redis.call('RPUSH', KEYS[1], ARGV[1]) return redis.call('LRANGE', KEYS[1], 0, -1)" };
const SHAPES = { name: 'shapes', lua: "return {1, 'two', false, {3, {}}}" };

/** Clients but the one that asks. */
const clientsOf = async (redis: RedisServer): Promise<number> =>
  (await redis.cli(['CLIENT', 'LIST', 'TYPE', 'normal'])).split('\n').length - 1;

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
    expect(await link.run(SHAPES, [], [])).toEqual([1, 'two', null, [3, []]]);
  });

  it('sends a script once, then only its digest, and again to a server that has lost it', async () => {
    const redis = await servers.start();
    const { link } = await links.open({ url: redis.url });
    await link.run(APPEND, ['list'], ['a']);
    await link.run(APPEND, ['list'], ['b']);
    expect(Object.fromEntries(link.commands)).toEqual({ append: 2, 'append:text': 1 });
    await redis.cli(['SCRIPT', 'FLUSH']);
    expect(await link.run(APPEND, ['list'], ['c'])).toEqual(['a', 'b', 'c']);
    expect(Object.fromEntries(link.commands)).toEqual({ append: 3, 'append:text': 2 });
  });

  it('takes what is not there for an answer and not for trouble', async () => {
    const redis = await servers.start();
    const { link, log } = await links.open({ url: redis.url });
    await link.run(APPEND, ['list'], ['a']);
    await redis.cli(['FLUSHALL']);
    expect(await link.run(APPEND, ['list'], ['b'])).toEqual(['b']);
    expect(log.lines).toEqual([]);
  });

  it('uses the database of the URL', async () => {
    const redis = await servers.start();
    const { link } = await links.open({ url: `${redis.url}/3` });
    await link.run(APPEND, ['list'], ['a']);
    expect(await redis.cli(['-n', '3', 'LLEN', 'list'])).toBe('1');
  });

  it('refuses within its time limit while the server hangs, and comes back when it wakes', async () => {
    const redis = await servers.start();
    const { link, log } = await links.open({ url: redis.url, timeout: 100 });
    const changes: string[] = [];
    link.onStatus((status) => changes.push(status));
    redis.hang();
    const runs = await Promise.allSettled([link.run(APPEND, ['list'], ['a']), link.run(APPEND, ['list'], ['b'])]);
    expect(changes).toEqual(['down']);
    expect(
      runs.map((it) => it.status === 'rejected' && it.reason instanceof StoreUnavailableError && [it.reason.reason, it.reason.sent]),
    ).toEqual([
      ['timeout', true],
      ['timeout', true],
    ]);
    await expect(link.run(APPEND, ['list'], ['c'])).rejects.toMatchObject({ sent: false });
    redis.wake();
    await links.until(link, 'up');
    expect(await link.run(APPEND, ['other'], ['d'])).toEqual(['d']);
    expect(log.lines).toEqual([
      { level: 'warn', event: 'redis_unreachable', fields: { reason: 'timeout' } },
      { level: 'info', event: 'redis_reachable', fields: {} },
    ]);
    await eventually(async () => (await clientsOf(redis)) === 1);
  });

  it('comes back to a server that was killed and started again, and brings its scripts', async () => {
    const redis = await servers.start();
    const { link, log } = await links.open({ url: redis.url }, { checkEvery: 600_000 });
    await link.run(APPEND, ['list'], ['a']);
    await redis.stop();
    await links.until(link, 'down');
    await expect(link.run(APPEND, ['list'], ['b'])).rejects.toMatchObject({ sent: false });
    await redis.start();
    await links.until(link, 'up');
    expect(await link.run(APPEND, ['list'], ['c'])).toEqual(['c']);
    expect(log.lines.map(({ event }) => event)).toEqual(['redis_unreachable', 'redis_reachable']);
  });

  it('begins without a server, refuses at once, and is there when the server is', async () => {
    const port = await freePort();
    const { link, log } = await links.open({ url: `redis://127.0.0.1:${String(port)}` });
    expect(link.status).toBe('down');
    await expect(link.run(APPEND, ['list'], ['a'])).rejects.toMatchObject({
      name: 'StoreUnavailableError',
      reason: 'econnrefused',
      sent: false,
    });
    await servers.start({ port });
    await links.until(link, 'up');
    expect(await link.run(APPEND, ['list'], ['b'])).toEqual(['b']);
    expect(log.lines).toMatchObject([{ event: 'redis_unreachable', fields: { reason: 'econnrefused' } }, { event: 'redis_reachable' }]);
  });

  it.each([
    ['timeout', []],
    ['connect_timeout', ['requirepass x']],
  ])('gives up connecting to a server that takes the connection and says nothing: %s', async (reason, config) => {
    const redis = await servers.start({ config });
    redis.hang();
    const password = config.length === 0 ? {} : { passwordFile: await links.file('x') };
    const { link, log } = await links.open({ url: redis.url, timeout: 50, ...password }, { connectWithin: 50 });
    expect(link.status).toBe('down');
    expect(log.lines).toMatchObject([{ fields: { reason } }]);
    redis.wake();
    await links.until(link, 'up');
  });

  it('notices an idle connection that has died', async () => {
    const redis = await servers.start();
    const { link } = await links.open({ url: redis.url, timeout: 50 }, { checkEvery: 20 });
    redis.hang();
    await links.until(link, 'down');
    redis.wake();
    await links.until(link, 'up');
  });

  it('does not write to a replica, and leaves a master that becomes one', async () => {
    const [master, other] = [await servers.start(), await servers.start()];
    await other.cli(['REPLICAOF', '127.0.0.1', String(master.port)]);
    const { link, log } = await links.open({ url: other.url });
    expect(log.lines).toMatchObject([{ event: 'redis_unreachable', fields: { reason: 'readonly' } }]);
    await other.cli(['REPLICAOF', 'NO', 'ONE']);
    await links.until(link, 'up');
    await other.cli(['REPLICAOF', '127.0.0.1', String(master.port)]);
    await expect(link.run(APPEND, ['list'], ['a'])).rejects.toMatchObject({ reason: 'readonly', sent: false });
    expect(link.status).toBe('down');
    expect(log.of('redis_unreachable')).toHaveLength(2);
  });

  it('waits for a server that loads what it has on disk', async () => {
    // 100 keys of 20 ms each.
    const redis = await servers.start({ config: ['key-load-delay 20000', 'loading-process-events-interval-bytes 1024'] });
    await redis.cli(['EVAL', "for i = 1, 100 do redis.call('SET', i, string.rep(tostring(i), 400)) end", '0']);
    await redis.cli(['CONFIG', 'SET', 'rdbcompression', 'no']);
    await redis.cli(['SAVE']);
    const { link, log } = await links.open({ url: redis.url });
    await redis.stop();
    const serving = redis.start();
    const states: string[] = [];
    link.onStatus((status) => states.push(status));
    await serving;
    await links.until(link, 'up');
    expect(await link.run(APPEND, ['list'], ['a'])).toEqual(['a']);
    expect(states.filter((it) => it === 'up')).toHaveLength(1);
    expect(log.lines.map(({ event }) => event)).toEqual(['redis_unreachable', 'redis_reachable']);
  });

  it('leaves a server that is kept busy by a script of somebody else, until it is not', async () => {
    const redis = await servers.start({ config: ['busy-reply-threshold 1'] });
    const { link } = await links.open({ url: redis.url }, { checkEvery: 10 });
    const endless = redis.cli(['EVAL', 'while true do end', '0']);
    await links.until(link, 'down');
    await expect(link.run(APPEND, ['list'], ['a'])).rejects.toMatchObject({ sent: false });
    await redis.cli(['SCRIPT', 'KILL']);
    await endless;
    await links.until(link, 'up');
  });

  it('keeps no socket of an attempt that was given up', async () => {
    const silent = await FullListener.start();
    const connecting = (): boolean => process.getActiveResourcesInfo().includes('ConnectWrap');
    let attempts = 0;
    const random = (): number => Math.min(1, ++attempts);
    await links.open({ url: `redis://127.0.0.1:${String(silent.port)}` }, { connectWithin: 20, random });
    await eventually(() => attempts === 6 && !connecting());
    await silent.close();
  });

  it('keeps no connection of an attempt that was given up and got through after all', async () => {
    const certificate = loopbackCertificate(Date.now());
    const redis = await servers.start({ certificate });
    let joined = 0;
    const slow = createServer((client) => {
      const late = joined++ === 0 ? 75 : 0;
      const server = connect(redis.port, '127.0.0.1');
      for (const socket of [client, server]) socket.on('error', () => undefined);
      client.on('close', () => server.destroy());
      setTimeout(() => client.pipe(server).pipe(client), late);
    });
    await once(slow.listen(0, '127.0.0.1'), 'listening');
    const address = slow.address();
    const url = `rediss://127.0.0.1:${String(typeof address === 'object' ? address?.port : '')}`;
    const { link } = await links.open({ url, caFile: redis.certificateFile }, { connectWithin: 50 });
    await links.until(link, 'up');
    await eventually(async () => (await clientsOf(redis)) === 1);
    slow.close();
  });

  it('says so when there is no memory, and stays connected', async () => {
    const redis = await servers.start();
    const { link, log } = await links.open({ url: redis.url });
    await redis.cli(['CONFIG', 'SET', 'maxmemory', '1']);
    for (const key of ['list', 'other']) {
      await expect(link.run(APPEND, [key], ['a'])).rejects.toMatchObject({ reason: 'oom', sent: false });
    }
    expect(link.status).toBe('up');
    expect(log.lines).toEqual([{ level: 'warn', event: 'redis_error', fields: { reason: 'oom' } }]);
    await redis.cli(['CONFIG', 'SET', 'maxmemory', '0']);
    expect(await link.run(APPEND, ['list'], ['b'])).toEqual(['b']);
  });

  it('takes a script that is wrong for trouble of the store, and keeps what Redis says about it to itself', async () => {
    const redis = await servers.start();
    const { link } = await links.open({ url: redis.url });
    const failure = await link.run({ name: 'wrong', lua: "error('canary')" }, [], []).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'StoreUnavailableError', reason: 'error_reply', sent: true });
    expect(String(failure)).not.toContain('canary');
  });

  it('survives a peer that is no Redis', async () => {
    const web = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await once(web.listen(0, '127.0.0.1'), 'listening');
    const address = web.address();
    const { link } = await links.open({ url: `redis://127.0.0.1:${String(typeof address === 'object' ? address?.port : '')}` });
    expect(link.status).toBe('down');
    web.close();
  });

  it('ends its connection and its attempts', async () => {
    const redis = await servers.start();
    const { link, log } = await links.open({ url: redis.url });
    link.close();
    await expect(link.run(APPEND, ['list'], ['a'])).rejects.toMatchObject({ reason: 'closed', sent: false });
    await eventually(async () => (await clientsOf(redis)) === 0);
    expect([link.status, log.lines]).toEqual(['down', []]);
  });
});
