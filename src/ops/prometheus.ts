/** One number to be told, as Prometheus counts: a counter only grows, a gauge is as it is now. */
export interface Metric {
  /** Starts with `cloakroom_`; a counter ends with `_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** Label values come from closed sets: never a user, a session, a path or a token. */
  readonly samples: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[];
}

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The text exposition format of Prometheus, version 0.0.4. */
export function exposition(metrics: readonly Metric[]): string {
  return metrics.map((metric) => [...head(metric), ...metric.samples.map((sample) => line(metric.name, sample)), ''].join('\n')).join('');
}

const head = ({ name, help, type }: Metric): readonly string[] => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];

function line(name: string, { labels = {}, value }: Metric['samples'][number]): string {
  const pairs = Object.entries(labels).map(
    ([key, text]) => `${key}="${text.replaceAll(/[\\"\n]/g, (it) => (it === '\n' ? '\\n' : `\\${it}`))}"`,
  );
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${String(value)}`;
}
