import type { Secret } from '../../kernel/secret.ts';
import { listOf } from '../collection-types.ts';
import { Each, Form, Lasting, NoRepeats, Satisfies, Section } from '../constraints.ts';
import { Option } from '../option.ts';
import { isHostPort, isRedisUrl } from '../redis-forms.ts';
import { duration, file, flag, secret, text } from '../scalar-types.ts';

const Nodes = () => Each(isHostPort, 'must be a list of host:port');
const Some = () => Satisfies((nodes: readonly string[]) => nodes.length > 0, 'must name at least one');

export class RedisSentinelSection {
  @Option({ type: text(), required: true, doc: 'Name of the master, as the sentinels know it.' })
  readonly master!: string;

  @Nodes()
  @Some()
  @NoRepeats()
  @Option({ type: listOf(text('host:port')), required: true, doc: 'The sentinels. They are asked for the master at every connection.' })
  readonly nodes!: readonly string[];
}

export class RedisClusterSection {
  @Nodes()
  @Some()
  @NoRepeats()
  @Option({ type: listOf(text('host:port')), required: true, doc: 'Nodes to begin with; they name the others.' })
  readonly nodes!: readonly string[];
}

/** The store that replicas share. Milliseconds. Exactly one of `url`, `sentinel` and `cluster`. */
export class RedisSection {
  @Satisfies(
    isRedisUrl,
    'must be a redis: or rediss: URL of an optional user, a host, an optional port and database number, without a password (use passwordFile) or query',
  )
  @Option({
    type: text('URL'),
    doc: 'One server, such as `rediss://user@redis:6380/0`. `rediss:` is TLS. A password has a key of its own.',
  })
  readonly url?: string;

  @Option({ type: text(), doc: 'ACL user, where it is not in `url`.' })
  readonly username?: string;

  @Option({
    type: secret({ keepsFile: true }),
    doc: 'Password. As `passwordFile` it is read again at every connection, so it may be rotated while we run.',
  })
  readonly password?: Secret;

  /** Put here by the loader when the password came from a file. */
  readonly passwordFile?: string;

  @Option({ type: flag(), doc: 'TLS to the sentinels and servers, with `sentinel` and `cluster`.' })
  readonly tls: boolean = false;

  @Option({ type: file(), doc: 'Certificate authorities that are trusted besides the default ones, PEM. Read again at every connection.' })
  readonly caFile?: string;

  @Option({ type: text('host name'), doc: 'Name that the certificates must have, where it is not the host we connect to.' })
  readonly serverName?: string;

  @Section({ section: RedisSentinelSection, doc: 'Sentinel instead of `url`.' })
  readonly sentinel?: RedisSentinelSection;

  @Section({ section: RedisClusterSection, doc: 'Cluster instead of `url`.' })
  readonly cluster?: RedisClusterSection;

  @Form(/^[^\s{}]{1,100}$/, 'text without spaces and braces, of at most 100 characters')
  @Option({ type: text(), doc: 'Beginning of every key. Two applications with one Redis need different ones.' })
  readonly keyPrefix: string = 'cloakroom:';

  @Lasting('10ms', '10s')
  @Option({ type: duration(), doc: 'Time limit of each command. Then its connection is closed and another one made.' })
  readonly timeout: number = 300;
}
