import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { chart } from './chart.ts';
import type { IdleCost } from './rows/connections.ts';
import type { Measured } from './rows/under-load.ts';
import { spread } from './statistics.ts';
import { beforeBlock, bodiesBlock, connectionsBlock, requestsBlock, type LoadRow } from './tables.ts';

/** What was measured so far; a part is absent when it was not asked for. */
export interface Results {
  loads?: readonly LoadRow[];
  connections?: readonly IdleCost[];
}

/** Blocks of Markdown by name; the page of the docs has a place for each but `before`. */
export type Blocks = Readonly<Record<string, string>>;

export function blocksOf(results: Results, setting: string): Blocks {
  const { loads = [], connections } = results;
  const requests = smallOf(results);
  const bodies = loads.filter(({ workload }) => workload.bytes !== undefined);
  const hasBefore = [...loads.flatMap(({ measured }) => measured), ...(connections ?? [])].some(({ name }) => name === 'Cloakroom before');
  return {
    ...(requests !== undefined && { requests: requestsBlock(requests) }),
    ...(bodies.length > 0 && { bodies: bodiesBlock(bodies) }),
    ...(connections !== undefined && { connections: connectionsBlock(connections) }),
    ...(hasBefore && { before: beforeBlock(loads, connections ?? []) }),
    setting: `${setting} Node ${process.versions.node} on ${cpus().length} × ${cpus()[0]?.model ?? 'an unknown processor'}.`,
  };
}

/** Writes `bench.md`, `bench.json` and `bench.svg` into the folder. */
export async function writeReport(folder: string, results: Results, blocks: Blocks, load: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'bench.md');
  const text = Object.entries(blocks).map(([name, block]) => `<!-- ${name} -->\n\n${block}\n`);
  writeFileSync(file, await formatted(file, text.join('\n')));
  writeFileSync(
    join(folder, 'bench.json'),
    `${JSON.stringify({ node: process.versions.node, loadAtStart: load, ...results }, undefined, 2)}\n`,
  );
  writeChart(join(folder, 'bench.svg'), results);
}

/** Puts the blocks between their marks in docs/benchmark.md, and the chart beside it. */
export async function writeDocs(docs: string, results: Results, blocks: Blocks): Promise<void> {
  const file = join(docs, 'benchmark.md');
  let page = readFileSync(file, 'utf8');
  for (const [name, block] of Object.entries(blocks))
    page = page.replace(placeOf(name), (_all, from: string, to: string) => `${from}\n\n${block}\n\n${to}`);
  writeFileSync(file, await formatted(file, page));
  writeChart(join(docs, 'benchmark.svg'), results);
}

const placeOf = (name: string): RegExp => new RegExp(`(<!-- bench: ${name} -->)[^]*?(<!-- /bench -->)`);

async function formatted(filepath: string, text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(filepath)), filepath });
}

function smallOf({ loads = [] }: Results): readonly Measured[] | undefined {
  return loads.find(({ workload }) => workload.bytes === undefined)?.measured;
}

function writeChart(file: string, results: Results): void {
  const shown = smallOf(results)?.filter(({ name }) => name !== 'Cloakroom before');
  if (shown !== undefined) writeFileSync(file, chart(shown.map(({ name, perCpuSecond }) => ({ name, ...spread(perCpuSecond) }))));
}
