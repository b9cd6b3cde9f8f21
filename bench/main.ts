// What the proxied path costs. `npm run bench -- --before ../earlier-checkout --only requests,bodies,connections --rounds 9 --docs`
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startContenders } from './contenders.ts';
import { blocksOf, writeDocs, writeReport, type Results } from './report.ts';
import { measureConnections } from './rows/connections.ts';
import { joined, measureUnderLoad, type Measured } from './rows/under-load.ts';
import { bodyWorkloads, smallRequests } from './workloads.ts';

const PARTS: readonly string[] = ['requests', 'bodies', 'connections'];
const { values: flags } = parseArgs({
  options: {
    before: { type: 'string' }, // folder of another built checkout, run beside this one
    only: { type: 'string', default: PARTS.join(',') },
    rounds: { type: 'string', default: '9' },
    processes: { type: 'string', default: '3' }, // the rounds are spread over so many fresh ones
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
const processes = Math.min(rounds, Number(flags.processes));
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

/** Each part in several generations of fresh processes: how a garbage collector settles differs from one to the next, for good. */
async function underLoad(): Promise<void> {
  const asked = [
    ...(only.includes('requests') ? [smallRequests(Number(flags.requests), Number(flags.connections))] : []),
    ...(only.includes('bodies') ? bodyWorkloads() : []),
  ];
  const rows = asked.map((workload) => ({ workload, measured: [] as readonly Measured[] }));
  for (let left = processes; left > 0; left--) {
    const { all, stop } = await startContenders(flags.before);
    try {
      for (const row of rows) row.measured = joined(row.measured, await measureUnderLoad(all, row.workload, Math.ceil(rounds / processes)));
    } finally {
      await stop();
    }
    results.loads = rows;
    await save();
  }
}

/** After each part: what is measured is not lost when a later part fails. */
async function save(): Promise<Readonly<Record<string, string>>> {
  const setting = `${Math.ceil(rounds / processes) * processes} interleaved rounds in ${processes} generations of processes; small GETs: ${flags.requests} a round over ${flags.connections} connections; ${flags.idle} idle connections, ${flags['idle-rounds']} fresh processes each.`;
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
