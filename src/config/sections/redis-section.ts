import type { Secret } from '../../kernel/secret.ts';
import { listOf } from '../collection-types.ts';
import { Lasting, Section } from '../constraints.ts';
import { Option } from '../option.ts';
import { duration, file, secret, text } from '../scalar-types.ts';

export class RedisSentinelSection {
  @Option({ type: text(), required: true, doc: 'Name of the master.' })
  readonly master!: string;

  @Option({ type: listOf(text('host:port')), required: true, doc: 'The sentinels.' })
  readonly nodes!: readonly string[];
}

export class RedisClusterSection {
  @Option({ type: listOf(text('host:port')), required: true, doc: 'Nodes to begin with.' })
  readonly nodes!: readonly string[];
}

/** Coordination between replicas. Milliseconds. */
export class RedisSection {
  @Option({ type: text('URL'), doc: '`redis:` or `rediss:`; never with a password in it.' })
  readonly url?: string;

  @Option({ type: secret(), doc: 'Password.' })
  readonly password?: Secret;

  @Option({ type: file(), doc: 'Certificate authorities, PEM.' })
  readonly caFile?: string;

  @Section({ section: RedisSentinelSection, doc: 'Sentinel instead of `url`.' })
  readonly sentinel?: RedisSentinelSection;

  @Section({ section: RedisClusterSection, doc: 'Cluster instead of `url`.' })
  readonly cluster?: RedisClusterSection;

  @Option({ type: text(), doc: 'Beginning of every key.' })
  readonly keyPrefix: string = 'cloakroom:';

  @Lasting('10ms', '10s')
  @Option({ type: duration(), doc: 'Time limit of each command.' })
  readonly timeout: number = 300;
}
