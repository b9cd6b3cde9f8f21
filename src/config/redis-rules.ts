import { isIPv6 } from 'node:net';
import type { ConfigProblem } from './constraints.ts';
import type { RedisSection } from './sections/redis-section.ts';

const URL_SHAPE = /^rediss?:\/\/[^/?#\\\s]+(?:\/\d{0,4})?$/;

/** `redis:` or `rediss:`, an optional user without a password, a host, an optional port and database number. */
export function isRedisUrl(text: string): boolean {
  if (!URL_SHAPE.test(text) || !URL.canParse(text)) return false;
  const { hostname, password, username } = new URL(text);
  return hostname !== '' && password === '' && !text.includes(':@') && isDecodable(username);
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false; // a stray percent sign
  }
}

/** `host:port` or `[IPv6]:port`. */
export function isHostPort(text: string): boolean {
  const [, six, host, port] = /^(?:\[([^\]]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text) ?? [];
  const isHost = host !== undefined || (six !== undefined && isIPv6(six));
  return isHost && Number(port) >= 1 && Number(port) <= 65_535;
}

/** How the keys of the section go together. */
export function redisProblems({ redis }: { readonly redis?: RedisSection }): readonly ConfigProblem[] {
  if (redis === undefined) return [];
  const { url, sentinel, cluster, username, tls, caFile, serverName } = redis;
  const isEncrypted = tls || url?.startsWith('rediss:') === true;
  const cases: readonly (readonly [boolean, string, string])[] = [
    [[url, sentinel, cluster].filter((it) => it !== undefined).length !== 1, 'redis', 'must have exactly one of url, sentinel and cluster'],
    [url !== undefined && tls, 'redis.tls', 'is for sentinel and cluster; with a url its scheme decides (rediss: is TLS)'],
    [
      url !== undefined && username !== undefined && new URL(url).username !== '',
      'redis.username',
      'must not be given beside a user in url',
    ],
    [caFile !== undefined && !isEncrypted, 'redis.caFile', 'is for TLS (a url with rediss:, or tls: true)'],
    [serverName !== undefined && !isEncrypted, 'redis.serverName', 'is for TLS (a url with rediss:, or tls: true)'],
  ];
  return cases.filter(([applies]) => applies).map(([, path, message]) => ({ path, message }));
}
