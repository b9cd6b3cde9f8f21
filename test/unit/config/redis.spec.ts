import { describe, expect, it } from '@jest/globals';
import { config, load, pathsOf, problems, TLS_FILES, yamlOf } from './sample.ts';
import { dumpConfig } from '../../../src/config/dump-config.ts';

const PASSWORD = 'pa:ss@wo/rd# é';
const files = { ...TLS_FILES, '/run/redis': `${PASSWORD}\n`, '/tls/page': '<!doctype html>' };
const redis = (section: string) => ({ yaml: yamlOf({ redis: `{ ${section} }` }), files });
const URL_RULE = 'redis.url';
const CLUSTER = 'cluster: { nodes: ["r1:6379"] }';

const GOOD: readonly string[] = [
  'url: "redis://redis"',
  'url: "rediss://user@redis:6380/3", caFile: /tls/client.pem, serverName: redis.internal',
  'url: "redis://us%40er@[::1]:6379"',
  'url: "redis://redis", username: app, passwordFile: /run/redis',
  'sentinel: { master: mymaster, nodes: ["s1:26379", "[::1]:26379"] }, tls: true, username: app, password: x',
  `${CLUSTER}, tls: true, caFile: /tls/client.pem`,
];

const REFUSED: readonly (readonly [string, string, string])[] = [
  ['nothing at all', '', 'redis'],
  ['no server', 'password: x', 'redis'],
  ['two kinds at once', `url: "redis://redis", ${CLUSTER}`, 'redis'],
  ['another scheme', 'url: "http://redis"', URL_RULE],
  ['a socket', 'url: "unix:///run/redis.sock"', URL_RULE],
  ['a password in the URL', 'url: "redis://user:pw@redis"', URL_RULE],
  ['an empty password in the URL', 'url: "redis://user:@redis"', URL_RULE],
  ['a user that cannot be decoded', 'url: "redis://%zz@redis"', URL_RULE],
  ['no host', 'url: "redis://:6379"', URL_RULE],
  ['a database that is no number', 'url: "redis://redis/a"', URL_RULE],
  ['a query', 'url: "redis://redis?tls=1"', URL_RULE],
  ['two users', 'url: "redis://a@redis", username: b', 'redis.username'],
  ['TLS beside a URL', 'url: "redis://redis", tls: true', 'redis.tls'],
  ['authorities without TLS', 'url: "redis://redis", caFile: /tls/client.pem', 'redis.caFile'],
  ['a certificate name without TLS', `${CLUSTER}, serverName: redis`, 'redis.serverName'],
  ['authorities that are none', 'url: "rediss://redis", caFile: /tls/page', 'redis.caFile'],
  ['no sentinel', 'sentinel: { master: m, nodes: [] }', 'redis.sentinel.nodes'],
  ['no name of the master', 'sentinel: { nodes: ["s1:26379"] }', 'redis.sentinel.master'],
  ['a node without a port', 'cluster: { nodes: [r1] }', 'redis.cluster.nodes'],
  ['a node as a URL', 'cluster: { nodes: ["redis://r1:6379"] }', 'redis.cluster.nodes'],
  ['a port that does not exist', 'cluster: { nodes: ["r1:70000"] }', 'redis.cluster.nodes'],
  ['a key prefix with a hash tag', 'url: "redis://redis", keyPrefix: "{a}:"', 'redis.keyPrefix'],
  ['a time limit too short', 'url: "redis://redis", timeout: 1ms', 'redis.timeout'],
  ['a password file that is not there', 'url: "redis://redis", passwordFile: /nowhere', 'redis.passwordFile'],
];

describe('the configuration of Redis', () => {
  it.each(GOOD)('is taken: %s', (section) => {
    expect(problems(redis(section))).toEqual([]);
  });

  it.each(REFUSED)('is refused with %s', (_, section, path) => {
    expect(pathsOf(redis(section))).toEqual([path]);
  });

  it('has defaults for what is not said', () => {
    expect(config(redis('url: "redis://redis"')).redis).toMatchObject({ tls: false, keyPrefix: 'cloakroom:', timeout: 300 });
    expect(config({ yaml: yamlOf() }).redis).toBeUndefined();
  });

  it('reads a password out of its file, and keeps the name of the file so that it can be read again', () => {
    const section = config(redis('url: "redis://redis", passwordFile: /run/redis')).redis;
    expect(section?.password?.reveal()).toBe(PASSWORD);
    expect(section?.passwordFile).toBe('/run/redis');
    expect(config(redis('url: "redis://redis", password: x')).redis).not.toHaveProperty('passwordFile');
  });

  it('comes from the environment too', () => {
    const env = {
      CLOAKROOM_REDIS_CLUSTER_NODES: 'r1:6379,r2:6379',
      CLOAKROOM_REDIS_PASSWORD_FILE: '/run/redis',
      CLOAKROOM_REDIS_TLS: 'true',
    };
    expect(config({ yaml: yamlOf(), env, files }).redis).toMatchObject({
      cluster: { nodes: ['r1:6379', 'r2:6379'] },
      passwordFile: '/run/redis',
      tls: true,
    });
  });

  it('is shown without its password', () => {
    const loaded = load(redis('url: "redis://user@redis", passwordFile: /run/redis'));
    const dump = loaded.kind === 'ok' ? dumpConfig(loaded.config) : '';
    expect(dump).toContain('url: redis://user@redis');
    expect(dump).toContain('[secret]');
    expect(dump).not.toContain('pa:ss');
  });
});
