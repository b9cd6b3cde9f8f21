import { SeededRandom } from '../random.ts';
import { ChaosClient } from './client.ts';
import { PLAY_NAMES, PLAYS, type Play } from './plays.ts';
import { planRequest, type PlannedRequest, type Sender } from './requests.ts';
import type { ChaosUpstream } from './upstream.ts';
import { isAllowed, isCutInTheQueue, isTolerable, mostHits, seenOf, type Seen } from './verdict.ts';

export interface StormOptions {
  readonly seed: number;
  readonly cycles: number;
  /** Clients at once. */
  readonly atOnce: number;
  readonly port: number;
  readonly sender: Sender;
  readonly upstream: ChaosUpstream;
}

/** What a storm came to. */
export interface Damage {
  /** One line for each thing that must not be, with the cycle that has it. */
  readonly faults: string[];
  /** How often each play was played, each act was called and each outcome was seen. */
  readonly counts: Map<string, number>;
  /** How often a request may reach the upstream, by id. */
  readonly mostHits: Map<string, number>;
}

/** A client that waits longer than this has been forgotten. Milliseconds; far more than all the limits of the house together. */
const FORGOTTEN = 20_000;

/** Plays random clients against random acts of the upstream. The same seed and cycle is the same play. */
export async function storm(options: StormOptions): Promise<Damage> {
  const damage: Damage = { faults: [], counts: new Map(), mostHits: new Map() };
  let next = 0;
  const work = async (): Promise<void> => {
    for (let cycle = next++; cycle < options.cycles; cycle = next++) await playOne(options, cycle, damage);
  };
  await Promise.all(Array.from({ length: options.atOnce }, work));
  judgeHits(damage, options.upstream);
  return damage;
}

async function playOne(options: StormOptions, cycle: number, damage: Damage): Promise<void> {
  const random = new SeededRandom(options.seed * 100_003 + cycle);
  const name = random.pick(PLAY_NAMES);
  const play: Play = PLAYS[name];
  const length = play.requests === 1 ? 1 : 1 + random.integer(play.requests);
  const requests = Array.from({ length }, (_, at) =>
    planRequest(random, `${options.seed.toString(36)}x${String(cycle)}x${String(at)}`, options.sender, play.bodiless),
  );
  const client = await ChaosClient.open(options.port);
  const fault = (text: string): number => damage.faults.push(`seed ${String(options.seed)} cycle ${String(cycle)} (${name}): ${text}`);
  if (!(await inTime(play.run(client, requests, random)))) fault(`forgotten, ${requests.map(({ act }) => act).join(', ')}`);
  count(damage, `play ${name}`);
  judge(play, requests, client, damage, fault);
  client.destroy();
}

function judge(play: Play, requests: readonly PlannedRequest[], client: ChaosClient, damage: Damage, fault: (text: string) => void): void {
  const before: Seen[] = [];
  for (const [at, request] of requests.entries()) {
    const seen = seenOf(request, client.answers[at]);
    count(damage, `act ${request.act}`);
    count(damage, `seen ${String(seen)}`);
    const isQueued = play.bodiless === true && isCutInTheQueue(request.act, seen, before);
    const isGood = play.isGood ? isAllowed(request.act, seen, before) : isTolerable(request.act, seen);
    if (!isGood && !isQueued) fault(`${request.method} ${request.act} of ${String(request.body.length)} bytes came to: ${String(seen)}`);
    before.push(seen);
    damage.mostHits.set(request.id, mostHits(request));
  }
}

function judgeHits({ faults, mostHits: most }: Damage, { hits, violations }: ChaosUpstream): void {
  for (const [id, times] of hits) {
    if (times > (most.get(id) ?? 0)) faults.push(`${id} reached the upstream ${String(times)} times`);
  }
  hits.clear();
  faults.push(...violations.splice(0).map((it) => `upstream: ${it}`));
}

function count({ counts }: Damage, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

function inTime(running: Promise<void>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), FORGOTTEN);
    running.then(() => resolve(true), reject).finally(() => clearTimeout(timer));
  });
}
