import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { chart } from './chart.ts';
import { ratios, spread, type Spread } from './statistics.ts';

export interface Measured {
  readonly name: string;
  /** One figure a round. */
  readonly perCpuSecond: readonly number[];
  readonly perSecond: readonly number[];
}

export interface Setting {
  readonly cookieBytes: number;
  readonly requests: number;
  readonly connections: number;
  readonly rounds: number;
}

/** Ratios that the project promises; paired by round. */
const PROMISES = [
  { of: 'Cloakroom', to: 'bare forwarder', atLeast: 0.8 },
  { of: 'Cloakroom', to: 'bare http-proxy', atLeast: 1.5 },
];

/** Prints ratios and table, and writes `bench.json`, `bench.md` and `bench.svg`. */
export function report(setting: Setting, measured: readonly Measured[], folder: string): void {
  const rows = measured.map(({ name, perCpuSecond, perSecond }) => ({ name, cpu: spread(perCpuSecond), wall: spread(perSecond) }));
  const promised = PROMISES.map((promise) => ({ ...promise, ratio: ratios(figures(measured, promise.of), figures(measured, promise.to)) }));
  const lines = [
    ...promised.map(({ of, to, atLeast, ratio }) => `- ${of} ÷ ${to}: **${range(ratio, 2)}** (promised: at least ${String(atLeast)})`),
    '',
    '| target | GETs per CPU-second (median, quartiles) | GETs per second |',
    '|---|---|---|',
    ...rows.map(({ name, cpu, wall }) => `| ${name} | ${range(cpu, 0)} | ${range(wall, 0)} |`),
    '',
    `${String(setting.rounds)} interleaved rounds of ${String(setting.requests)} requests each over ${String(setting.connections)} connections, session cookie of ` +
      `${String(setting.cookieBytes)} bytes; Node ${process.versions.node} on ${cpus()[0]?.model ?? 'an unknown processor'}, ${String(cpus().length)} cores.`,
  ];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'bench.md'), `${lines.join('\n')}\n`);
  writeFileSync(
    join(folder, 'bench.json'),
    `${JSON.stringify({ setting, node: process.versions.node, promised, measured }, undefined, 2)}\n`,
  );
  writeFileSync(join(folder, 'bench.svg'), chart(rows.map(({ name, cpu }) => ({ name, ...cpu }))));
  console.log(`\n${lines.join('\n')}\n\nWritten to ${folder}: bench.md, bench.json, bench.svg`);
}

function figures(measured: readonly Measured[], name: string): readonly number[] {
  return measured.find((it) => it.name === name)?.perCpuSecond ?? [];
}

function range({ median, q1, q3 }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${q1.toFixed(digits)}–${q3.toFixed(digits)})`;
}
