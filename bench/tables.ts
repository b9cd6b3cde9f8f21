import { NAMES, type Name } from './contenders.ts';
import type { Memory } from './memory.ts';
import type { IdleCost } from './rows/connections.ts';
import type { Measured, Workload } from './rows/under-load.ts';
import { ratios, spread, type Spread } from './statistics.ts';

export interface LoadRow {
  readonly workload: Pick<Workload, 'title' | 'bytes'>;
  readonly measured: readonly Measured[];
}

/** Ratios that the project promises; paired by round. */
const PROMISES = [
  { of: 'Cloakroom', to: 'bare forwarder', atLeast: 0.8 },
  { of: 'Cloakroom', to: 'bare http-proxy', atLeast: 1.5 },
] as const satisfies readonly { of: Name; to: Name; atLeast: number }[];

const BEFORE = 'Cloakroom before';
const KIB = 1024;

/** The lines of promised ratios, and a row for each contender. */
export function requestsBlock(measured: readonly Measured[]): string {
  const promised = PROMISES.map(
    ({ of, to, atLeast }) => `- ${of} ÷ ${to}: **${range(ratioOf(measured, of, to), 2)}** (promised: at least ${atLeast})`,
  );
  const rows = measured
    .filter(({ name }) => name !== BEFORE)
    .map(({ name, perCpuSecond, perSecond }) => [name, range(spread(perCpuSecond), 0), range(spread(perSecond), 0)]);
  return [...promised, '', table(['Target', 'GETs per CPU-second', 'GETs per second'], rows)].join('\n');
}

/** Megabytes per CPU-second, and what they are in the same rounds to the two that have no session. */
export function bodiesBlock(bodies: readonly LoadRow[]): string {
  const names = NAMES.filter((name) => name !== BEFORE);
  const rows = bodies.map(({ workload, measured }) => [
    workload.title,
    ...names.map((name) => ((spread(figures(measured, name)).median * (workload.bytes ?? 0)) / 1e6).toFixed(0)),
    ...PROMISES.map(({ of, to }) => range(ratioOf(measured, of, to), 2)),
  ]);
  return table(['Body', ...names, ...PROMISES.map(({ of, to }) => `${of} ÷ ${to}`)], rows);
}

/** A row for each kind and contender. */
export function connectionsBlock(costs: readonly IdleCost[]): string {
  const rows = costs
    .filter(({ name }) => name !== BEFORE)
    .map(({ name, kind, memory, missing, cpuPerMinute }) =>
      missing === undefined
        ? [kind, name, ...memoryCells(memory), cpuPerMinute?.toFixed(2) ?? '']
        : [kind, name, `not available: ${missing}`, '', '', ''],
    );
  return table(
    ['Idle', 'Target', 'KiB of objects each', 'KiB of buffers each', 'resident KiB each', 'CPU-seconds a minute, all of them'],
    rows,
  );
}

/** This checkout beside another one: more is better where it says "per CPU-second", less is better in KiB. */
export function beforeBlock(workloads: readonly LoadRow[], costs: readonly IdleCost[]): string {
  const loads = workloads.map(({ workload: { title }, measured }) => [
    `${title}, requests per CPU-second`,
    ...([BEFORE, 'Cloakroom'] as const).map((name) => range(spread(figures(measured, name)), 0)),
    range(ratioOf(measured, 'Cloakroom', BEFORE), 3),
  ]);
  const idle = costs.filter(({ name, memory }) => name === BEFORE && memory.length > 0);
  const memories = idle.flatMap(({ kind, memory }) => {
    const now = costs.find((it) => it.kind === kind && it.name === 'Cloakroom')?.memory ?? [];
    return [
      memoryRow(`${kind}, KiB of objects and buffers`, memory, now, living),
      memoryRow(`${kind}, resident KiB`, memory, now, (it) => it.resident),
    ];
  });
  return table(['Row', 'before', 'after', 'after ÷ before'], [...loads, ...memories]);
}

const living = ({ heap, buffers }: Memory): number => heap + buffers;

function memoryRow(
  title: string,
  before: readonly Memory[],
  after: readonly Memory[],
  part: (memory: Memory) => number,
): readonly string[] {
  const [earlier, now] = [before, after].map((rounds) => rounds.map((it) => part(it) / KIB));
  return [title, range(spread(earlier ?? []), 1), range(spread(now ?? []), 1), range(ratios(now ?? [], earlier ?? []), 3)];
}

function memoryCells(memory: IdleCost['memory']): readonly string[] {
  return (['heap', 'buffers', 'resident'] as const).map((part) => range(spread(memory.map((it) => it[part] / KIB)), 1));
}

function ratioOf(measured: readonly Measured[], of: Name, to: Name): Spread {
  return ratios(figures(measured, of), figures(measured, to));
}

function figures(measured: readonly Measured[], name: Name): readonly number[] {
  return measured.find((it) => it.name === name)?.perCpuSecond ?? [];
}

function range({ median, q1, q3 }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${q1.toFixed(digits)}–${q3.toFixed(digits)})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
