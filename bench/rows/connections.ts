import { setTimeout } from 'node:timers/promises';
import { BEARER, originOf, signedIn, type Name } from '../contenders.ts';
import { cpuSeconds } from '../cpu.ts';
import { openHouse } from '../house.ts';
import { NotAvailable, openIdle, type IdleClients } from '../idle-clients.ts';
import { idleOptions, KINDS, type IdleContender, type Kind } from '../idle-kinds.ts';
import { memoryOf, perConnection, type Memory } from '../memory.ts';
import { startTarget } from '../processes.ts';

export interface ConnectionsOptions {
  readonly count: number;
  readonly rounds: number;
  /** How long the last ones are left alone, to see what they cost then. */
  readonly idleSeconds: number;
  /** Folder of another built checkout. */
  readonly before: string | undefined;
}

/** What idle connections of one kind cost one contender. */
export interface IdleCost {
  readonly name: Name;
  readonly kind: Kind;
  /** Of one connection; one entry a round. Empty when it has no such connections, and `missing` says what it answered. */
  readonly memory: readonly Memory[];
  readonly missing?: string;
  /** CPU-seconds in a minute, of all of them together. */
  readonly cpuPerMinute?: number;
}

interface Opened {
  readonly contender: IdleContender;
  readonly kind: Kind;
  readonly clients: IdleClients;
  readonly memory: Memory;
}

const WARM_CONNECTIONS = 50;
const SETTLE_MS = 1_000;
const KEEP_FOR_IDLE: readonly Name[] = ['bare http-proxy', 'Cloakroom'];

/** A fresh process for every figure: memory that was used once is not given back, and would hide what the next ones cost. */
export async function measureConnections(options: ConnectionsOptions): Promise<readonly IdleCost[]> {
  const upstream = await startTarget('upstream');
  const names: readonly Name[] = ['bare http-proxy', 'Cloakroom', ...(options.before === undefined ? [] : ['Cloakroom before' as const])];
  const costs: IdleCost[] = [];
  const kept: Opened[] = [];
  try {
    for (const kind of KINDS) {
      for (const name of names) {
        const cost = await measureOne(name, kind, { ...options, upstreamOrigin: originOf(upstream), kept });
        tell(cost);
        costs.push(cost);
      }
    }
    return await idleCpu(costs, kept, options);
  } finally {
    await Promise.all(kept.map(close));
    await upstream.stop();
  }
}

interface OneOptions extends ConnectionsOptions {
  readonly upstreamOrigin: string;
  /** Takes what stays open for the idle figures: the last round of each contender that is looked at there. */
  readonly kept: Opened[];
}

async function measureOne(name: Name, kind: Kind, options: OneOptions): Promise<IdleCost> {
  const memory: Memory[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const contender = await start(name, options.upstreamOrigin, options.before);
    try {
      const opened = await open(contender, kind, options.count);
      memory.push(opened.memory);
      if (round === options.rounds && KEEP_FOR_IDLE.includes(name)) options.kept.push(opened);
      else await close(opened);
    } catch (error) {
      await contender.stop();
      if (error instanceof NotAvailable) return { name, kind, memory: [], missing: error.message };
      throw new Error(`${name}, ${kind}`, { cause: error });
    }
  }
  return { name, kind, memory };
}

async function start(name: Name, upstreamOrigin: string, before: string | undefined): Promise<IdleContender> {
  if (name === 'bare http-proxy') {
    const running = await startTarget('http-proxy', [upstreamOrigin, BEARER], true);
    const house = { running, origin: `http://localhost:${running.port}`, cookie: 'session=none', stop: () => running.stop() };
    return { ...house, ...signedIn(name, house) };
  }
  const isBefore = name === 'Cloakroom before';
  const house = await openHouse({ upstreamOrigin, probed: true, env: limits(isBefore), checkout: isBefore ? before : undefined });
  return { ...house, ...signedIn(name, house) };
}

/** Many at once from one session is what this is about; an earlier version may not know all of the limits. */
function limits(isBefore: boolean): Record<string, string> {
  const known = { CLOAKROOM_ROUTES_0_MAX_IN_FLIGHT: '10000', CLOAKROOM_LISTEN_KEEP_ALIVE_TIMEOUT: '1h' };
  return isBefore ? known : { ...known, CLOAKROOM_WEBSOCKET_PER_SESSION: '10000', CLOAKROOM_WEBSOCKET_TOTAL: '10000' };
}

async function open(contender: IdleContender, kind: Kind, count: number): Promise<Opened> {
  (await openIdle(idleOptions('keep-alive connection', contender, WARM_CONNECTIONS))).close();
  (await openIdle(idleOptions(kind, contender, WARM_CONNECTIONS))).close();
  await setTimeout(SETTLE_MS);
  const before = await memoryOf(contender.running);
  const clients = await openIdle(idleOptions(kind, contender, count));
  await setTimeout(SETTLE_MS);
  const memory = perConnection(before, await memoryOf(contender.running), count);
  checkAlive(contender.name, kind, clients);
  return { contender, kind, clients, memory };
}

/** All kinds at the same time: what an idle process takes from the others does not count. */
async function idleCpu(
  costs: readonly IdleCost[],
  kept: readonly Opened[],
  { idleSeconds }: ConnectionsOptions,
): Promise<readonly IdleCost[]> {
  if (idleSeconds <= 0) return costs;
  console.log(`idle for ${idleSeconds} s`);
  const before = kept.map(({ contender }) => cpuSeconds(contender.running.pid));
  await setTimeout(idleSeconds * 1_000);
  const used = kept.map(({ contender }, index) => cpuSeconds(contender.running.pid) - (before[index] ?? Number.NaN));
  for (const { contender, kind, clients } of kept) checkAlive(contender.name, kind, clients);
  return costs.map((cost) => {
    const index = kept.findIndex(({ contender, kind }) => contender.name === cost.name && kind === cost.kind);
    const seconds = used[index];
    return seconds === undefined ? cost : { ...cost, cpuPerMinute: (seconds * 60) / idleSeconds };
  });
}

function checkAlive(name: Name, kind: Kind, { lost, size }: IdleClients): void {
  if (lost > 0) throw new Error(`${name}: ${lost} of ${size} idle ${kind}s were closed; nothing was measured`);
}

async function close({ contender, clients }: Opened): Promise<void> {
  clients.close();
  await contender.stop();
}

function tell({ name, kind, memory, missing }: IdleCost): void {
  const each = memory
    .map(({ heap, resident }) => `${(heap / 1024).toFixed(1)} KiB of objects (resident ${(resident / 1024).toFixed(1)})`)
    .join(', ');
  console.log(`${kind.padEnd(22)} ${name.padEnd(18)} ${missing === undefined ? each : `NOT AVAILABLE: ${missing}`}`);
}
