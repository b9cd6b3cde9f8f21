// What the proxied path costs. `npm run bench -- --before ../earlier-checkout --only requests,bodies,connections --rounds 9 --docs`
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startContenders } from './contenders.ts';
import { blocksOf, writeDocs, writeReport, type Results } from './report.ts';
import { measureConnections } from './rows/connections.ts';
import { measureUnderLoad } from './rows/under-load.ts';
import type { BodyRow } from './tables.ts';
import { bodyWorkloads, smallRequests } from './workloads.ts';

const PARTS: readonly string[] = ['requests', 'bodies', 'connections'];
const { values: flags } = parseArgs({
  options: {
    before: { type: 'string' }, // folder of another built checkout, run beside this one
    only: { type: 'string', default: PARTS.join(',') },
    rounds: { type: 'string', default: '9' },
    requests: { type: 'string', default: '30000' },
    connections: { type: 'string', default: '32' },
    idle: { type: 'string', default: '1000' },
    'idle-rounds': { type: 'string', default: '3' },
    'idle-seconds': { type: 'string', default: '50' }, // two of our pings
    out: { type: 'string', default: '.cache/bench' },
    docs: { type: 'boolean', default: false }, // put the figures into docs/benchmark.md
  },
});
const only = flags.only.split(',');
const unknown = only.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) throw new Error(`--only knows ${PARTS.join(', ')}, not ${unknown.join(', ')}`);
const rounds = Number(flags.rounds);
const load = loadavg()[0] ?? 0;
if (load > 0.5) console.warn(`the machine is not quiet (load ${load.toFixed(2)}): compare ratios only`);

const results: Results = {};
if (only.includes('requests') || only.includes('bodies')) await underLoad();
if (only.includes('connections')) {
  results.connections = await measureConnections({
    count: Number(flags.idle),
    rounds: Number(flags['idle-rounds']),
    idleSeconds: Number(flags['idle-seconds']),
    before: flags.before,
  });
}
const blocks = await save();
if (flags.docs) await writeDocs(fileURLToPath(new URL('../docs', import.meta.url)), results, blocks);
for (const [name, block] of Object.entries(blocks)) console.log(`\n${name}\n${block}`);
console.log(`\nWritten to ${flags.out}: bench.md, bench.json, bench.svg`);
failOnMissing();

async function underLoad(): Promise<void> {
  const { all, stop } = await startContenders(flags.before);
  try {
    if (only.includes('requests')) {
      results.requests = await measureUnderLoad(all, smallRequests(Number(flags.requests), Number(flags.connections)), rounds);
      await save();
    }
    if (!only.includes('bodies')) return;
    const bodies: BodyRow[] = [];
    for (const workload of bodyWorkloads()) bodies.push({ workload, measured: await measureUnderLoad(all, workload, rounds) });
    results.bodies = bodies;
    await save();
  } finally {
    await stop();
  }
}

/** After each part: what is measured is not lost when a later part fails. */
async function save(): Promise<Readonly<Record<string, string>>> {
  const setting = `${rounds} interleaved rounds; small GETs: ${flags.requests} a round over ${flags.connections} connections; ${flags.idle} idle connections, ${flags['idle-rounds']} fresh processes each.`;
  const written = blocksOf(results, setting);
  await writeReport(flags.out, results, written, load);
  return written;
}

function failOnMissing(): void {
  for (const { name, kind, missing } of results.connections ?? []) {
    if (missing === undefined || name === 'Cloakroom before') continue;
    console.error(`${name} has no idle ${kind}s: ${missing}`);
    process.exitCode = 1;
  }
}
