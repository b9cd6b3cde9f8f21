import type { ConfigProblem } from './constraints.ts';
import type { RedisSection } from './sections/redis-section.ts';

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
