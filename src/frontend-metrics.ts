import type { HeadCounts } from './frontend-heads.ts';
import type { Metric } from './ops/prometheus.ts';

/** Where the numbers of one frontend come from. */
export interface MetricSources {
  readonly provider: 'up' | 'down' | 'unknown';
  readonly redis: { readonly status: string; readonly commands: ReadonlyMap<string, number> } | undefined;
  readonly heads: HeadCounts;
  /** By kind of outcome. */
  readonly grants: ReadonlyMap<string, number>;
}

type Sample = Metric['samples'][number];

/** What `/metrics` tells of sessions and tokens. */
export function frontendMetrics({ provider, redis, heads, grants }: MetricSources): readonly Metric[] {
  return [
    gauge('provider_up', 'Whether the metadata of the provider could be read last.', provider === 'up' ? 1 : 0),
    counter('refresh_grants_total', 'Answers of the provider to refresh grants.', labelled('outcome', grants)),
    counter('session_heads_evicted_total', 'Newest tickets and generations that refresh.headMemory had no room for.', [
      { value: heads.evicted },
    ]),
    ...(redis === undefined
      ? []
      : [
          gauge('redis_up', 'Whether Redis can be asked.', redis.status === 'up' ? 1 : 0),
          counter('redis_commands_total', 'Commands sent to Redis.', labelled('command', redis.commands)),
          counter('refresh_uncoordinated_total', 'Refreshes begun without Redis.', [{ value: heads.alone }]),
          gauge('redis_backlog', 'What Redis could not be told yet.', heads.unshared),
          counter('redis_backlog_lost_total', 'What there was no room for in the backlog.', [{ value: heads.lost }]),
        ]),
  ];
}

const gauge = (name: string, help: string, value: number): Metric => ({
  name: `cloakroom_${name}`,
  help,
  type: 'gauge',
  samples: [{ value }],
});

const counter = (name: string, help: string, samples: readonly Sample[]): Metric => ({
  name: `cloakroom_${name}`,
  help,
  type: 'counter',
  samples,
});

const labelled = (label: string, counts: ReadonlyMap<string, number>): readonly Sample[] =>
  [...counts].map(([name, value]) => ({ labels: { [label]: name.replaceAll('-', '_') }, value }));
