import type { BrowserRequest } from '../browser-request.ts';
import { checkAnswers, type Contender, type Name } from '../contenders.ts';
import { cpuSeconds } from '../cpu.ts';
import { runLoad } from '../load.ts';

export interface Workload {
  readonly title: string;
  readonly request: BrowserRequest;
  /** A round's, for each contender. */
  readonly requests: number;
  readonly connections: number;
  /** Of one large body; absent where bodies are small. */
  readonly bytes?: number;
}

/** Requests per CPU-second of the process, and per second; one figure a round. */
export interface Measured {
  readonly name: Name;
  readonly perCpuSecond: readonly number[];
  readonly perSecond: readonly number[];
}

interface Growing extends Measured {
  readonly perCpuSecond: number[];
  readonly perSecond: number[];
}

/** Interleaved rounds, there and back in turn, so that no contender always comes after the same one; a first round warms up. */
export async function measureUnderLoad(contenders: readonly Contender[], workload: Workload, rounds: number): Promise<readonly Measured[]> {
  const bodyLength = await checkAnswers(contenders, workload.request);
  const measured = new Map<Contender, Growing>(contenders.map((it) => [it, { name: it.name, perCpuSecond: [], perSecond: [] }]));
  for (let round = 0; round <= rounds; round++) {
    for (const contender of round % 2 === 0 ? contenders : [...contenders].reverse()) {
      const figures = await measureOnce(contender, workload, bodyLength);
      const label = round === 0 ? 'warm-up' : `round ${round}/${rounds}`;
      console.log(
        `${workload.title.padEnd(18)} ${label.padEnd(12)} ${contender.name.padEnd(18)} ${figures.perCpuSecond.toFixed(0).padStart(7)} requests per CPU-second`,
      );
      if (round === 0) continue;
      measured.get(contender)?.perCpuSecond.push(figures.perCpuSecond);
      measured.get(contender)?.perSecond.push(figures.perSecond);
    }
  }
  return [...measured.values()];
}

/** The figures of two generations of the same contenders, one behind the other. */
export function joined(earlier: readonly Measured[], later: readonly Measured[]): readonly Measured[] {
  return later.map(({ name, perCpuSecond, perSecond }, index) => ({
    name,
    perCpuSecond: [...(earlier[index]?.perCpuSecond ?? []), ...perCpuSecond],
    perSecond: [...(earlier[index]?.perSecond ?? []), ...perSecond],
  }));
}

async function measureOnce(
  { name, running, request }: Contender,
  workload: Workload,
  bodyLength: number,
): Promise<{ perCpuSecond: number; perSecond: number }> {
  const { requests, connections } = workload;
  const before = cpuSeconds(running.pid);
  const seconds = await runLoad({ port: running.port, requests, connections, request: request(workload.request), bodyLength }).catch(
    (error: unknown) => {
      throw new Error(`${name}, ${workload.title}`, { cause: error });
    },
  );
  return { perCpuSecond: requests / (cpuSeconds(running.pid) - before), perSecond: requests / seconds };
}
