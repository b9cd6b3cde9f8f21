import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/kernel/secret.ts';
import { eventually } from '../support/eventually.ts';
import { loopbackCertificate } from '../support/loopback-certificate.ts';
import { openLinks } from '../support/redis-links.ts';
import { RedisServers } from '../support/redis-server.ts';

const PUSH = { name: 'push', lua: "return redis.call('RPUSH', KEYS[1], ARGV[1])" };
/** As docs/redis.md has them, with the prefix of these tests; the command of the script comes on top. */
const RIGHTS = '~test:* +evalsha +eval +ping +role +rpush';
const SPECIAL = 'p@ss:w/ör#d %41?&"\'\\';
/** As redis.conf wants it. */
const quoted = (word: string): string => `"${word.replaceAll(/["\\]/g, '\\$&')}"`;

describe('who may connect to Redis', () => {
  const servers = new RedisServers();
  const links = openLinks();

  afterEach(async () => {
    links.close();
    await servers.close();
  });

  it('logs in as the user of the URL, with any password, to any database, and needs few rights', async () => {
    const redis = await servers.start({ config: [`user us@er on ${quoted(`>${SPECIAL}`)} ${RIGHTS} +select`] });
    const { link, log } = await links.open({ url: `${redis.url.replace('//', '//us%40er@')}/2`, password: new Secret(SPECIAL) });
    expect(await link.run(PUSH, ['test:list'], ['a'])).toBe(1);
    expect(await redis.cli(['ACL', 'LOG'])).toBe('');
    expect(log.lines).toEqual([]);
  });

  it.each(['app', 'default'])('logs in without a password as %s, who needs none', async (user) => {
    const redis = await servers.start({ config: [`user app on nopass ${RIGHTS}`] });
    const { link } = await links.open({ url: redis.url.replace('//', `//${user}@`) });
    expect(await link.run(PUSH, ['test:list'], ['a'])).toBe(1);
  });

  it('does without the rights to ask how the server is', async () => {
    const redis = await servers.start({ config: [`user app on >x ~test:* +evalsha +eval +rpush`] });
    const { link } = await links.open({ url: redis.url, username: 'app', password: new Secret('x') }, { checkEvery: 10 });
    expect(await link.run(PUSH, ['test:list'], ['a'])).toBe(1);
    await eventually(async () => (await redis.cli(['ACL', 'LOG'])).split('role').length > 2);
    expect(link.status).toBe('up');
  });

  it('says once that a right is missing', async () => {
    const redis = await servers.start({ config: [`user app on >x ~test:* +evalsha +eval`] });
    const { link, log } = await links.open({ url: redis.url, username: 'app', password: new Secret('x') });
    for (const key of ['test:list', 'other:list']) {
      await expect(link.run(PUSH, [key], ['a'])).rejects.toMatchObject({ reason: 'noperm' });
    }
    expect(log.lines).toEqual([{ level: 'error', event: 'redis_refused', fields: { reason: 'noperm' } }]);
    expect(link.status).toBe('up');
  });

  it.each([
    ['noauth', ['requirepass right'], undefined],
    ['wrongpass', ['requirepass right'], 'canary-wrong'],
    ['unexpected_password', [], 'canary-wrong'],
  ])('says once that it is not let in, and never with what: %s', async (reason, config, password) => {
    const redis = await servers.start({ config });
    const { link, log } = await links.open({ url: redis.url, ...(password !== undefined && { password: new Secret(password) }) });
    await expect(link.run(PUSH, ['test:list'], ['a'])).rejects.toMatchObject({ reason, sent: false });
    // Some attempts later.
    const failures = async (): Promise<number> =>
      Number(/total_connections_received:(\d+)/.exec(await redis.cli(['INFO', 'stats'], { user: 'default', password: 'right' }))?.[1] ?? 0);
    if (config.length > 0) {
      const before = await failures();
      await eventually(async () => (await failures()) > before + 3);
    }
    expect(log.lines).toEqual([{ level: 'error', event: 'redis_refused', fields: { reason } }]);
    expect(JSON.stringify(log.lines)).not.toContain('canary');
  });

  it('reads a rotated password out of its file at the next connection, without a restart', async () => {
    const redis = await servers.start({ config: [`user app on >first ${RIGHTS}`] });
    const passwordFile = await links.file('first\n');
    const { link, log } = await links.open({ url: redis.url, username: 'app', passwordFile });
    await redis.cli(['ACL', 'SETUSER', 'app', '>second', '<first']);
    expect(await link.run(PUSH, ['test:list'], ['still let in'])).toBe(1);
    await redis.cli(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    await eventually(() => log.of('redis_refused').length === 1);
    await writeFile(passwordFile, 'second\n');
    await links.until(link, 'up');
    expect(await link.run(PUSH, ['test:list'], ['let in again'])).toBe(2);
    expect(log.lines.map(({ event, fields }) => [event, fields['reason']])).toEqual([
      ['redis_unreachable', 'connection_lost'],
      ['redis_refused', 'wrongpass'],
      ['redis_reachable', undefined],
    ]);
  });

  it('waits for a password file that is empty or gone for a moment', async () => {
    const redis = await servers.start({ config: ['requirepass right'] });
    const passwordFile = await links.file('\n');
    const { link, log } = await links.open({ url: redis.url, passwordFile });
    expect(log.lines).toMatchObject([{ event: 'redis_refused', fields: { reason: 'password_file' } }]);
    await writeFile(passwordFile, 'right');
    await links.until(link, 'up');
  });

  describe('over TLS', () => {
    const certificate = loopbackCertificate(Date.now());
    const named = loopbackCertificate(Date.now(), { hosts: ['redis.internal'] });

    it('trusts the authorities of the file, at the address it connects to', async () => {
      const redis = await servers.start({ certificate });
      const { link } = await links.open({ url: redis.url, caFile: redis.certificateFile });
      expect(await link.run(PUSH, ['test:list'], ['a'])).toBe(1);
    });

    it('refuses a certificate that nobody vouches for', async () => {
      const redis = await servers.start({ certificate });
      const { log } = await links.open({ url: redis.url });
      expect(log.lines).toMatchObject([{ event: 'redis_unreachable', fields: { reason: 'depth_zero_self_signed_cert' } }]);
    });

    it('refuses a certificate of another name, and takes the name that the configuration says', async () => {
      const redis = await servers.start({ certificate: named });
      const { log } = await links.open({ url: redis.url, caFile: redis.certificateFile });
      expect(log.lines).toMatchObject([{ event: 'redis_unreachable', fields: { reason: 'err_tls_cert_altname_invalid' } }]);
      const { link } = await links.open({ url: redis.url, caFile: redis.certificateFile, serverName: 'redis.internal' });
      expect(link.status).toBe('up');
    });

    it.each([
      ['the host', undefined, 'localhost'],
      ['the name of the configuration', 'redis.internal', 'redis.internal'],
    ])('tells the server which certificate it wants: that of %s', async (_, serverName, told) => {
      const { cert, key } = certificate;
      const names: string[] = [];
      const server = createServer({ cert, key, SNICallback: (name, done) => done(null, void names.push(name)) });
      server.on('tlsClientError', () => undefined);
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const address = server.address();
      const port = String(typeof address === 'object' ? address?.port : '');
      await links.open({ url: `rediss://localhost:${port}`, ...(serverName !== undefined && { serverName }) });
      expect(names[0]).toBe(told);
      server.close();
    });

    it('does not speak to a server that has no TLS', async () => {
      const redis = await servers.start();
      const { link } = await links.open({ url: redis.url.replace('redis:', 'rediss:') }, { connectWithin: 200 });
      expect(link.status).toBe('down');
    });
  });
});
